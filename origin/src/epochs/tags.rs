//! The fixed arrays that purges are written into.

use crate::sync::AtomicU64;
use aqs_api::{Dataset, Query};
use xxhash_rust::xxh3::xxh3_64;

// The model checker walks every atomic of a test, so it gets few.
#[cfg(not(feature = "model"))]
const SIZES: [usize; 5] = [1, 256, 256, 4096, 65_536];
#[cfg(feature = "model")]
const SIZES: [usize; 5] = [1, 1, 1, 1, 2];

/// What a purge is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope<'a> {
    /// Every answer.
    Everything,
    /// The answers of an endpoint, by its name.
    Endpoint(&'a str),
    /// The answers from a dataset, by its name.
    Dataset(&'a str),
    /// The answers about a project.
    Project(&'a str),
    /// The answer to one address, by its key's hash.
    Key(u64),
}

/// Where an answer's purges are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PurgeTags {
    endpoint: u16,
    dataset: u16,
    /// `None` for answers that are about no project.
    project: Option<u16>,
    key: u16,
}

impl Scope<'_> {
    /// What kind of scope it is, in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Endpoint(_) => "endpoint",
            Self::Dataset(_) => "dataset",
            Self::Project(_) => "project",
            Self::Key(_) => "address",
        }
    }
}

impl PurgeTags {
    /// The tags of a query's answer, read from a dataset.
    pub fn of(query: &Query, dataset: &Dataset) -> Self {
        let project = query.project().map(|project| index(&Scope::Project(project)) as u16);
        Self {
            endpoint: index(&Scope::Endpoint(query.endpoint().name)) as u16,
            dataset: index(&Scope::Dataset(dataset.name)) as u16,
            project,
            key: index(&Scope::Key(query.key().hash())) as u16,
        }
    }
}

#[cfg(test)]
impl PurgeTags {
    /// Some tags, for tests that need no query.
    pub(crate) fn any() -> Self {
        Self { endpoint: 0, dataset: 0, project: Some(0), key: 1 }
    }
}

/// The epochs of the last purges of one slot; 0 if there was none.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) hard: AtomicU64,
    pub(super) soft: AtomicU64,
}

/// One array for each kind of scope.
pub(super) struct Arrays([Vec<Slot>; 5]);

impl Arrays {
    pub(super) fn new() -> Self {
        let slot = || Slot { hard: AtomicU64::new(0), soft: AtomicU64::new(0) };
        Self(SIZES.map(|size| std::iter::repeat_with(slot).take(size).collect()))
    }

    pub(super) fn slot(&self, scope: &Scope<'_>) -> &Slot {
        self.at(kind(scope), index(scope))
    }

    /// The tags that an answer has, the widest first.
    pub(super) fn of(&self, tags: &PurgeTags) -> impl Iterator<Item = &Slot> {
        let project = tags.project.map(|project| self.at(3, usize::from(project)));
        [
            self.at(0, 0),
            self.at(1, usize::from(tags.endpoint)),
            self.at(2, usize::from(tags.dataset)),
            self.at(4, usize::from(tags.key)),
        ]
        .into_iter()
        .chain(project)
    }

    /// A slot by the numbers of [`kind`] and [`index`].
    pub(super) fn get(&self, kind: usize, index: usize) -> Option<&Slot> {
        self.0.get(kind)?.get(index)
    }

    // Kinds and indices come from `kind` and `index`, which stay below the sizes.
    fn at(&self, kind: usize, index: usize) -> &Slot {
        &self.0[kind][index]
    }
}

pub(super) fn kind(scope: &Scope<'_>) -> usize {
    match scope {
        Scope::Everything => 0,
        Scope::Endpoint(_) => 1,
        Scope::Dataset(_) => 2,
        Scope::Project(_) => 3,
        Scope::Key(_) => 4,
    }
}

/// The place of a scope in its array: by a hash that is the same in every process, since tags
/// are kept over restarts.
pub(super) fn index(scope: &Scope<'_>) -> usize {
    let hash = match scope {
        Scope::Everything => 0,
        Scope::Endpoint(name) | Scope::Dataset(name) | Scope::Project(name) => {
            xxh3_64(name.as_bytes())
        }
        Scope::Key(hash) => *hash,
    };
    // The remainder is below the size, which is at most 65,536.
    (hash % SIZES[kind(scope)] as u64) as usize
}

//! The fixed arrays that purges are written into.

use super::{Epoch, PurgeMode, Validity};
use crate::sync::{AtomicU64, Ordering};
use aqs_api::key::StableHash;
use aqs_api::{Catalogue, Dataset, Query};
use xxhash_rust::xxh3::xxh3_64;

// The state directory keeps the places in these two arrays: another size needs another format.
// A model checker explores every atomic of a test, so it gets few.
const PROJECTS: usize = if cfg!(feature = "model") { 1 } else { 4096 };
const KEYS: usize = if cfg!(feature = "model") { 2 } else { 65_536 };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    Everything,
    /// The answers of an endpoint, by its name. A name that the catalogue lacks has no answers.
    Endpoint(&'a str),
    /// The answers from a dataset, by its name.
    Dataset(&'a str),
    Project(&'a str),
    /// The answer to one address, by its key.
    Key(StableHash),
}

impl Scope<'_> {
    /// The kind of the scope, as metrics and clients name it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Endpoint(_) => "endpoint",
            Self::Dataset(_) => "dataset",
            Self::Project(_) => "project",
            Self::Key(_) => "address",
        }
    }

    /// The scope in the state directory. Endpoints and datasets are kept by name, since their ids
    /// change with the catalogue.
    pub(super) fn persisted(&self) -> String {
        match self {
            Self::Everything => "everything".to_owned(),
            Self::Endpoint(name) => format!("endpoint/{name}"),
            Self::Dataset(name) => format!("dataset/{name}"),
            Self::Project(name) => format!("project/{}", project_index(name)),
            Self::Key(hash) => format!("key/{}", key_index(*hash)),
        }
    }
}

/// The slots that the purges of an answer are written into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeTags {
    endpoint: u16,
    /// `None` for a dataset that the catalogue lacks.
    dataset: Option<u16>,
    /// `None` for answers that are about no project.
    project: Option<u16>,
    key: u16,
}

impl PurgeTags {
    /// The tags of a query's answer that is read from a dataset, both of this catalogue.
    pub fn of(query: &Query, dataset: &Dataset, catalogue: &Catalogue) -> Self {
        let index = |id: aqs_api::DatasetId| id.index() as u16;
        Self {
            endpoint: query.endpoint_id().index() as u16,
            dataset: catalogue.dataset_id(dataset).map(index),
            project: query.project().map(|project| project_index(project) as u16),
            key: key_index(query.key().stable_hash()) as u16,
        }
    }

    /// Whether a purge of a scope meets an answer with these tags. With projects and keys it may
    /// meet others whose hash is the same.
    pub fn are_in(&self, scope: &Scope<'_>, catalogue: &Catalogue) -> bool {
        match scope {
            Scope::Everything => true,
            Scope::Endpoint(name) => catalogue
                .endpoints()
                .any(|(id, one)| one.name == *name && id.index() == usize::from(self.endpoint)),
            Scope::Dataset(name) => catalogue
                .datasets()
                .iter()
                .position(|one| one.name == *name)
                .is_some_and(|index| self.dataset.map(usize::from) == Some(index)),
            Scope::Project(name) => self.project.map(usize::from) == Some(project_index(name)),
            Scope::Key(hash) => usize::from(self.key) == key_index(*hash),
        }
    }

    /// Some tags, for tests without a query.
    #[cfg(test)]
    pub(crate) fn any() -> Self {
        Self { endpoint: 0, dataset: Some(0), project: Some(0), key: 1 }
    }
}

// By hashes that are the same in every process: places are kept over restarts.
fn project_index(project: &str) -> usize {
    (xxh3_64(project.as_bytes()) % PROJECTS as u64) as usize
}

fn key_index(hash: StableHash) -> usize {
    (hash.0 % KEYS as u64) as usize
}

/// The epochs of the last purges of one scope; 0 if there was none.
#[derive(Debug)]
pub(super) struct Slot {
    hard: AtomicU64,
    soft: AtomicU64,
}

impl Slot {
    fn new() -> Self {
        Self { hard: AtomicU64::new(0), soft: AtomicU64::new(0) }
    }

    /// Notes a purge. An older one than the last changes nothing.
    pub(super) fn raise(&self, mode: PurgeMode, epoch: u64) {
        let field = match mode {
            PurgeMode::Soft => &self.soft,
            PurgeMode::Hard => &self.hard,
        };
        field.fetch_max(epoch, Ordering::SeqCst);
    }
}

/// The slots of every scope: of endpoints and datasets by catalogue id, of projects and keys by
/// hash.
pub(super) struct Slots {
    everything: Slot,
    endpoints: Vec<(&'static str, Slot)>,
    datasets: Vec<(&'static str, Slot)>,
    projects: Vec<Slot>,
    keys: Vec<Slot>,
}

impl Slots {
    pub(super) fn new(
        endpoints: impl Iterator<Item = &'static str>,
        datasets: impl Iterator<Item = &'static str>,
    ) -> Self {
        let hashed = |size| std::iter::repeat_with(Slot::new).take(size).collect();
        Self {
            everything: Slot::new(),
            endpoints: endpoints.map(|name| (name, Slot::new())).collect(),
            datasets: datasets.map(|name| (name, Slot::new())).collect(),
            projects: hashed(PROJECTS),
            keys: hashed(KEYS),
        }
    }

    /// Returns what the purges since an epoch have made of an answer with these tags.
    pub(super) fn validity(&self, epoch: Epoch, tags: &PurgeTags) -> Validity {
        let slots = [
            Some(&self.everything),
            self.endpoints.get(usize::from(tags.endpoint)).map(|(_, slot)| slot),
            tags.dataset.and_then(|id| self.datasets.get(usize::from(id))).map(|(_, slot)| slot),
            self.keys.get(usize::from(tags.key)),
            tags.project.and_then(|index| self.projects.get(usize::from(index))),
        ];
        let mut validity = Validity::Valid;
        for slot in slots.into_iter().flatten() {
            if slot.hard.load(Ordering::SeqCst) > epoch.0 {
                return Validity::Invalid;
            }
            if slot.soft.load(Ordering::SeqCst) > epoch.0 {
                validity = Validity::Stale;
            }
        }
        validity
    }

    /// The slot of a scope; `None` for a name that the catalogue lacks.
    pub(super) fn of(&self, scope: &Scope<'_>) -> Option<&Slot> {
        self.persisted(&scope.persisted())
    }

    /// The slot of what [`Scope::persisted`] wrote.
    pub(super) fn persisted(&self, scope: &str) -> Option<&Slot> {
        let (kind, name) = scope.split_once('/').unwrap_or((scope, ""));
        let named = |(known, _): &&(&str, Slot)| *known == name;
        match kind {
            "everything" => Some(&self.everything),
            "endpoint" => self.endpoints.iter().find(named).map(|(_, slot)| slot),
            "dataset" => self.datasets.iter().find(named).map(|(_, slot)| slot),
            "project" => self.projects.get(name.parse::<usize>().ok()?),
            "key" => self.keys.get(name.parse::<usize>().ok()?),
            _ => None,
        }
    }
}

//! Purging in O(1): what was read from a store before a purge is not served after it.
//!
//! A global counter holds the current epoch. Every purge begins a new epoch and writes it into the
//! slot of its scope: everything, an endpoint, a dataset, a project or an address. The epoch is
//! taken before a store is read and stays with the answer. An answer whose epoch is older than the
//! newest hard purge of one of its tags is invalid; older than a soft purge it is stale. Endpoints
//! and datasets have slots of their own, by catalogue id. Projects and addresses share slots by
//! hash: a collision purges too much, which costs a read and nothing else.

mod purge_tags;
mod state;

pub use purge_tags::{PurgeTags, Scope};
pub use state::{StateDirectory, StateError, StateStatus};

use crate::clock::Moment;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};
use aqs_api::Catalogue;
use purge_tags::Slots;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The epoch at which a store was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// How a purge treats the answers in its scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PurgeMode {
    /// Stale: served while a refresh runs, or if the store fails.
    #[default]
    Soft,
    /// Invalid: never served again.
    Hard,
}

impl PurgeMode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }
}

/// What the purges since an epoch have made of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    Valid,
    Stale,
    Invalid,
}

pub struct Epochs {
    counter: AtomicU64,
    slots: Slots,
    /// The identity and the dataset versions of the state directory when it was opened.
    identity: Option<u64>,
    versions: BTreeMap<String, u64>,
    /// Held while the disk is written, so only threads that may block take it. Purges are
    /// serialised, so that each is durable before it counts.
    writer: Mutex<Option<StateDirectory>>,
}

impl Epochs {
    /// Epochs of a catalogue's answers that begin at a number and are not persisted.
    pub fn starting_at(epoch: u64, catalogue: &Catalogue) -> Self {
        let endpoints = catalogue.endpoints().map(|(_, endpoint)| endpoint.name);
        let datasets = catalogue.datasets().iter().map(|dataset| dataset.name);
        Self::new(epoch, Slots::new(endpoints, datasets))
    }

    fn new(epoch: u64, slots: Slots) -> Self {
        let (counter, writer) = (AtomicU64::new(epoch), Mutex::new(None));
        Self { counter, slots, identity: None, versions: BTreeMap::new(), writer }
    }

    /// Epochs that are persisted in a state directory and continue what it holds.
    ///
    /// The first epoch is no earlier than the time in milliseconds, so that an epoch from before
    /// a purge that could not be written is still older than every later purge. If the state can't
    /// be trusted, everything from before now is purged.
    ///
    /// The first epoch is durable before any answer gets it, so that it holds for every later
    /// start too, also if the clock is put back.
    pub fn remembered(
        mut state: StateDirectory,
        found: &StateStatus,
        now: Moment,
        catalogue: &Catalogue,
    ) -> Result<Self, StateError> {
        let start = now.0.max(state.counter() + 1);
        let mut epochs = Self::starting_at(start, catalogue);
        state.restore(&epochs.slots);
        if found.is_untrusted() {
            epochs.raise(&Scope::Everything, PurgeMode::Hard, start);
            state.record(start, &Scope::Everything, PurgeMode::Hard)?;
        } else {
            state.begin(start)?;
        }
        epochs.identity = Some(state.identity());
        epochs.versions = state.versions().clone();
        *epochs.writer() = Some(state);
        Ok(epochs)
    }

    /// The identity of the state directory, if there is one: a persisted epoch means something
    /// only to the epochs with the same identity.
    pub fn identity(&self) -> Option<u64> {
        self.identity
    }

    /// The versions of the datasets that were known before this start.
    pub fn versions_at_start(&self) -> &BTreeMap<String, u64> {
        &self.versions
    }

    /// Persists the current versions of datasets. It waits for the disk.
    pub fn set_dataset_versions(
        &self,
        versions: &BTreeMap<&'static str, u64>,
    ) -> Result<(), StateError> {
        self.writer().as_mut().map_or(Ok(()), |state| state.set_versions(versions))
    }

    /// The epoch for a store that is read from now on.
    pub fn current(&self) -> Epoch {
        Epoch(self.counter.load(Ordering::SeqCst))
    }

    /// Returns what the purges since an epoch have made of an answer with these tags.
    pub fn validity(&self, epoch: Epoch, tags: &PurgeTags) -> Validity {
        // No purge of anything since: by far the most frequent case, one load.
        if self.counter.load(Ordering::SeqCst) == epoch.0 {
            return Validity::Valid;
        }
        self.slots.validity(epoch, tags)
    }

    /// Purges. Once it returns, nothing that was read before the call is served as new, and the
    /// purge is durable: it waits for the disk, so it belongs on a thread that may block.
    ///
    /// # Errors
    ///
    /// The purge counts, but would not be remembered after a restart.
    pub fn purge(&self, scope: Scope<'_>, mode: PurgeMode) -> Result<(), StateError> {
        let mut writer = self.writer();
        let epoch = self.counter.load(Ordering::SeqCst) + 1;
        // Written first: a crash in between purges once more after the restart.
        let written = match writer.as_mut() {
            Some(state) => state.record(epoch, &scope, mode),
            None => Ok(()),
        };
        // The slot before the counter: a reader that sees the counter's new value, and so skips or
        // does the comparison, sees the slot's too.
        self.raise(&scope, mode, epoch);
        self.counter.store(epoch, Ordering::SeqCst);
        written
    }

    fn raise(&self, scope: &Scope<'_>, mode: PurgeMode, epoch: u64) {
        if let Some(slot) = self.slots.of(scope) {
            slot.raise(mode, epoch);
        }
    }

    fn writer(&self) -> MutexGuard<'_, Option<StateDirectory>> {
        // A panic under the lock leaves at worst a purge that was not written.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Epochs with one endpoint and one dataset, for tests without a catalogue.
    #[cfg(test)]
    pub(crate) fn of_one_endpoint() -> Self {
        Self::new(1, Slots::new(["endpoint"].into_iter(), ["dataset"].into_iter()))
    }
}

#[cfg(test)]
#[cfg(not(feature = "model"))]
mod tests;

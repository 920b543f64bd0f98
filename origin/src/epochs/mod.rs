//! Purging in O(1): what was asked of a store before a purge is not served after it.
//!
//! A counter tells the epoch. Every purge begins a new one and writes it into the slot of what is
//! purged: everything, an endpoint, a dataset, a project or an address. Whoever asks a store
//! takes the epoch first, as a [`Epoch`], which stays with the answer for good; an answer whose
//! epoch is older than the newest hard purge of one of its tags is invalid, and older than a
//! soft purge it is stale. PurgeTags are fixed arrays by hash: two names that share one are purged
//! together, which costs a read too many and nothing else.

mod state;
mod tags;

pub use state::{Found, StateDirectory, StateError};
pub use tags::{PurgeTags, Scope};

use crate::clock::Moment;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};
use std::collections::BTreeMap;
use tags::{Arrays, Slot};

/// The epoch at which a store was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// How a purge treats what it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PurgeMode {
    /// Stale: served while a refresh runs, or if the store fails.
    Soft,
    /// Invalid: never served again.
    Hard,
}

impl PurgeMode {
    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }
}

/// What the purges since a epoch have made of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// No purge met it.
    Valid,
    /// A soft purge met it.
    Stale,
    /// A hard purge met it.
    Invalid,
}

/// The counter and the tags.
pub struct Epochs {
    counter: AtomicU64,
    arrays: Arrays,
    /// Purges come one after the other, so that each is written down before it counts.
    writer: Mutex<Option<StateDirectory>>,
}

impl Epochs {
    /// Epochs that begin at a number and are not written down.
    pub fn starting_at(epoch: u64) -> Self {
        Self { counter: AtomicU64::new(epoch), arrays: Arrays::new(), writer: Mutex::new(None) }
    }

    /// Epochs that are written down in a state directory, and go on from what is there.
    ///
    /// The first epoch is no earlier than the time in milliseconds, so that a epoch from before
    /// a purge that could not be written down is still older than every later purge. If what was
    /// there can't be trusted, everything from before now is purged.
    ///
    /// Where it begins is written down before anything is stamped, so that it holds for every
    /// later start too, also if the clock is put back.
    pub fn remembered(
        mut state: StateDirectory,
        found: &Found,
        now: Moment,
    ) -> Result<Self, StateError> {
        let epochs = Self::starting_at(now.0.max(state.counter() + 1));
        state.restore(&epochs.arrays);
        let start = epochs.current().0;
        if found.is_untrusted() {
            let everything = Scope::Everything;
            epochs.arrays.slot(&everything).raise(PurgeMode::Hard, start);
            state.record(start, &everything, PurgeMode::Hard)?;
        } else {
            state.begin(start)?;
        }
        *epochs.writer() = Some(state);
        Ok(epochs)
    }

    /// Which epochs these are, if they are written down: epochs that were kept with an answer
    /// mean something to the same ones only.
    pub fn identity(&self) -> Option<u64> {
        self.writer().as_ref().map(StateDirectory::identity)
    }

    /// The version that a dataset had when it was last looked at.
    pub fn dataset_version(&self, dataset: &str) -> Option<u64> {
        self.writer().as_ref().and_then(|state| state.version(dataset))
    }

    /// Remembers the versions that datasets have by now.
    pub fn set_dataset_versions(
        &self,
        versions: &BTreeMap<&'static str, u64>,
    ) -> Result<(), StateError> {
        self.writer().as_mut().map_or(Ok(()), |state| state.set_versions(versions))
    }

    /// The epoch for a store that is asked from now on.
    pub fn current(&self) -> Epoch {
        Epoch(self.counter.load(Ordering::SeqCst))
    }

    /// What became of an answer with that epoch and those tags.
    pub fn validity(&self, epoch: Epoch, tags: &PurgeTags) -> Validity {
        // No purge of anything since: by far the most frequent case, one load.
        if self.counter.load(Ordering::SeqCst) == epoch.0 {
            return Validity::Valid;
        }
        let mut stale = false;
        for slot in self.arrays.of(tags) {
            if slot.hard.load(Ordering::SeqCst) > epoch.0 {
                return Validity::Invalid;
            }
            stale |= slot.soft.load(Ordering::SeqCst) > epoch.0;
        }
        if stale { Validity::Stale } else { Validity::Valid }
    }

    /// Purges. When it returns, nothing that was asked before it was called is served as new.
    ///
    /// An error means that the purge counts, but would not be remembered after a restart.
    pub fn purge(&self, scope: Scope<'_>, depth: PurgeMode) -> Result<(), StateError> {
        let mut writer = self.writer();
        let epoch = self.counter.load(Ordering::SeqCst) + 1;
        // Written down first: a crash in between purges once more after the restart.
        let written = match writer.as_mut() {
            Some(state) => state.record(epoch, &scope, depth),
            None => Ok(()),
        };
        // The slot before the counter: whoever sees the counter's new value, and so skips or
        // does the comparison, sees the slot's too.
        let slot = self.arrays.slot(&scope);
        slot.raise(depth, epoch);
        self.counter.store(epoch, Ordering::SeqCst);
        written
    }

    fn writer(&self) -> MutexGuard<'_, Option<StateDirectory>> {
        // Whoever panicked with the lock left at worst a purge that was not written down.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn raise(&self, depth: PurgeMode, epoch: u64) {
        let field = match depth {
            PurgeMode::Soft => &self.soft,
            PurgeMode::Hard => &self.hard,
        };
        field.fetch_max(epoch, Ordering::SeqCst);
    }
}

#[cfg(test)]
#[cfg(not(feature = "model"))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    const THEN: Moment = Moment(1_000_000);
    const LATER: Moment = Moment(2_000_000);

    fn at(path: &Path, now: Moment) -> (Epochs, Found) {
        let (state, found) = StateDirectory::open(path).unwrap();
        (Epochs::remembered(state, &found, now).unwrap(), found)
    }

    #[test]
    fn purges_meet_what_was_asked_before_them() {
        let (epochs, tags) = (Epochs::starting_at(7), PurgeTags::any());
        let before = epochs.current();
        assert_eq!(epochs.validity(before, &tags), Validity::Valid);
        epochs.purge(Scope::Everything, PurgeMode::Soft).unwrap();
        assert_eq!(epochs.validity(before, &tags), Validity::Stale);
        let between = epochs.current();
        assert_eq!(epochs.validity(between, &tags), Validity::Valid);
        epochs.purge(Scope::Everything, PurgeMode::Hard).unwrap();
        assert_eq!(epochs.validity(before, &tags), Validity::Invalid);
        assert_eq!(epochs.validity(between, &tags), Validity::Invalid);
        assert_eq!(epochs.validity(epochs.current(), &tags), Validity::Valid);
    }

    #[test]
    fn a_restart_brings_back_nothing_that_was_purged() {
        let folder = tempfile::tempdir().unwrap();
        let tags = PurgeTags::any();
        let (epochs, found) = at(folder.path(), THEN);
        assert_eq!(found, Found::New);
        let before = epochs.current();
        epochs.purge(Scope::Key(1), PurgeMode::Hard).unwrap();
        let after = epochs.current();
        let versions = BTreeMap::from([("pageviews-top-daily", 3)]);
        epochs.set_dataset_versions(&versions).unwrap();
        drop(epochs);

        let (epochs, found) = at(folder.path(), LATER);
        assert_eq!(found, Found::Kept);
        assert_eq!(epochs.validity(before, &tags), Validity::Invalid);
        assert_eq!(epochs.validity(after, &tags), Validity::Valid);
        assert!(epochs.current() > after);
        assert_eq!(epochs.dataset_version("pageviews-top-daily"), Some(3));
        assert_eq!(epochs.dataset_version("never-seen"), None);
    }

    #[test]
    fn the_counter_goes_on_though_the_clock_went_back() {
        let folder = tempfile::tempdir().unwrap();
        let (epochs, _) = at(folder.path(), LATER);
        epochs.purge(Scope::Everything, PurgeMode::Hard).unwrap();
        let last = epochs.current();
        drop(epochs);
        assert!(at(folder.path(), THEN).0.current() > last);
    }

    #[test]
    fn a_purge_after_a_start_with_the_clock_put_back_meets_what_is_older() {
        let folder = tempfile::tempdir().unwrap();
        let before = at(folder.path(), LATER).0.current();
        let (epochs, _) = at(folder.path(), THEN);
        epochs.purge(Scope::Everything, PurgeMode::Hard).unwrap();
        assert_eq!(epochs.validity(before, &PurgeTags::any()), Validity::Invalid);
    }

    #[test]
    fn of_damaged_state_nothing_older_is_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let (epochs, _) = at(folder.path(), THEN);
        epochs.purge(Scope::Project("en.wikipedia"), PurgeMode::Soft).unwrap();
        let before = epochs.current();
        drop(epochs);
        let file = folder.path().join("state.json");
        let whole = fs::read(&file).unwrap();
        // Cut off anywhere, or with a bit turned: it is noticed.
        let mut turned = whole.clone();
        turned[20] ^= 1;
        for damaged in [&whole[..0], &whole[..5], &whole[..whole.len() - 1], &turned, b"nonsense"] {
            fs::write(&file, damaged).unwrap();
            let (epochs, found) = at(folder.path(), LATER);
            assert!(matches!(found, Found::Damaged(_)), "{found:?}");
            assert_eq!(epochs.validity(before, &PurgeTags::any()), Validity::Invalid);
            assert_eq!(epochs.validity(epochs.current(), &PurgeTags::any()), Validity::Valid);
            // It holds for the next start too.
            epochs.set_dataset_versions(&BTreeMap::new()).unwrap();
            drop(epochs);
            let (epochs, found) = at(folder.path(), LATER);
            assert_eq!(found, Found::Kept);
            assert_eq!(epochs.validity(before, &PurgeTags::any()), Validity::Invalid);
        }
        assert!(folder.path().join("state.json.damaged").exists());
        fs::remove_file(&file).unwrap();
        let (epochs, found) = at(folder.path(), LATER);
        assert_eq!(found, Found::Lost);
        assert_eq!(epochs.validity(before, &PurgeTags::any()), Validity::Invalid);
    }

    #[test]
    fn epochs_are_known_again_unless_their_state_was_lost() {
        let folder = tempfile::tempdir().unwrap();
        let first = at(folder.path(), THEN).0.identity();
        assert!(first.is_some());
        assert_eq!(at(folder.path(), LATER).0.identity(), first);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(at(other.path(), THEN).0.identity(), first);
        fs::remove_file(folder.path().join("state.json")).unwrap();
        assert_ne!(at(folder.path(), LATER).0.identity(), first);
        assert_eq!(Epochs::starting_at(1).identity(), None);
    }

    #[test]
    fn a_state_directory_has_one_user() {
        let folder = tempfile::tempdir().unwrap();
        let (_held, _) = StateDirectory::open(folder.path()).unwrap();
        let second = StateDirectory::open(folder.path());
        assert!(matches!(second, Err(StateError::Busy(_))));
    }

    #[test]
    fn whether_it_is_held_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/state");
        let held = || StateDirectory::is_held(&path).unwrap();
        assert!(!held(), "it is not even there");
        let opened = StateDirectory::open(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(held() && held());
        drop(opened);
        assert!(path.join("lock").exists() && !held());
    }
}

//! The published generation, from which answers are served.

use crate::generation::{Generation, HotEntry};
use aqs_api::KeyRef;
use aqs_origin::epochs::Validity;
use aqs_origin::memory_budget::{Budget, Consumer, Reservation};
use aqs_origin::{Entry, Epochs, Moment};
use arc_swap::ArcSwapOption;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The largest step back of a clock that does not make answers stale.
const SKEW: Duration = Duration::from_secs(60);

/// The hot set: one generation at a time.
///
/// A look-up is one atomic load and one probe of a map; a publication is one atomic store. Only
/// publishers take the lock. They hold it while they merge, write and sync, and therefore run on
/// blocking threads.
#[derive(Debug)]
pub struct HotSet {
    live: ArcSwapOption<Generation>,
    publish_state: Mutex<PublishState>,
    budget: Arc<Budget>,
    max_age: Duration,
}

#[derive(Debug)]
struct PublishState {
    next_id: u64,
    /// The generation before the live one. Keeping it makes a rollback instant, and ensures that
    /// a thread that serves never drops the last reference to a generation.
    previous: Option<Arc<Generation>>,
    _reservation: Option<Reservation>,
}

#[derive(Clone, Debug)]
pub struct HotHit {
    pub entry: Arc<Entry>,
    /// The id of the generation that holds the answer.
    pub generation: u64,
    pub freshness: HotFreshness,
    /// The answer is fresh until then, unless a purge invalidates it.
    pub fresh_until: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HotFreshness {
    Fresh,
    /// Served while it is refreshed: softly purged, or older than the maximum age.
    Stale,
}

impl HotSet {
    /// An empty hot set. An answer is fresh for `max_age` after a build has confirmed it.
    pub fn new(budget: Arc<Budget>, max_age: Duration) -> Self {
        let state = PublishState { next_id: 1, previous: None, _reservation: None };
        Self { live: ArcSwapOption::empty(), publish_state: Mutex::new(state), budget, max_age }
    }

    /// The answer for `key`, unless there is none or it was hard-purged.
    pub fn get(&self, key: KeyRef<'_>, now: Moment, epochs: &Epochs) -> Option<HotHit> {
        let live = self.live.load();
        let live = live.as_ref()?;
        let hot = live.get(key)?;
        let freshness = self.freshness(hot, now, epochs)?;
        let fresh_until = hot.confirmed.plus(self.max_age);
        let entry = Arc::clone(&hot.entry);
        Some(HotHit { entry, generation: live.id, freshness, fresh_until })
    }

    /// `None` if the answer was hard-purged.
    pub(crate) fn freshness(
        &self,
        hot: &HotEntry,
        now: Moment,
        epochs: &Epochs,
    ) -> Option<HotFreshness> {
        let young = now < hot.confirmed.plus(self.max_age) && hot.confirmed <= now.plus(SKEW);
        match epochs.validity(hot.entry.epoch, &hot.entry.tags) {
            Validity::Invalid => None,
            Validity::Valid if young => Some(HotFreshness::Fresh),
            Validity::Valid | Validity::Stale => Some(HotFreshness::Stale),
        }
    }

    pub fn live(&self) -> Option<Arc<Generation>> {
        self.live.load_full()
    }

    /// The generation before the live one, if it is in memory.
    pub fn previous(&self) -> Option<Arc<Generation>> {
        self.publish_state().previous.clone()
    }

    pub fn max_age(&self) -> Duration {
        self.max_age
    }

    /// Publishes the generation that `make` returns for the live generation and the next id. No
    /// other publication happens meanwhile. If `make` fails, nothing changes.
    ///
    /// Blocks: it waits for other publishers, and drops the generation that it replaces.
    pub fn publish<E>(
        &self,
        make: impl FnOnce(Option<&Generation>, u64) -> Result<Generation, E>,
    ) -> Result<Arc<Generation>, E> {
        let mut state = self.publish_state();
        let before = self.live.load_full();
        let mut new = make(before.as_deref(), state.next_id)?;
        // The id of a generation from disk may be later.
        new.id = new.id.max(state.next_id);
        state.next_id = new.id.saturating_add(1);
        let bytes = before.as_ref().map_or(new.bytes, |before| new.weight_with(before));
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let new = Arc::new(new);
        let reservation = self.budget.reserve(Consumer::HotSet, bytes);
        self.live.store(Some(Arc::clone(&new)));
        state._reservation = Some(reservation);
        let retired = std::mem::replace(&mut state.previous, before);
        drop(state);
        drop(retired);
        Ok(new)
    }

    /// Publishes a generation from disk, under its own id unless a later one was used already.
    /// Blocks like [`HotSet::publish`].
    pub fn restore(&self, kept: Generation) -> Arc<Generation> {
        let Ok(new) = self.publish(|_, _| Ok::<_, Infallible>(kept));
        new
    }

    /// Marks all ids up to `id` as used.
    pub fn skip_ids(&self, id: u64) {
        let mut state = self.publish_state();
        state.next_id = state.next_id.max(id.saturating_add(1));
    }

    fn publish_state(&self) -> MutexGuard<'_, PublishState> {
        // A publisher that panics has changed nothing.
        self.publish_state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The published generation.

use super::{Generation, Held};
use aqs_api::KeyRef;
use aqs_origin::epochs::Validity;
use aqs_origin::memory::{Budget, Part, Reservation};
use aqs_origin::{Entry, Epochs, Moment};
use arc_swap::ArcSwapOption;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// By how much clocks are put back now and then.
const SKEW: Duration = Duration::from_secs(60);

/// What is served without asking anybody: one generation at a time, swapped whole.
///
/// A look-up is one load and one comparison of hashes; publishing is one store. Only those who
/// publish take the lock, one after the other.
#[derive(Debug)]
pub struct HotSet {
    live: ArcSwapOption<Generation>,
    books: Mutex<Books>,
    budget: Arc<Budget>,
    max_age: Duration,
}

/// What those who publish must know.
#[derive(Debug)]
struct Books {
    /// The number that the next generation gets.
    next: u64,
    /// The generation before the live one, for an instant way back. It also makes sure that no
    /// thread that serves is the last to let go of a generation, and has to take it down.
    previous: Option<Arc<Generation>>,
    _reservation: Option<Reservation>,
}

/// An answer from the hot set.
#[derive(Clone, Debug)]
pub struct Hot {
    /// The answer.
    pub entry: Arc<Entry>,
    /// The generation that it comes from.
    pub generation: u64,
    /// How it may be used.
    pub freshness: HotFreshness,
    /// Until when it is fresh, unless it is purged.
    pub fresh_until: Moment,
}

/// How an answer from the hot set may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HotFreshness {
    /// As it is.
    Fresh,
    /// While it is read again: it was purged softly, or is older than a generation may be.
    Stale,
}

impl HotSet {
    /// Nothing published yet. `max_age` is how long ago an answer may have been confirmed.
    pub fn new(budget: Arc<Budget>, max_age: Duration) -> Self {
        let books = Mutex::new(Books { next: 1, previous: None, _reservation: None });
        Self { live: ArcSwapOption::empty(), books, budget, max_age }
    }

    /// The answer to an address, if there is one that may be used.
    pub fn get(&self, key: KeyRef<'_>, now: Moment, epochs: &Epochs) -> Option<Hot> {
        let live = self.live.load();
        let live = live.as_ref()?;
        let held = live.get(key)?;
        let freshness = self.freshness(held, now, epochs)?;
        let fresh_until = held.confirmed.plus(self.max_age);
        let entry = Arc::clone(&held.entry);
        Some(Hot { entry, generation: live.id, freshness, fresh_until })
    }

    /// How an answer may be used, if it may be.
    pub(crate) fn freshness(
        &self,
        held: &Held,
        now: Moment,
        epochs: &Epochs,
    ) -> Option<HotFreshness> {
        let young = now < held.confirmed.plus(self.max_age) && held.confirmed <= now.plus(SKEW);
        match epochs.validity(held.entry.epoch, &held.entry.tags) {
            Validity::Invalid => None,
            Validity::Valid if young => Some(HotFreshness::Fresh),
            Validity::Valid | Validity::Stale => Some(HotFreshness::Stale),
        }
    }

    /// The live generation.
    pub fn live(&self) -> Option<Arc<Generation>> {
        self.live.load_full()
    }

    /// The generation before the live one, as long as it is in memory.
    pub fn previous(&self) -> Option<Arc<Generation>> {
        self.books().previous.clone()
    }

    /// How long ago an answer may have been confirmed.
    pub fn max_age(&self) -> Duration {
        self.max_age
    }

    /// Publishes what `make` makes of the live generation and the next number; nothing else is
    /// published meanwhile. An error of `make` leaves everything as it is.
    ///
    /// The generation that nobody can go back to any more is taken down here, so this belongs on
    /// a thread that may block.
    pub fn publish<E>(
        &self,
        make: impl FnOnce(Option<&Generation>, u64) -> Result<Generation, E>,
    ) -> Result<Arc<Generation>, E> {
        let mut books = self.books();
        let before = self.live.load_full();
        let id = books.next;
        let new = Arc::new(Generation { id, ..make(before.as_deref(), id)? });
        let retired = self.swap(&mut books, &new, before);
        drop(books);
        drop(retired);
        Ok(new)
    }

    /// Publishes a generation that was kept, under its own number if that is a new one.
    pub fn restore(&self, kept: Generation) -> Arc<Generation> {
        let mut books = self.books();
        let before = self.live.load_full();
        let id = kept.id.max(books.next);
        let new = Arc::new(Generation { id, ..kept });
        let retired = self.swap(&mut books, &new, before);
        drop(books);
        drop(retired);
        new
    }

    /// Makes sure that no number up to this one is given (again).
    pub fn number_after(&self, id: u64) {
        let mut books = self.books();
        books.next = books.next.max(id.saturating_add(1));
    }

    /// Makes a generation the live one; gives the one that is not needed any more.
    fn swap(
        &self,
        books: &mut Books,
        new: &Arc<Generation>,
        before: Option<Arc<Generation>>,
    ) -> Option<Arc<Generation>> {
        let bytes = before.as_ref().map_or(new.bytes, |before| new.weight_with(before));
        let reservation =
            self.budget.reserve(Part::HotSet, usize::try_from(bytes).unwrap_or(usize::MAX));
        self.live.store(Some(Arc::clone(new)));
        books.next = new.id.saturating_add(1);
        books._reservation = Some(reservation);
        std::mem::replace(&mut books.previous, before)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // Whoever panicked with the lock has published nothing.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Which flights are under way: the part that purges and joiners race on.

use crate::epochs::{Epoch, Epochs, PurgeTags, Validity};
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

/// Singleflight by what they fetch.
pub(crate) struct InFlight<K, T> {
    /// Their hashes are random enough for maps that are bounded; each miss computes several.
    flights: Mutex<HashMap<K, Posted<T>, RandomState>>,
    last: AtomicU64,
}

struct Posted<T> {
    number: u64,
    epoch: Epoch,
    flight: T,
}

/// How somebody came aboard.
pub(crate) enum Boarding<T> {
    /// A flight is under way and may be joined.
    Joined(T),
    /// A new one was posted: whoever gets this has to fly it, and to take it off the board.
    Posted(T, Number),
    /// As many as may be are under way.
    Full,
}

/// Which of the flights that a key had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number(u64);

impl<K: Hash + Eq + Clone, T: Clone> InFlight<K, T> {
    pub(crate) fn new() -> Self {
        Self { flights: Mutex::new(HashMap::default()), last: AtomicU64::new(0) }
    }

    /// Joins the flight of a key or posts a new one. Keys are cheap to clone.
    ///
    /// A flight is joined only while its epoch is valid for the joiner: what it brings was asked
    /// before a purge that the joiner may know of. The epoch of a new flight is taken here,
    /// before anything is asked.
    pub(crate) fn board(
        &self,
        key: &K,
        epochs: &Epochs,
        tags: &PurgeTags,
        at_most: usize,
        post: impl FnOnce(Epoch) -> T,
    ) -> Boarding<T> {
        let key = key.clone();
        let mut flights = self.lock();
        let full = flights.len() >= at_most;
        // Looked for once: hashing what names a read is much of what this costs.
        let entry = flights.entry(key);
        if let Entry::Occupied(held) = &entry
            && epochs.validity(held.get().epoch, tags) == Validity::Valid
        {
            return Boarding::Joined(held.get().flight.clone());
        }
        if full {
            return Boarding::Full;
        }
        let epoch = epochs.current();
        let number = self.last.fetch_add(1, Ordering::SeqCst) + 1;
        let flight = post(epoch);
        entry.insert_entry(Posted { number, epoch, flight: flight.clone() });
        Boarding::Posted(flight, Number(number))
    }

    /// Takes a flight off the board, unless a newer one has taken its place.
    pub(crate) fn remove(&self, key: &K, number: Number) {
        let key = key.clone();
        if let Entry::Occupied(held) = self.lock().entry(key)
            && held.get().number == number.0
        {
            held.remove();
        }
    }

    /// How many are under way.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Posted<T>, RandomState>> {
        // Nothing can be left half done under this lock.
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

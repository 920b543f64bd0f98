//! The flights by key: the part in which purges and joining requests race.

use crate::epochs::{Epoch, Epochs, PurgeTags, Validity};
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};
// Its seed differs from process to process: clients choose the keys.
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

/// Flights by what they fetch.
pub(crate) struct InFlight<K, T> {
    flights: Mutex<HashMap<K, Slot<T>, RandomState>>,
    last_id: AtomicU64,
}

struct Slot<T> {
    id: FlightId,
    epoch: Epoch,
    flight: T,
}

/// What became of a request for a key.
pub(crate) enum Join<T> {
    /// It joins this flight.
    Joined(T),
    /// It starts this flight, and has to remove it at its end.
    Started(T, FlightId),
    /// There are as many flights as there may be.
    Full,
}

/// Distinguishes the flights that one key has over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlightId(u64);

impl<K: Hash + Eq + Clone, T: Clone> InFlight<K, T> {
    pub(crate) fn new() -> Self {
        Self { flights: Mutex::new(HashMap::default()), last_id: AtomicU64::new(0) }
    }

    /// Joins the flight of a key or starts a new one. Keys are cheap to clone.
    ///
    /// A flight is joined only while its epoch is valid for the tags: its rows may have been read
    /// before a purge that the joining request has to see. The epoch of a new flight is taken
    /// here, before the store is read.
    pub(crate) fn join(
        &self,
        key: &K,
        epochs: &Epochs,
        tags: &PurgeTags,
        at_most: usize,
        start: impl FnOnce(Epoch) -> T,
    ) -> Join<T> {
        let key = key.clone();
        let mut flights = self.lock();
        let full = flights.len() >= at_most;
        // One probe: hashing the key of a read is much of what this costs.
        let entry = flights.entry(key);
        if let Entry::Occupied(slot) = &entry
            && epochs.validity(slot.get().epoch, tags) == Validity::Valid
        {
            return Join::Joined(slot.get().flight.clone());
        }
        if full {
            return Join::Full;
        }
        let epoch = epochs.current();
        let id = FlightId(self.last_id.fetch_add(1, Ordering::SeqCst) + 1);
        let flight = start(epoch);
        entry.insert_entry(Slot { id, epoch, flight: flight.clone() });
        Join::Started(flight, id)
    }

    /// Removes a flight, unless a newer one of its key has replaced it.
    pub(crate) fn remove(&self, key: &K, id: FlightId) {
        if let Entry::Occupied(slot) = self.lock().entry(key.clone())
            && slot.get().id == id
        {
            slot.remove();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Slot<T>, RandomState>> {
        // Nothing can be left half done under this lock.
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

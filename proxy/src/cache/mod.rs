//! The response cache, limited in bytes.

mod aliases;
mod memory_share;

pub use aliases::Aliases;
pub use memory_share::MemoryBalancer;

use aqs_api::{Key, KeyHasher, KeyRef};
use aqs_origin::Entry;
use prometheus::IntCounter;
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};
use std::hash::BuildHasherDefault;
use std::sync::Arc;
use thiserror::Error;

/// Approximate bytes of an entry in addition to its own: the map's slot, list links, reference
/// counts.
const OVERHEAD: usize = 160;
/// The assumed average weight of an answer, to size the cache's tables at start.
const TYPICAL_WEIGHT: u64 = 4096;
/// How many parts are locked apart. More of them contend less and bound a single entry lower.
const SHARDS: usize = 16;

/// The part of a shard for frequently requested entries; an entry must fit into it.
const HOT_PART: f64 = 0.97;

/// Entries by key. Scan-resistant: entries that are requested once do not evict frequent ones.
pub struct ResponseCache {
    entries: Cache<Key, Arc<Entry>, ByBytes, BuildHasherDefault<KeyHasher>, CountEvictions>,
}

/// What became of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    Stored,
    /// The cache holds a newer entry of the key.
    Outdated,
    TooLarge,
}

/// The options of the cache are invalid.
#[derive(Debug, Error)]
#[error("the response cache can't be built: {0}")]
pub struct CacheError(String);

impl CacheError {
    fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl ResponseCache {
    /// Creates a cache that is limited to `bytes` and counts its evictions.
    pub fn new(bytes: u64, evictions: IntCounter) -> Result<Self, CacheError> {
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .weight_capacity(bytes)
            .hot_allocation(HOT_PART)
            .estimated_items_capacity((bytes / TYPICAL_WEIGHT).max(64) as usize)
            .build()
            .map_err(CacheError::new)?;
        let hasher = BuildHasherDefault::default();
        let lifecycle = CountEvictions(evictions);
        Ok(Self { entries: Cache::with_options(options, ByBytes, hasher, lifecycle) })
    }

    /// The entry of a key, however old.
    pub fn get(&self, key: KeyRef<'_>) -> Option<Arc<Entry>> {
        self.entries.get(&key)
    }

    /// Inserts an entry, unless the cache holds a newer one or the entry is too large.
    ///
    /// The comparison happens under the lock of the shard, so that an older answer never replaces
    /// a newer one.
    pub fn insert(&self, key: &Key, entry: &Arc<Entry>) -> Insertion {
        let is_newer = |held: &Arc<Entry>| held.epoch > entry.epoch;
        // quick_cache would drop an entry without room for it silently.
        let room = self.entries.shard_capacity() as f64 * HOT_PART;
        if ByBytes.weight(key, entry) as f64 >= room {
            // An older entry must not be served any longer in place of this one.
            self.entries.remove_if(key, |held| !is_newer(held));
            return Insertion::TooLarge;
        }
        let stored = self.entries.entry(key, None, |_, held| {
            let outdated = is_newer(held);
            if !outdated {
                *held = Arc::clone(entry);
            }
            EntryAction::Retain(outdated)
        });
        match stored {
            EntryResult::Retained(true) => Insertion::Outdated,
            EntryResult::Vacant(guard) => {
                // It fails if the key was removed meanwhile: then the answer is not stored.
                match guard.insert(Arc::clone(entry)) {
                    Ok(()) => Insertion::Stored,
                    Err(_) => Insertion::Outdated,
                }
            }
            EntryResult::Retained(false)
            | EntryResult::Removed(..)
            | EntryResult::Replaced(..)
            | EntryResult::Timeout => Insertion::Stored,
        }
    }

    /// Changes the limit. Entries beyond it are evicted at once.
    pub fn resize(&self, bytes: u64) {
        self.entries.set_capacity(bytes);
    }

    pub fn capacity(&self) -> u64 {
        self.entries.capacity()
    }

    pub fn bytes(&self) -> u64 {
        self.entries.weight()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entries at the moment.
    pub fn iter(&self) -> impl Iterator<Item = (Key, Arc<Entry>)> {
        self.entries.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Arc<Entry>> for ByBytes {
    fn weight(&self, key: &Key, entry: &Arc<Entry>) -> u64 {
        (OVERHEAD + size_of::<Key>() + key.weight() + entry.weight()) as u64
    }
}

#[derive(Clone)]
struct CountEvictions(IntCounter);

impl Lifecycle<Key, Arc<Entry>> for CountEvictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: Key, _: Arc<Entry>) {
        self.0.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::lifetimes::Times;
    use aqs_api::{Catalogue, Representation, Target};
    use aqs_origin::epochs::Epoch;
    use aqs_origin::{Moment, ReadPlan};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    fn entries(epochs: impl Iterator<Item = u64>, body: &str) -> (Key, Vec<Arc<Entry>>) {
        let catalogue = Catalogue::standard().unwrap();
        let target = "/metrics/pageviews/top/en.wikipedia/all-access/2026/01/01";
        let query = catalogue.resolve(Target::parse(target).unwrap()).unwrap();
        let plan = ReadPlan::new(query, &catalogue);
        let entry = |epoch| {
            Arc::new(Entry::new(
                Representation::body(body.to_owned()),
                plan.query().endpoint_id(),
                Moment(1000),
                Epoch(epoch),
                plan.tags(),
                Times::default().data,
            ))
        };
        (plan.query().key().clone(), epochs.map(entry).collect())
    }

    fn cache() -> ResponseCache {
        ResponseCache::new(1 << 20, IntCounter::new("evictions", "none").unwrap()).unwrap()
    }

    #[test]
    fn of_two_concurrent_inserts_the_newer_stays() {
        const ROUNDS: usize = 100;
        let (cache, (key, entries)) = (cache(), entries([1, 2].into_iter(), "{}"));
        // Both threads leave the wait for a round at nearly the same time.
        let arrivals = AtomicUsize::new(0);
        let meet = |count: usize| {
            arrivals.fetch_add(1, Ordering::SeqCst);
            while arrivals.load(Ordering::SeqCst) < count {
                std::hint::spin_loop();
            }
        };
        let insert = |entry: &Arc<Entry>| {
            let mut older = 0;
            for round in 0..ROUNDS {
                meet(6 * round + 2);
                cache.insert(&key, entry);
                meet(6 * round + 4);
                older += usize::from(cache.get(key.as_ref()).unwrap().epoch == Epoch(1));
                meet(6 * round + 6);
                cache.entries.remove(&key);
            }
            older
        };
        let older = thread::scope(|scope| {
            let other = scope.spawn(|| insert(&entries[1]));
            insert(&entries[0]) + other.join().unwrap()
        });
        assert_eq!(older, 0, "an older answer replaced a newer one");
    }

    #[test]
    fn an_entry_that_is_too_large_removes_only_what_is_older() {
        let cache = cache();
        let (key, large) = entries([2].into_iter(), &"x".repeat(1 << 20));
        let (_, small) = entries([1, 3].into_iter(), "{}");
        assert_eq!(cache.insert(&key, &small[0]), Insertion::Stored);
        assert_eq!(cache.insert(&key, &large[0]), Insertion::TooLarge);
        assert!(cache.is_empty());
        assert_eq!(cache.insert(&key, &small[1]), Insertion::Stored);
        assert_eq!(cache.insert(&key, &large[0]), Insertion::TooLarge);
        assert_eq!(cache.get(key.as_ref()).unwrap().epoch, Epoch(3));
        assert_eq!(cache.insert(&key, &small[0]), Insertion::Outdated);
    }
}

//! The look-up of a key in the hot set and the cache. It takes no lock of its own and allocates
//! nothing.

use crate::cache::ResponseCache;
use crate::http::{CacheResult, CacheStatus};
use aqs_api::{Key, KeyRef};
use aqs_origin::epochs::Validity;
use aqs_origin::{Entry, Epochs, Freshness, Moment};
use aqs_warmers::hot_set::{HotFreshness, HotHit, HotSet};
use std::sync::Arc;

pub struct Lookup {
    pub hot_set: Arc<HotSet>,
    pub cache: Arc<ResponseCache>,
    pub epochs: Arc<Epochs>,
}

/// An entry that may be served, and where it comes from.
pub(super) struct Hit {
    pub(super) entry: Arc<Entry>,
    pub(super) status: CacheStatus,
}

impl Hit {
    pub(super) fn new(entry: Arc<Entry>, result: CacheResult, now: Moment) -> Self {
        let ttl = entry.fresh_until.seconds_since(now);
        Self { entry, status: CacheStatus { result, ttl, generation: 0 } }
    }

    fn hot(hot: HotHit, result: CacheResult, now: Moment) -> Self {
        let ttl = hot.fresh_until.seconds_since(now);
        Self { entry: hot.entry, status: CacheStatus { result, ttl, generation: hot.generation } }
    }

    pub(super) fn needs_refresh(&self) -> bool {
        matches!(self.status.result, CacheResult::HotStale | CacheResult::Stale)
    }
}

impl Lookup {
    pub(super) fn get(&self, key: KeyRef<'_>, now: Moment) -> Option<Hit> {
        match self.hot_set.get(key, now, &self.epochs) {
            Some(hot) if hot.freshness == HotFreshness::Fresh => {
                Some(Hit::hot(hot, CacheResult::Hot, now))
            }
            // A refresh may have stored a newer answer in the cache.
            Some(hot) => match self.cached(key, now, Some(&hot.entry)) {
                Some(hit) => Some(hit),
                None => Some(Hit::hot(hot, CacheResult::HotStale, now)),
            },
            None => self.cached(key, now, None),
        }
    }

    /// Calls a function with each key that has an answer in the hot set or the cache, however
    /// stale, once for each of them.
    pub fn for_each(&self, mut visit: impl FnMut(&Key, &Entry)) {
        let mut if_valid = |key: &Key, entry: &Entry| {
            if self.epochs.validity(entry.epoch, &entry.tags) != Validity::Invalid {
                visit(key, entry);
            }
        };
        if let Some(live) = self.hot_set.live() {
            live.iter().for_each(|(key, hot)| if_valid(key, &hot.entry));
        }
        self.cache.iter().for_each(|(key, entry)| if_valid(&key, &entry));
    }

    /// The entry of the cache, if it may be served. `hot` is the stale entry of the hot set that
    /// would be served in its place: only a newer one is returned, however stale.
    fn cached(&self, key: KeyRef<'_>, now: Moment, hot: Option<&Entry>) -> Option<Hit> {
        let entry = self.cache.get(key)?;
        if hot.is_some_and(|hot| (entry.epoch, entry.fetched_at) <= (hot.epoch, hot.fetched_at)) {
            return None;
        }
        let result = match entry.freshness(now, &self.epochs) {
            Freshness::Fresh => CacheResult::Fresh,
            Freshness::Revalidate => CacheResult::Stale,
            Freshness::OnlyIfStoreFails if hot.is_some() => CacheResult::Stale,
            Freshness::OnlyIfStoreFails if !entry.backs_off(now) => return None,
            Freshness::OnlyIfStoreFails if entry.store_failed() => CacheResult::StaleIfError,
            // A refresh that began in time is still under way.
            Freshness::OnlyIfStoreFails => CacheResult::Stale,
            Freshness::Invalid => return None,
        };
        Some(Hit::new(entry, result, now))
    }
}

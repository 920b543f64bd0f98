//! What caches keep of an answer.

use crate::clock::Moment;
use crate::epochs::{Epoch, Epochs, PurgeTags, Validity};
use aqs_api::lifetimes::Lifetimes;
use aqs_api::{EndpointId, Representation};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// An answer with everything that decides how long it may be used.
#[derive(Debug)]
pub struct Entry {
    pub representation: Representation,
    pub endpoint: EndpointId,
    pub epoch: Epoch,
    pub tags: PurgeTags,
    pub fetched_at: Moment,
    /// Whether its range reaches beyond what was loaded, so that clients must not keep it for long.
    pub expects_more: bool,
    /// Up to when it is served as it is.
    pub fresh_until: Moment,
    /// Up to when it is served while a refresh runs.
    pub revalidate_until: Moment,
    /// Up to when it is served if the store fails.
    pub usable_until: Moment,
    next_refresh: AtomicU64,
    /// Whether the last read of the store failed.
    store_failed: AtomicBool,
}

/// By how much clocks may be put back without consequence.
const SKEW: Duration = Duration::from_secs(60);

/// How an entry may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    Revalidate,
    OnlyIfStoreFails,
    Invalid,
}

impl Entry {
    pub fn new(
        representation: Representation,
        endpoint: EndpointId,
        fetched_at: Moment,
        epoch: Epoch,
        tags: PurgeTags,
        lifetimes: Lifetimes,
    ) -> Self {
        Self {
            representation,
            endpoint,
            epoch,
            tags,
            fetched_at,
            expects_more: false,
            fresh_until: fetched_at.plus(lifetimes.fresh),
            revalidate_until: fetched_at.plus(lifetimes.revalidate),
            usable_until: fetched_at.plus(lifetimes.usable),
            next_refresh: AtomicU64::new(0),
            store_failed: AtomicBool::new(false),
        }
    }

    #[must_use]
    pub fn expecting_more(self, expects_more: bool) -> Self {
        Self { expects_more, ..self }
    }

    /// Shares the bytes of an older answer if they are equal, so that unchanged answers of two
    /// generations take memory once.
    pub fn sharing(self, older: &Self) -> Self {
        Self { representation: self.representation.sharing(&older.representation), ..self }
    }

    /// How it may be used at a moment, after all purges up to now.
    pub fn freshness(&self, now: Moment, epochs: &Epochs) -> Freshness {
        match epochs.validity(self.epoch, &self.tags) {
            Validity::Invalid => Freshness::Invalid,
            // One from the future is due to a clock that was put back: its age is unknown.
            Validity::Valid if now < self.fresh_until && self.fetched_at <= now.plus(SKEW) => {
                Freshness::Fresh
            }
            // An entry that was purged softly is stale, however young.
            Validity::Valid | Validity::Stale => {
                if now < self.revalidate_until {
                    Freshness::Revalidate
                } else if now < self.usable_until {
                    Freshness::OnlyIfStoreFails
                } else {
                    Freshness::Invalid
                }
            }
        }
    }

    /// Claims the refresh of a stale entry: true for one caller, and again only after
    /// `again_after`, so that a store that fails is not read for every request.
    pub fn claim_refresh(&self, now: Moment, again_after: Duration) -> bool {
        let next = self.next_refresh.load(Ordering::Relaxed);
        next <= now.0
            && self
                .next_refresh
                .compare_exchange(
                    next,
                    now.plus(again_after).0,
                    Ordering::SeqCst,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    /// Notes that no new answer came, and whether because the store failed. For so long it is not
    /// asked again for this entry.
    pub fn back_off(&self, now: Moment, by: Duration, store_failed: bool) {
        self.store_failed.store(store_failed, Ordering::SeqCst);
        self.next_refresh.fetch_max(now.plus(by).0, Ordering::SeqCst);
    }

    /// Whether the last read of the store failed.
    pub fn store_failed(&self) -> bool {
        self.store_failed.load(Ordering::SeqCst)
    }

    /// Whether the store failed or was read so recently that the stale entry is served at once.
    pub fn backs_off(&self, now: Moment) -> bool {
        now.0 < self.next_refresh.load(Ordering::SeqCst)
    }

    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.representation.weight()
    }
}

//! What is kept of an answer.

use crate::clock::Moment;
use crate::epochs::{Epoch, Epochs, PurgeTags, Validity};
use aqs_api::freshness::Lifetimes;
use aqs_api::{EndpointId, Representation};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// An answer with all that decides how long it may be used: what caches keep.
#[derive(Debug)]
pub struct Entry {
    /// What is sent.
    pub representation: Representation,
    /// The endpoint that it answers.
    pub endpoint: EndpointId,
    /// The epoch at which the store was asked.
    pub epoch: Epoch,
    /// Where its purges are written.
    pub tags: PurgeTags,
    /// When the store was asked.
    pub asked: Moment,
    /// Up to when it is served as it is.
    pub fresh_until: Moment,
    /// Up to when it is served while a refresh runs.
    pub revalidate_until: Moment,
    /// Up to when it is served if the store fails.
    pub usable_until: Moment,
    /// Before then no refresh is begun (again).
    next_refresh: AtomicU64,
}

/// By how much clocks are put back now and then.
const SKEW: Duration = Duration::from_secs(60);

/// How an entry may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// As it is.
    Fresh,
    /// While a refresh runs.
    Revalidate,
    /// If the store fails.
    OnlyIfStoreFails,
    /// Not at all.
    Invalid,
}

impl Entry {
    /// An entry that the store was asked for at a moment and an epoch.
    pub fn new(
        representation: Representation,
        endpoint: EndpointId,
        asked: Moment,
        epoch: Epoch,
        tags: PurgeTags,
        lifetimes: Lifetimes,
    ) -> Self {
        Self {
            representation,
            endpoint,
            epoch,
            tags,
            asked,
            fresh_until: asked.plus(lifetimes.fresh),
            revalidate_until: asked.plus(lifetimes.revalidate),
            usable_until: asked.plus(lifetimes.usable),
            next_refresh: AtomicU64::new(0),
        }
    }

    /// The same, with the bytes of an older answer where they are equal, so that two generations
    /// of answers that did not change take the room of one.
    pub fn sharing(self, older: &Self) -> Self {
        Self { representation: self.representation.sharing(&older.representation), ..self }
    }

    /// How it may be used at a moment, after whatever was purged up to now.
    pub fn freshness(&self, now: Moment, epochs: &Epochs) -> Freshness {
        match epochs.validity(self.epoch, &self.tags) {
            Validity::Invalid => Freshness::Invalid,
            // One from the future comes of a clock that was put back: its age is unknown.
            Validity::Valid if now < self.fresh_until && self.asked <= now.plus(SKEW) => {
                Freshness::Fresh
            }
            // Whatever was purged softly is stale, however young.
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

    /// Claims the refresh of a stale entry: true for one caller, and for another one only after
    /// `again_after`, so that a store that fails is not asked by everybody who gets the old.
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

    /// Notes that the store failed: for so long nobody needs to ask it again for this.
    pub fn back_off(&self, now: Moment, by: Duration) {
        self.next_refresh.fetch_max(now.plus(by).0, Ordering::SeqCst);
    }

    /// Whether the store failed, or was asked, so lately that the old is served at once.
    pub fn backs_off(&self, now: Moment) -> bool {
        now.0 < self.next_refresh.load(Ordering::SeqCst)
    }

    /// How many bytes it takes.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.representation.weight()
    }
}

//! What is kept of an answer.

use crate::clock::Moment;
use aqs_api::freshness::Lifetimes;
use aqs_api::{Dataset, EndpointId, Representation};

/// An answer with all that decides how long it may be used: what caches keep.
#[derive(Debug)]
pub struct Entry {
    /// What is sent.
    pub representation: Representation,
    /// The endpoint that it answers.
    pub endpoint: EndpointId,
    /// What was read for it.
    pub dataset: &'static Dataset,
    /// Up to when it is served as it is.
    pub fresh_until: Moment,
    /// Up to when it is served while a refresh runs.
    pub revalidate_until: Moment,
    /// Up to when it is served if the store fails.
    pub usable_until: Moment,
}

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
    /// An entry asked of the store at a moment.
    pub fn new(
        representation: Representation,
        endpoint: EndpointId,
        dataset: &'static Dataset,
        asked: Moment,
        lifetimes: Lifetimes,
    ) -> Self {
        Self {
            representation,
            endpoint,
            dataset,
            fresh_until: asked.plus(lifetimes.fresh),
            revalidate_until: asked.plus(lifetimes.revalidate),
            usable_until: asked.plus(lifetimes.usable),
        }
    }

    /// How it may be used at a moment.
    pub fn freshness(&self, now: Moment) -> Freshness {
        if now < self.fresh_until {
            Freshness::Fresh
        } else if now < self.revalidate_until {
            Freshness::Revalidate
        } else if now < self.usable_until {
            Freshness::OnlyIfStoreFails
        } else {
            Freshness::Invalid
        }
    }

    /// How many bytes it takes.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.representation.weight()
    }
}

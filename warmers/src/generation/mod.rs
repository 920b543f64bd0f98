//! A generation: a whole set of answers that were built ahead, immutable once it is made.

mod checksum;
mod content;
mod facts;
mod hot_set;
mod merge;
#[cfg(test)]
mod tests;

pub use checksum::Checksum;
pub(crate) use checksum::Sum;
pub use content::{Held, weight};
pub(crate) use content::{answer_weight, weight_sharing};
pub(crate) use facts::is_without_data;
pub use facts::{PlanFacts, Whole};
pub use hot_set::{Hot, HotFreshness, HotSet};
pub use merge::{MOST_PLANS, Mode, PlanContent, TooManyPlans, merge};

use crate::aside::{self, Heavy};
use aqs_api::{Key, KeyRef};
use aqs_origin::Moment;
use content::Content;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Answers that were built ahead, and what is known about them.
#[derive(Debug)]
pub struct Generation {
    /// Its number: higher than that of every one before it.
    pub id: u64,
    /// The generation that was served when this one was made.
    pub parent: Option<u64>,
    /// How it came to be.
    pub provenance: Provenance,
    /// When it was made.
    pub built: Moment,
    /// What is known of each plan; a plan's position is its bit in [`Held`].
    pub plans: Vec<PlanFacts>,
    /// How many bytes it takes.
    pub bytes: u64,
    /// The sum of what it answers.
    pub checksum: Checksum,
    /// It is taken down aside, whoever lets go of it last.
    content: Arc<Heavy<Content>>,
}

/// How a generation came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// A plan was built.
    Built,
    /// The content of an older one was published again.
    RolledBack {
        /// The older one.
        from: u64,
    },
}

impl Generation {
    /// A generation of this content, which is counted and summed.
    fn of(
        id: u64,
        parent: Option<u64>,
        built: Moment,
        plans: Vec<PlanFacts>,
        content: Content,
    ) -> Self {
        debug_assert!(aside::here());
        let bytes = content.iter().map(|(key, held)| answer_weight(key, &held.entry)).sum();
        let checksum = Checksum::of(content.iter().map(|(key, held)| (key, &*held.entry)));
        let (provenance, content) = (Provenance::Built, Arc::new(Heavy::new(content)));
        Self { id, parent, provenance, built, plans, bytes, checksum, content }
    }

    /// A generation of answers that were kept, as [`Generation::iter`] gave them.
    pub fn restored(
        id: u64,
        parent: Option<u64>,
        provenance: Provenance,
        built: Moment,
        plans: Vec<PlanFacts>,
        answers: impl IntoIterator<Item = (Key, Held)>,
    ) -> Self {
        Self { provenance, ..Self::of(id, parent, built, plans, answers.into_iter().collect()) }
    }

    /// The same content under a new number.
    pub fn again(&self, id: u64, parent: Option<u64>, now: Moment) -> Self {
        Self {
            id,
            parent,
            provenance: Provenance::RolledBack { from: self.id },
            built: now,
            plans: self.plans.clone(),
            bytes: self.bytes,
            checksum: self.checksum,
            content: Arc::clone(&self.content),
        }
    }

    /// What is held of an address.
    pub fn get(&self, key: KeyRef<'_>) -> Option<&Held> {
        self.content.get(&content::Asked(key))
    }

    /// Every address and what is held of it, in no order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, &Held)> {
        self.content.iter()
    }

    /// How many addresses are answered.
    pub fn keys(&self) -> usize {
        self.content.len()
    }

    /// What is known of a plan, and its bit.
    pub fn plan(&self, name: &str) -> Option<(u64, &PlanFacts)> {
        let index = self.plans.iter().position(|facts| facts.name == name)?;
        Some((1_u64.checked_shl(index as u32)?, self.plans.get(index)?))
    }

    /// By dataset up to which period its answers tell: the oldest that any plan was built with.
    pub fn data_through(&self) -> BTreeMap<&str, &str> {
        let mut oldest: BTreeMap<&str, &str> = BTreeMap::new();
        for (dataset, through) in self.plans.iter().flat_map(|facts| &facts.data_through) {
            let held = oldest.entry(dataset).or_insert(through);
            *held = (*held).min(through);
        }
        oldest
    }

    /// How many bytes it and another take together, where they share much.
    fn weight_with(&self, other: &Self) -> u64 {
        debug_assert!(aside::here());
        if Arc::ptr_eq(&self.content, &other.content) {
            return self.bytes;
        }
        let extra = other.content.iter().map(|(key, held)| match self.get(key.as_ref()) {
            Some(own) => content::weight_beside(key, held, own),
            None => answer_weight(key, &held.entry),
        });
        self.bytes + extra.sum::<u64>()
    }
}

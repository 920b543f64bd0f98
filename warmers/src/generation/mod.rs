//! Generations: immutable sets of answers that were built ahead.

mod content;
mod merge;
#[cfg(test)]
mod tests;

pub use content::{Checksum, HotEntry};
pub(crate) use content::{additional_weight, answer_weight};
pub use merge::{MAX_PLANS, MergeMode, PlanContent, TooManyPlans, merge};

use crate::blocking::{DropOffThread, drop_off_thread};
use aqs_api::{Key, KeyRef, Representation};
use aqs_origin::{Entry, Moment};
use content::Content;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug)]
pub struct Generation {
    /// Higher than the id of every generation before it.
    pub id: u64,
    /// The generation that was live when this one was made.
    pub parent: Option<u64>,
    pub provenance: Provenance,
    pub built: Moment,
    /// The position of a plan is its bit in [`HotEntry::plans`].
    pub plans: Vec<PlanFacts>,
    pub bytes: u64,
    pub checksum: Checksum,
    content: Arc<DropOffThread<Content>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// By a build of a plan.
    Built,
    /// By publishing the content of an older generation again.
    RolledBack { from: u64 },
}

/// How a plan was built. All counts are answers unless they say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanFacts {
    pub name: String,
    /// `Plan::fingerprint` at the time of the build; 0 if only a part of the plan was ever built.
    #[serde(default)]
    pub definition: u64,
    /// When the build began.
    pub built: Moment,
    pub wanted: u64,
    pub keys: u64,
    /// How many of `keys` are 404 responses without data.
    #[serde(default)]
    pub without_data: u64,
    /// Store reads of the build.
    pub reads: u64,
    /// Carried over from the parent without a read, since they cannot have changed.
    pub shared: u64,
    /// Failed reads; the older answer is kept, if there is one.
    pub errors: u64,
    /// Last loaded period by dataset.
    pub data_through: BTreeMap<String, String>,
    /// Datasets of the plan that were not loaded.
    #[serde(default)]
    pub unloaded: Vec<String>,
    /// Refusals that `force` overrode.
    pub forced: Vec<String>,
    /// Size after the last full build, without the parts that operators have added since.
    #[serde(default, rename = "whole")]
    pub full_build: Option<PlanSize>,
}

/// What a plan holds after a full build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSize {
    pub keys: u64,
    pub bytes: u64,
}

impl PlanFacts {
    /// The held part of the wanted answers, 0 to 1.
    pub fn completeness(&self) -> f64 {
        if self.wanted == 0 { 1.0 } else { self.keys as f64 / self.wanted as f64 }
    }
}

/// Whether an answer is a 404 without data.
pub(crate) fn is_without_data(entry: &Entry) -> bool {
    matches!(entry.representation, Representation::NoData(_))
}

impl Generation {
    fn new(
        id: u64,
        parent: Option<u64>,
        built: Moment,
        plans: Vec<PlanFacts>,
        content: Content,
    ) -> Self {
        let bytes = content.iter().map(|(key, hot)| answer_weight(key, &hot.entry)).sum();
        let checksum = Checksum::of(content.iter().map(|(key, hot)| (key, &*hot.entry)));
        let (provenance, content) = (Provenance::Built, Arc::new(drop_off_thread(content)));
        Self { id, parent, provenance, built, plans, bytes, checksum, content }
    }

    /// Restores a generation from the answers that [`Generation::iter`] returned.
    pub fn restored(
        id: u64,
        parent: Option<u64>,
        provenance: Provenance,
        built: Moment,
        plans: Vec<PlanFacts>,
        answers: impl IntoIterator<Item = (Key, HotEntry)>,
    ) -> Self {
        Self { provenance, ..Self::new(id, parent, built, plans, answers.into_iter().collect()) }
    }

    /// The same content under a new id.
    pub fn republished(&self, id: u64, parent: Option<u64>, now: Moment) -> Self {
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

    pub fn get(&self, key: KeyRef<'_>) -> Option<&HotEntry> {
        self.content.get(&key)
    }

    /// All answers in arbitrary order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, &HotEntry)> {
        self.content.iter()
    }

    pub fn keys(&self) -> usize {
        self.content.len()
    }

    pub fn plan(&self, name: &str) -> Option<&PlanFacts> {
        self.plans.iter().find(|facts| facts.name == name)
    }

    /// The bits of all plans whose name fits.
    pub(crate) fn plan_bits(&self, fits: impl Fn(&str) -> bool) -> u64 {
        let plans = self.plans.iter().enumerate().filter(|(_, facts)| fits(&facts.name));
        plans.fold(0, |bits, (index, _)| bits | 1 << index)
    }

    /// Last period by dataset: the oldest of those that the plans were built with.
    pub fn data_through(&self) -> BTreeMap<&str, &str> {
        let mut oldest: BTreeMap<&str, &str> = BTreeMap::new();
        for (dataset, through) in self.plans.iter().flat_map(|facts| &facts.data_through) {
            let known = oldest.entry(dataset).or_insert(through);
            *known = (*known).min(through);
        }
        oldest
    }

    /// Bytes that this and another generation take together; what they share counts once.
    pub(crate) fn weight_with(&self, other: &Self) -> u64 {
        if Arc::ptr_eq(&self.content, &other.content) {
            return self.bytes;
        }
        let extra = other.iter().map(|(key, hot)| match self.get(key.as_ref()) {
            Some(own) => additional_weight(key, &hot.entry, &own.entry),
            None => answer_weight(key, &hot.entry),
        });
        self.bytes + extra.sum::<u64>()
    }
}

//! Finds the plans whose answers a purge or new data have invalidated.

use crate::generation::Generation;
use crate::plan::Plan;
use aqs_api::Coverage;
use aqs_origin::Moment;
use aqs_origin::Origin;
use aqs_origin::epochs::Validity;
use std::collections::BTreeMap;

/// The invalidated answers of a plan. Between two builds of the plan `purged` and `hard_purged`
/// never fall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct InvalidationStats {
    /// When the build of the answers began.
    built: Moment,
    /// Purged answers in the generation.
    held: u64,
    /// Purged answers, including those that a merge has dropped.
    purged: u64,
    hard_purged: u64,
}

/// How soon a plan must be rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RebuildUrgency {
    /// A purge has met answers that were valid before.
    Now,
    /// The last build has left purged answers: it could not read them, or read them too early.
    Later,
}

impl InvalidationStats {
    /// By plan. Iterates over all answers.
    pub(super) fn of(live: &Generation, origin: &Origin) -> BTreeMap<String, Self> {
        let initial = live.plans.iter().map(|facts| {
            let missing = facts.wanted.saturating_sub(facts.keys);
            Self { built: facts.built, held: 0, purged: missing, hard_purged: missing }
        });
        let mut stats: Vec<Self> = initial.collect();
        for (_, hot) in live.iter() {
            let validity = origin.epochs.validity(hot.entry.epoch, &hot.entry.tags);
            if validity == Validity::Valid {
                continue;
            }
            let plans = stats.iter_mut().enumerate();
            for (_, stats) in plans.filter(|(index, _)| hot.plans >> index & 1 == 1) {
                stats.held += 1;
                stats.purged += 1;
                stats.hard_purged += u64::from(validity == Validity::Invalid);
            }
        }
        live.plans.iter().map(|facts| facts.name.clone()).zip(stats).collect()
    }

    /// The urgency after new purges. Answers that were purged before are no reason: a build is
    /// under way, or has failed and is retried later.
    pub(super) fn urgency(&self, before: Option<&Self>) -> Option<RebuildUrgency> {
        match before.filter(|before| before.built == self.built) {
            None => (self.held > 0).then_some(RebuildUrgency::Later),
            Some(before) => (self.purged > before.purged || self.hard_purged > before.hard_purged)
                .then_some(RebuildUrgency::Now),
        }
    }
}

/// The plans that were built with other data than are loaded now, or not at all.
pub(super) fn outdated<'a>(
    live: Option<&Generation>,
    plans: &'a [Plan],
    origin: &Origin,
    coverage: &Coverage,
) -> Vec<&'a str> {
    let last = |name: &str| {
        let mut datasets = origin.catalogue().datasets().iter();
        Some(coverage.get(datasets.find(|dataset| dataset.name == name)?)?.last)
    };
    let is_outdated = |plan: &&Plan| {
        let Some(facts) = live.and_then(|live| live.plan(&plan.name)) else { return true };
        let mut through = facts.data_through.iter();
        through.any(|(name, through)| last(name).is_none_or(|last| last.as_str() != through))
            || facts.unloaded.iter().any(|name| last(name).is_some())
    };
    plans.iter().filter(is_outdated).map(|plan| &*plan.name).collect()
}

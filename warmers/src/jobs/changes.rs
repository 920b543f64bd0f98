//! What has happened to the answers of plans between two looks.

use crate::generation::Generation;
use crate::plan::Plan;
use aqs_api::Coverage;
use aqs_origin::epochs::{Epoch, Validity};
use aqs_origin::{Moment, Origin};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What there was at a look.
pub(super) struct Seen {
    pub(super) coverage: Arc<Coverage>,
    pub(super) epoch: Epoch,
    pub(super) generation: Option<u64>,
    pub(super) met: Met,
}

/// By plan, what purges have met of its answers.
pub(super) type Met = BTreeMap<String, Losses>;

/// What a plan has lost since it was built. `lost` and `gone` never fall before it is built again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Losses {
    /// When the build began that brought the answers.
    built: Moment,
    /// Answers that are held and were purged.
    held: u64,
    /// Answers that were purged or are not there: a publication, whosever it is, drops what was
    /// purged for good.
    lost: u64,
    /// Of these those that are never served again.
    gone: u64,
}

/// What is to be done about a plan's losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Haste {
    /// A purge has met answers that were whole before.
    Now,
    /// The build has left some that were purged: it could not read them, or read them before.
    Later,
}

impl Losses {
    /// What is to be done, if there is anything new. What was lost before is no reason: a build is
    /// under way, or has failed and is tried again after a while.
    pub(super) fn since(&self, before: Option<&Self>) -> Option<Haste> {
        match before.filter(|before| before.built == self.built) {
            None => (self.held > 0).then_some(Haste::Later),
            Some(before) => {
                (self.lost > before.lost || self.gone > before.gone).then_some(Haste::Now)
            }
        }
    }
}

/// Goes through the answers of a generation.
pub(super) fn losses(live: &Generation, origin: &Origin) -> Met {
    let fresh = live.plans.iter().map(|facts| {
        let missing = facts.wanted.saturating_sub(facts.keys);
        Losses { built: facts.built, held: 0, lost: missing, gone: missing }
    });
    let mut losses: Vec<Losses> = fresh.collect();
    for (_, held) in live.iter() {
        let validity = origin.epochs.validity(held.entry.epoch, &held.entry.tags);
        if validity == Validity::Valid {
            continue;
        }
        let own = losses.iter_mut().enumerate().filter(|(index, _)| held.plans >> index & 1 == 1);
        for (_, losses) in own {
            losses.held += 1;
            losses.lost += 1;
            losses.gone += u64::from(validity == Validity::Invalid);
        }
    }
    live.plans.iter().map(|facts| facts.name.clone()).zip(losses).collect()
}

/// The plans that were built when the store had other data than now, or not at all.
pub(super) fn outdated(
    live: Option<&Generation>,
    plans: &[Plan],
    origin: &Origin,
    coverage: &Coverage,
) -> Vec<String> {
    let datasets = origin.catalogue().datasets();
    let now = |name: &str| {
        let dataset = datasets.iter().find(|dataset| dataset.name == name)?;
        Some(coverage.get(dataset)?.last)
    };
    let outdated = plans.iter().filter(|plan| {
        let Some((_, facts)) = live.and_then(|live| live.plan(&plan.name)) else { return true };
        let newer = facts.data_through.iter().any(|(name, through)| {
            now(name).as_ref().map(aqs_api::calendar::Digits::as_str) != Some(through)
        });
        newer || facts.unloaded.iter().any(|name| now(name).is_some())
    });
    outdated.map(|plan| plan.name.clone()).collect()
}

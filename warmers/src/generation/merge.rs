//! Makes the next generation: one plan is replaced, the others are carried over.

use super::content::{Content, HotEntry};
use super::{Generation, PlanFacts, is_without_data};
use aqs_api::Key;
use aqs_origin::epochs::Validity;
use aqs_origin::{Entry, Epochs, Moment};
use std::sync::Arc;
use thiserror::Error;

/// The plans of a generation are the bits of a `u64`.
pub const MAX_PLANS: usize = u64::BITS as usize;

/// The result of a plan's build.
#[derive(Debug)]
pub struct PlanContent {
    pub facts: PlanFacts,
    /// Each with the moment at which it was confirmed.
    pub answers: Vec<(Key, Arc<Entry>, Moment)>,
    pub mode: MergeMode,
}

/// What happens to the answers that the plan had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeMode {
    Replace,
    /// They stay: an operator has asked for a part of the plan.
    Add,
}

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a hot set has {MAX_PLANS} plans at most")]
pub struct TooManyPlans;

/// Merges a build into its parent. Answers of other configured plans are carried over, unless
/// they were hard-purged.
pub fn merge(
    parent: Option<&Generation>,
    new: PlanContent,
    is_configured: &dyn Fn(&str) -> bool,
    epochs: &Epochs,
    (id, now): (u64, Moment),
) -> Result<Generation, TooManyPlans> {
    let PlanContent { facts, answers, mode } = new;
    let old_plans = parent.map(|parent| &*parent.plans).unwrap_or_default();
    let stays = |name: &str| name == facts.name || is_configured(name);
    let mut plans: Vec<PlanFacts> =
        old_plans.iter().filter(|plan| stays(&plan.name)).cloned().collect();
    let own = match plans.iter().position(|plan| plan.name == facts.name) {
        Some(index) => index,
        None => {
            plans.push(PlanFacts { name: facts.name.clone(), ..PlanFacts::default() });
            plans.len() - 1
        }
    };
    if plans.len() > MAX_PLANS {
        return Err(TooManyPlans);
    }
    let own_bit = 1_u64 << own;
    let new_bit = |old: &PlanFacts| {
        let index = plans.iter().position(|plan| plan.name == old.name);
        index.map_or(0, |index| 1_u64 << index)
    };
    let new_bits: Vec<u64> = old_plans.iter().map(new_bit).collect();
    let mut content = Content::default();
    for (key, hot) in parent.into_iter().flat_map(Generation::iter) {
        let kept = new_bits.iter().enumerate().filter(|(index, _)| hot.plans >> index & 1 == 1);
        let mut bits = kept.fold(0, |bits, (_, bit)| bits | bit);
        if mode == MergeMode::Replace {
            bits &= !own_bit;
        }
        let purged = epochs.validity(hot.entry.epoch, &hot.entry.tags) == Validity::Invalid;
        if bits != 0 && !purged {
            content.insert(key.clone(), HotEntry { plans: bits, ..hot.clone() });
        }
    }
    let mut added = 0;
    for (key, mut entry, mut confirmed) in answers {
        // Another build may have read the key after this one did.
        if let Some(known) = parent.and_then(|parent| parent.get(key.as_ref())) {
            confirmed = confirmed.max(known.confirmed);
            if is_newer(&known.entry, &entry, now) {
                entry = Arc::clone(&known.entry);
            }
        }
        // It was purged during the build.
        if epochs.validity(entry.epoch, &entry.tags) == Validity::Invalid {
            continue;
        }
        let others = content.get(&key).map_or(0, |hot| hot.plans);
        added += u64::from(others & own_bit == 0);
        content.insert(key, HotEntry { entry, plans: others | own_bit, confirmed });
    }
    if let Some(plan) = plans.get_mut(own) {
        match mode {
            MergeMode::Add if plan.built.0 > 0 => {
                plan.wanted += added;
                let new = facts.forced.into_iter();
                let new: Vec<String> = new.filter(|text| !plan.forced.contains(text)).collect();
                plan.forced.extend(new);
            }
            MergeMode::Add | MergeMode::Replace => *plan = facts,
        }
    }
    for (index, plan) in plans.iter_mut().enumerate() {
        (plan.keys, plan.without_data) = (0, 0);
        for hot in content.values().filter(|hot| hot.plans >> index & 1 == 1) {
            plan.keys += 1;
            plan.without_data += u64::from(is_without_data(&hot.entry));
        }
    }
    Ok(Generation::new(id, parent.map(|parent| parent.id), now, plans, content))
}

/// Whether one answer was read after another. Within one epoch the clock decides, unless it was
/// put back since.
fn is_newer(one: &Entry, other: &Entry, now: Moment) -> bool {
    one.epoch > other.epoch
        || one.epoch == other.epoch && one.fetched_at > other.fetched_at && one.fetched_at <= now
}

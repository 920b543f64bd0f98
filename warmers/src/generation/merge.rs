//! From one generation to the next: one plan is new, the others stay.

use super::Generation;
use super::content::{Content, Held};
use super::facts::{PlanFacts, is_without_data};
use crate::aside;
use aqs_api::Key;
use aqs_origin::epochs::Validity;
use aqs_origin::{Entry, Epochs, Moment};
use std::sync::Arc;
use thiserror::Error;

/// How many plans a generation can tell apart.
pub const MOST_PLANS: usize = u64::BITS as usize;

/// What a plan's build brought.
#[derive(Debug)]
pub struct PlanContent {
    /// What is known of it.
    pub facts: PlanFacts,
    /// Its answers, and when each was confirmed.
    pub answers: Vec<(Key, Arc<Entry>, Moment)>,
    /// What becomes of the answers that the plan had before.
    pub mode: Mode,
}

/// What becomes of a plan's older answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They go.
    Replace,
    /// They stay: what was built is a part that somebody asked for.
    Add,
}

/// More plans than bits.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a hot set has {MOST_PLANS} plans at most")]
pub struct TooManyPlans;

/// The generation after a parent: new answers for one plan; those of the other plans that are
/// configured are carried over as they are, unless a hard purge has met them.
pub fn merge(
    parent: Option<&Generation>,
    new: PlanContent,
    configured: &dyn Fn(&str) -> bool,
    epochs: &Epochs,
    (id, now): (u64, Moment),
) -> Result<Generation, TooManyPlans> {
    debug_assert!(aside::here());
    let PlanContent { facts, answers, mode } = new;
    let known = parent.map(|parent| &*parent.plans).unwrap_or_default();
    let stays = |name: &str| name == facts.name || configured(name);
    let mut plans: Vec<PlanFacts> =
        known.iter().filter(|known| stays(&known.name)).cloned().collect();
    let own = match plans.iter().position(|known| known.name == facts.name) {
        Some(index) => index,
        None => {
            plans.push(PlanFacts { name: facts.name.clone(), ..PlanFacts::default() });
            plans.len() - 1
        }
    };
    if plans.len() > MOST_PLANS {
        return Err(TooManyPlans);
    }
    let own_bit = 1_u64 << own;
    let bit_now = |name: &str| {
        let index = plans.iter().position(|plan| plan.name == name);
        index.map_or(0, |index| 1_u64 << index)
    };
    let bits_now: Vec<u64> = known.iter().map(|known| bit_now(&known.name)).collect();
    let mut content = Content::default();
    for (key, held) in parent.into_iter().flat_map(Generation::iter) {
        let bits = bits_now.iter().enumerate();
        let mut bits = bits
            .filter(|(index, _)| held.plans >> index & 1 == 1)
            .fold(0, |bits, (_, bit)| bits | bit);
        if mode == Mode::Replace {
            bits &= !own_bit;
        }
        // What was purged is never served again: nobody needs to carry it on.
        let purged = epochs.validity(held.entry.epoch, &held.entry.tags) == Validity::Invalid;
        if bits != 0 && !purged {
            content.insert(key.clone(), Held { plans: bits, ..held.clone() });
        }
    }
    let mut added = 0;
    for (key, entry, confirmed) in answers {
        // Another build may have read it since this one did.
        let known = parent.and_then(|parent| parent.get(key.as_ref()));
        let (entry, confirmed) = match known {
            Some(known) if newer(&known.entry, &entry, now) => {
                (Arc::clone(&known.entry), confirmed.max(known.confirmed))
            }
            Some(known) => (entry, confirmed.max(known.confirmed)),
            None => (entry, confirmed),
        };
        // Purged while it was built.
        if epochs.validity(entry.epoch, &entry.tags) == Validity::Invalid {
            continue;
        }
        let others = content.get(&key).map_or(0, |held| held.plans);
        added += u64::from(others & own_bit == 0);
        content.insert(key, Held { entry, plans: others | own_bit, confirmed });
    }
    if let Some(plan) = plans.get_mut(own) {
        match mode {
            Mode::Add if plan.built.0 > 0 => {
                plan.wanted += added;
                let new = facts.forced.into_iter();
                let new: Vec<String> = new.filter(|said| !plan.forced.contains(said)).collect();
                plan.forced.extend(new);
            }
            _ => *plan = facts,
        }
    }
    for (index, plan) in plans.iter_mut().enumerate() {
        (plan.keys, plan.without_data) = (0, 0);
        for held in content.values().filter(|held| held.plans >> index & 1 == 1) {
            plan.keys += 1;
            plan.without_data += u64::from(is_without_data(&held.entry));
        }
    }
    Ok(Generation::of(id, parent.map(|parent| parent.id), now, plans, content))
}

/// Whether the store was asked for an answer later than for another. Where no purge tells them
/// apart the clock does, unless it was put back since.
fn newer(one: &Entry, other: &Entry, now: Moment) -> bool {
    one.epoch > other.epoch
        || one.epoch == other.epoch && one.asked > other.asked && one.asked <= now
}

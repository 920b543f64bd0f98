//! What must be read, and what can't have changed.

use crate::aside;
use crate::generation::{Generation, answer_weight};
use crate::plan::{Expansion, Plan};
use aqs_api::{EndpointId, Query};
use aqs_origin::epochs::Validity;
use aqs_origin::{Entry, Origin};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sum and count of answers' bytes by endpoint.
pub(crate) type Weights = BTreeMap<EndpointId, (u64, u64)>;

/// A plan's questions, parted.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Answers that are taken over as they are.
    pub(crate) shared: Vec<(Query, Arc<Entry>)>,
    /// How many bytes these take.
    pub(crate) shared_bytes: u64,
    /// What must be read, by partition.
    pub(crate) groups: Vec<Vec<Query>>,
    /// How many answers the plan wants.
    pub(crate) wanted: usize,
    /// How many bytes the other answers of plans that are configured take, which stay.
    pub(crate) others: u64,
    /// How many bytes this plan's answers take in the generation that is served.
    pub(crate) bytes_before: u64,
    /// What the answers weigh that are served.
    pub(crate) served: Weights,
    /// How many bytes the older answers take to what must be read.
    pub(crate) older: u64,
    /// How many answers must be read to which there is no older one.
    pub(crate) unknown: BTreeMap<EndpointId, u64>,
}

/// Parts a plan's questions. `stays` tells which plans keep their answers; `full` takes nothing
/// over.
pub(crate) fn select(
    plan: &Plan,
    expansion: Expansion,
    parent: Option<&Generation>,
    origin: &Origin,
    through: &BTreeMap<String, String>,
    (stays, full): (&dyn Fn(&str) -> bool, bool),
) -> Selection {
    debug_assert!(aside::here());
    let wanted = expansion.keys();
    let mut selection = Selection { wanted, ..Selection::default() };
    let bits = |wanted: &dyn Fn(&str) -> bool| {
        let plans = parent.into_iter().flat_map(|parent| parent.plans.iter().enumerate());
        let wanted = plans.filter(|(_, facts)| wanted(&facts.name));
        wanted.fold(0, |bits, (index, _)| bits | 1_u64 << index)
    };
    let own = bits(&|name| name == plan.name);
    let others = bits(&|name| name != plan.name && stays(name));
    for (key, held) in parent.into_iter().flat_map(Generation::iter) {
        let bytes = answer_weight(key, &held.entry);
        selection.others += if held.plans & others != 0 { bytes } else { 0 };
        selection.bytes_before += if held.plans & own != 0 { bytes } else { 0 };
        add(&mut selection.served, held.entry.endpoint, bytes);
    }
    for group in expansion.groups {
        let mut to_read = Vec::new();
        for query in group {
            let held = parent.and_then(|parent| parent.get(query.key().as_ref()));
            let bytes = held.map(|held| answer_weight(query.key(), &held.entry));
            if held.is_some_and(|held| held.plans & others != 0) {
                // It is held once, and counted with this plan's.
                selection.others -= bytes.unwrap_or_default().min(selection.others);
            }
            match parent.and_then(|parent| unchanged(&query, parent, origin, through)) {
                Some(entry) if !full => {
                    selection.shared_bytes += bytes.unwrap_or_default();
                    selection.shared.push((query, entry));
                }
                _ => {
                    match bytes {
                        Some(bytes) => selection.older += bytes,
                        None => *selection.unknown.entry(query.endpoint_id()).or_default() += 1,
                    }
                    to_read.push(query);
                }
            }
        }
        if !to_read.is_empty() {
            selection.groups.push(to_read);
        }
    }
    selection
}

pub(super) fn add(weights: &mut Weights, endpoint: EndpointId, bytes: u64) {
    let (sum, count) = weights.entry(endpoint).or_default();
    *sum += bytes;
    *count += 1;
}

impl Selection {
    /// About how many bytes the plan's answers take, and whether something is known of each.
    pub(super) fn expected(&self, weights: &Weights) -> (u64, bool) {
        let (mut bytes, mut all_known) = (self.shared_bytes + self.older, true);
        for (endpoint, answers) in &self.unknown {
            match weights.get(endpoint) {
                Some((sum, count)) => bytes += answers * (sum / (*count).max(1)),
                None => all_known = false,
            }
        }
        (bytes, all_known)
    }
}

/// The answer that is served, if it can't have changed: no purge has met it, and a plan that read
/// or confirmed it in its last build found the data that there are now.
fn unchanged(
    query: &Query,
    parent: &Generation,
    origin: &Origin,
    through: &BTreeMap<String, String>,
) -> Option<Arc<Entry>> {
    let held = parent.get(query.key().as_ref())?;
    if origin.epochs.validity(held.entry.epoch, &held.entry.tags) != Validity::Valid {
        return None;
    }
    let dataset = (query.endpoint().lookup)(query).dataset().name;
    let now = through.get(dataset)?;
    let confirmed = parent.plans.iter().enumerate().any(|(index, facts)| {
        held.plans >> index & 1 == 1
            && held.confirmed >= facts.built
            && facts.data_through.get(dataset) == Some(now)
    });
    confirmed.then(|| Arc::clone(&held.entry))
}

//! What must be read, and what can't have changed.

use crate::generation::{Generation, Held, weight};
use crate::plan::{Expansion, Plan};
use aqs_api::{Key, Query};
use aqs_origin::epochs::Validity;
use aqs_origin::{Entry, Origin};
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// How many bytes the answers of other plans take, which stay.
    pub(crate) others: u64,
    /// How many bytes this plan's answers take in the generation that is served.
    pub(crate) bytes_before: u64,
}

/// Parts a plan's questions. `full` takes nothing over.
pub(crate) fn select(
    plan: &Plan,
    expansion: Expansion,
    parent: Option<&Generation>,
    origin: &Origin,
    through: &BTreeMap<String, String>,
    full: bool,
) -> Selection {
    let wanted = expansion.keys();
    let mut selection = Selection { wanted, ..Selection::default() };
    let own = parent.and_then(|parent| parent.plan(&plan.name)).map_or(0, |(bit, _)| bit);
    for (key, held) in parent.into_iter().flat_map(Generation::iter) {
        let bytes = answer_weight(key, &held.entry);
        selection.others += if held.plans & !own != 0 { bytes } else { 0 };
        selection.bytes_before += if held.plans & own != 0 { bytes } else { 0 };
    }
    for group in expansion.groups {
        let mut to_read = Vec::new();
        for query in group {
            match parent.and_then(|parent| unchanged(&query, parent, origin, through)) {
                Some(entry) if !full => {
                    selection.shared_bytes += answer_weight(query.key(), &entry);
                    selection.shared.push((query, entry));
                }
                _ => to_read.push(query),
            }
        }
        if !to_read.is_empty() {
            selection.groups.push(to_read);
        }
    }
    selection
}

/// How many bytes an address takes with its answer.
pub(crate) fn answer_weight(key: &Key, entry: &Entry) -> u64 {
    (size_of::<(Key, Held)>() * 3 / 2 + key.weight() + weight(entry)) as u64
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
    if origin.epochs.validity(held.entry.stamp, &held.entry.slots) != Validity::Valid {
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

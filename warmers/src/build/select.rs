//! Splits a plan's queries into those that must be read and those that cannot have changed.

use crate::blocking;
use crate::generation::{Generation, answer_weight};
use crate::plan::Expansion;
use aqs_api::{EndpointId, Query};
use aqs_origin::epochs::Validity;
use aqs_origin::{Entry, Origin};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes and number of answers by endpoint.
pub(super) type Weights = BTreeMap<EndpointId, (u64, u64)>;

#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Answers that are carried over.
    pub(super) shared: Vec<(Query, Arc<Entry>)>,
    pub(super) shared_bytes: u64,
    /// Queries that must be read, by partition.
    pub(super) groups: Vec<Vec<Query>>,
    /// The number of answers that the plan wants.
    pub(super) wanted: usize,
    /// Bytes of other plans' answers, which stay.
    pub(super) other_bytes: u64,
    /// Weights of the live generation.
    pub(super) live: Weights,
    /// Bytes of the live answers to queries that must be read.
    outdated_bytes: u64,
    /// Queries that must be read and have no live answer.
    new: BTreeMap<EndpointId, u64>,
}

impl Selection {
    /// `others` are the bits of the plans that stay besides this one; `full` carries nothing
    /// over.
    pub(super) fn new(
        expansion: Expansion,
        parent: Option<&Generation>,
        origin: &Origin,
        through: &BTreeMap<String, String>,
        others: u64,
        full: bool,
    ) -> Self {
        debug_assert!(blocking::allowed());
        let mut selection = Self { wanted: expansion.keys(), ..Self::default() };
        for (key, hot) in parent.into_iter().flat_map(Generation::iter) {
            let bytes = answer_weight(key, &hot.entry);
            selection.other_bytes += if hot.plans & others != 0 { bytes } else { 0 };
            add_weight(&mut selection.live, hot.entry.endpoint, bytes);
        }
        for group in expansion.groups {
            let mut to_read = Vec::new();
            for query in group {
                let hot = parent.and_then(|parent| parent.get(query.key().as_ref()));
                let bytes = hot.map_or(0, |hot| answer_weight(query.key(), &hot.entry));
                if hot.is_some_and(|hot| hot.plans & others != 0) {
                    // A shared answer counts once, for this plan.
                    selection.other_bytes -= bytes.min(selection.other_bytes);
                }
                match parent.and_then(|parent| unchanged(&query, parent, origin, through)) {
                    Some(entry) if !full => {
                        selection.shared_bytes += bytes;
                        selection.shared.push((query, entry));
                    }
                    _ => {
                        selection.outdated_bytes += bytes;
                        if hot.is_none() {
                            *selection.new.entry(query.endpoint_id()).or_default() += 1;
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

    /// Estimates the bytes of the plan's answers. Also returns whether there are weights for all
    /// of its endpoints.
    pub(super) fn expected_bytes(&self, weights: &Weights) -> (u64, bool) {
        let (mut bytes, mut all_known) = (self.shared_bytes + self.outdated_bytes, true);
        for (endpoint, answers) in &self.new {
            match weights.get(endpoint) {
                Some((sum, count)) => bytes += answers * (sum / (*count).max(1)),
                None => all_known = false,
            }
        }
        (bytes, all_known)
    }
}

pub(super) fn add_weight(weights: &mut Weights, endpoint: EndpointId, bytes: u64) {
    let (sum, count) = weights.entry(endpoint).or_default();
    *sum += bytes;
    *count += 1;
}

/// The live answer, if it cannot have changed: no purge has met it, and the last build of one of
/// its plans has confirmed it with the data that are loaded now.
fn unchanged(
    query: &Query,
    parent: &Generation,
    origin: &Origin,
    through: &BTreeMap<String, String>,
) -> Option<Arc<Entry>> {
    let hot = parent.get(query.key().as_ref())?;
    if origin.epochs.validity(hot.entry.epoch, &hot.entry.tags) != Validity::Valid {
        return None;
    }
    let dataset = (query.endpoint().lookup)(query).dataset().name;
    let now = through.get(dataset)?;
    let confirmed = parent.plans.iter().enumerate().any(|(index, facts)| {
        hot.plans >> index & 1 == 1
            && hot.confirmed >= facts.built
            && facts.data_through.get(dataset) == Some(now)
    });
    confirmed.then(|| Arc::clone(&hot.entry))
}

//! Splits a plan's queries into those that must be read and those that cannot have changed, and
//! estimates what a build takes.

use super::{BuildError, BuildOptions, Builder, Prepared, Progress};
use crate::blocking;
use crate::generation::{Generation, answer_weight};
use crate::plan::{Expansion, Plan};
use aqs_api::{EndpointId, Query};
use aqs_origin::epochs::Validity;
use aqs_origin::{Entry, Origin};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Bytes and number of answers by endpoint.
type Weights = BTreeMap<EndpointId, (u64, u64)>;

#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Answers that are carried over.
    pub(super) shared: Vec<(Query, Arc<Entry>)>,
    pub(super) shared_bytes: u64,
    /// Queries that must be read, by partition.
    pub(super) groups: Vec<Vec<Query>>,
    /// The number of answers that the plan wants.
    pub(super) wanted: usize,
    /// Last loaded period by dataset.
    pub(super) data_through: BTreeMap<String, String>,
    /// Datasets of the plan that are not loaded.
    pub(super) unloaded: Vec<String>,
    /// Bytes of other plans' answers, which stay.
    pub(super) other_bytes: u64,
    /// Weights of the live generation.
    live: Weights,
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
        others: u64,
        full: bool,
    ) -> Self {
        let wanted = expansion.keys();
        let Expansion { groups, unloaded, data_through } = expansion;
        let unloaded = unloaded.into_iter().collect();
        let mut selection = Self { wanted, data_through, unloaded, ..Self::default() };
        for (key, hot) in parent.into_iter().flat_map(Generation::iter) {
            let bytes = answer_weight(key, &hot.entry);
            selection.other_bytes += if hot.plans & others != 0 { bytes } else { 0 };
            add_weight(&mut selection.live, hot.entry.endpoint, bytes);
        }
        for group in groups {
            let mut to_read = Vec::new();
            for query in group {
                let hot = parent.and_then(|parent| parent.get(query.key().as_ref()));
                let bytes = hot.map_or(0, |hot| answer_weight(query.key(), &hot.entry));
                if hot.is_some_and(|hot| hot.plans & others != 0) {
                    // A shared answer counts once, for this plan.
                    selection.other_bytes -= bytes.min(selection.other_bytes);
                }
                match parent
                    .and_then(|parent| unchanged(&query, parent, origin, &selection.data_through))
                {
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
    fn expected_bytes(&self, weights: &Weights) -> (u64, bool) {
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

fn add_weight(weights: &mut Weights, endpoint: EndpointId, bytes: u64) {
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
    let dataset = query.dataset().name;
    let now = through.get(dataset)?;
    let confirmed = parent.plans.iter().enumerate().any(|(index, facts)| {
        hot.plans >> index & 1 == 1
            && hot.confirmed >= facts.built
            && facts.data_through.get(dataset) == Some(now)
    });
    confirmed.then(|| Arc::clone(&hot.entry))
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Answers that the plan wants.
    pub keys: u64,
    /// Answers that would be carried over.
    pub shared: u64,
    /// Store reads.
    pub reads: u64,
    /// Estimated memory of the plan's answers.
    pub bytes: u64,
    /// Memory of other plans' answers.
    pub others: u64,
    pub limit: u64,
    pub fits: bool,
    /// What `bytes` is estimated from.
    pub basis: Basis,
    /// Datasets of the plan that are not loaded.
    pub unloaded: Vec<String>,
}

/// What an estimate is based on: the worst basis of all endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Answers of the live generation.
    Served,
    /// A few answers that were read for the estimate.
    Sample,
    /// Nothing: no answer of an endpoint could be read.
    Nothing,
}

/// Partitions that are read per endpoint without live answers.
const SAMPLE: usize = 3;

impl Builder {
    /// Estimates a build. Reads the top lists of the plan, and a few partitions of endpoints
    /// without live answers.
    pub async fn estimate(
        self: &Arc<Self>,
        plan: &Plan,
        options: &BuildOptions,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Estimate, BuildError> {
        let prepared = self.prepare(plan, options, progress, cancel, 0).await?;
        let origin = Arc::clone(&self.origin);
        let work = blocking::run(move || {
            let groups = &prepared.selection.groups;
            let reads: usize = groups.iter().map(|group| origin.reads_of(group)).sum();
            let sample = sample(groups, &prepared.selection.live);
            (prepared, reads, sample)
        });
        let (prepared, reads, sample) = work.await.ok_or(BuildError::Lost)?;
        let mut weights = prepared.selection.live.clone();
        let mut basis = Basis::Served;
        if !sample.is_empty() {
            basis = Basis::Sample;
            let read = self.read_while(&prepared, &sample, progress, cancel, || Ok(())).await?;
            for (query, entry) in &read.answers {
                let bytes = answer_weight(query.key(), entry);
                add_weight(&mut weights, query.endpoint_id(), bytes);
            }
        }
        let (bytes, all_known) = prepared.selection.expected_bytes(&weights);
        Ok(Estimate {
            keys: prepared.selection.wanted as u64,
            shared: prepared.selection.shared.len() as u64,
            reads: reads as u64,
            bytes,
            others: prepared.selection.other_bytes,
            limit: self.plan_limit(&prepared),
            fits: self.check_size(&prepared, bytes).is_ok(),
            basis: if all_known { basis } else { Basis::Nothing },
            unloaded: prepared.selection.unloaded.clone(),
        })
    }

    /// Refuses a plan that exceeds a memory limit already by its known answers.
    pub(super) fn check_expected_size(&self, prepared: &Prepared) -> Result<(), BuildError> {
        let (bytes, _) = prepared.selection.expected_bytes(&prepared.selection.live);
        self.check_size(prepared, bytes)
    }

    /// Refuses a plan whose answers take `bytes`, if they exceed a memory limit.
    pub(super) fn check_size(&self, prepared: &Prepared, bytes: u64) -> Result<(), BuildError> {
        let (others, limit) = (prepared.selection.other_bytes, self.limit());
        if others + bytes > limit {
            return Err(BuildError::TooLarge { bytes: others + bytes, others, limit });
        }
        let limit = self.plan_limit(prepared);
        if bytes > limit {
            return Err(BuildError::TooLarge { bytes, others: 0, limit });
        }
        Ok(())
    }

    fn plan_limit(&self, prepared: &Prepared) -> u64 {
        match prepared.plan.limits.bytes {
            0 => self.limit(),
            bytes => bytes.min(self.limit()),
        }
    }
}

/// A few partitions of each endpoint without weights, spread over the plan.
fn sample(groups: &[Vec<Query>], weights: &Weights) -> Vec<Vec<Query>> {
    let mut by_endpoint: BTreeMap<EndpointId, Vec<&Vec<Query>>> = BTreeMap::new();
    for group in groups {
        if let Some(query) = group.first()
            && !weights.contains_key(&query.endpoint_id())
        {
            by_endpoint.entry(query.endpoint_id()).or_default().push(group);
        }
    }
    let sample = by_endpoint.into_values().flat_map(|groups| {
        let step = groups.len().div_ceil(SAMPLE).max(1);
        groups.into_iter().step_by(step).cloned()
    });
    sample.collect()
}

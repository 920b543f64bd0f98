//! Estimates of builds, and their memory limits.

use super::select::{Weights, add_weight};
use super::{BuildError, BuildOptions, Builder, Prepared, Progress};
use crate::blocking;
use crate::generation::answer_weight;
use crate::plan::Plan;
use aqs_api::{EndpointId, Query};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The result of a dry run.
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
        let prepared = self.prepare(plan, options, progress, cancel).await?;
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
            unloaded: prepared.unloaded,
        })
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

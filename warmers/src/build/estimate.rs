//! What a build would take, before anything is read.

use super::select::{Weights, add};
use super::{BuildError, Builder, How, Prepared, Progress};
use crate::aside::{self, aside};
use crate::generation::answer_weight;
use crate::plan::Plan;
use aqs_api::{EndpointId, Query};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What a build of a plan would take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// How many answers the plan wants.
    pub keys: u64,
    /// How many of these would be taken over unread.
    pub shared: u64,
    /// How many reads the others take.
    pub reads: u64,
    /// About how many bytes the plan's answers take in memory.
    pub bytes: u64,
    /// How many the answers of other plans take.
    pub others: u64,
    /// How many a generation may take.
    pub limit: u64,
    /// Whether it fits.
    pub fits: bool,
    /// From what the bytes are estimated.
    pub basis: Basis,
    /// Datasets that it asks of and of which nothing is loaded.
    pub unloaded: Vec<String>,
}

/// From what bytes are estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// From answers that are served.
    Served,
    /// For some endpoints from answers that were read for this.
    Sample,
    /// For some endpoints from nothing: none of their answers could be had.
    Nothing,
}

/// How many partitions of an endpoint are read to learn how large its answers are.
const SAMPLE: usize = 3;

impl Builder {
    /// What a build would take. Reads top lists that the plan needs and, where nothing is served
    /// of an endpoint yet, a few partitions.
    pub async fn estimate(
        &self,
        plan: &Plan,
        how: &How,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Estimate, BuildError> {
        let prepared = self.prepare(plan, how, progress, cancel).await?;
        let origin = Arc::clone(&self.origin);
        let work = aside(move || {
            let groups = &prepared.selection.groups;
            let reads: usize = groups.iter().map(|group| origin.reads_of(group)).sum();
            let unknown = sample(groups, &prepared.selection.served);
            (prepared, reads, unknown)
        });
        let (prepared, reads, unknown) = work.await.ok_or(BuildError::Lost)?;
        let mut weights = prepared.selection.served.clone();
        let mut basis = Basis::Served;
        if !unknown.is_empty() {
            basis = Basis::Sample;
            // That a few take too much already is what it is to tell.
            let read = self.read_while(&prepared, &unknown, progress, cancel, || Ok(())).await?;
            for (query, entry) in &read.answers {
                add(&mut weights, query.endpoint_id(), answer_weight(query.key(), entry));
            }
        }
        let (bytes, all_known) = prepared.selection.expected(&weights);
        let others = prepared.selection.others;
        Ok(Estimate {
            keys: prepared.selection.wanted as u64,
            shared: prepared.selection.shared.len() as u64,
            reads: reads as u64,
            bytes,
            others,
            limit: self.limit_of(&prepared),
            fits: self.allows(&prepared, bytes).is_ok(),
            basis: if all_known { basis } else { Basis::Nothing },
            unloaded: prepared.unloaded,
        })
    }

    /// Refuses a plan that can be seen to take more memory than there is, before it is read.
    pub(super) fn fits(&self, prepared: &Prepared) -> Result<(), BuildError> {
        let (bytes, _) = prepared.selection.expected(&prepared.selection.served);
        self.allows(prepared, bytes)
    }

    /// Refuses a plan that takes more memory than there is while it is read.
    pub(super) fn still_fits(
        &self,
        prepared: &Prepared,
        progress: &Progress,
    ) -> Result<(), BuildError> {
        self.allows(prepared, prepared.selection.shared_bytes + progress.bytes())
    }

    fn allows(&self, prepared: &Prepared, bytes: u64) -> Result<(), BuildError> {
        let (others, own) = (prepared.selection.others, self.limit_of(prepared));
        if others + bytes > self.limit() {
            let bytes = others + bytes;
            return Err(BuildError::TooLarge { bytes, others, limit: self.limit() });
        }
        if bytes > own {
            return Err(BuildError::TooLarge { bytes, others: 0, limit: own });
        }
        Ok(())
    }

    /// How many bytes the plan itself may take.
    fn limit_of(&self, prepared: &Prepared) -> u64 {
        match prepared.plan.limits.bytes {
            0 => self.limit(),
            bytes => bytes.min(self.limit()),
        }
    }
}

/// A few partitions of each endpoint of which nothing is known, from all over the plan.
fn sample(groups: &[Vec<Query>], weights: &Weights) -> Vec<Vec<Query>> {
    debug_assert!(aside::here());
    let mut by_endpoint: BTreeMap<EndpointId, Vec<&Vec<Query>>> = BTreeMap::new();
    for group in groups {
        if let Some(query) = group.first()
            && !weights.contains_key(&query.endpoint_id())
        {
            by_endpoint.entry(query.endpoint_id()).or_default().push(group);
        }
    }
    let some = by_endpoint.into_values().flat_map(|groups| {
        let step = groups.len().div_ceil(SAMPLE).max(1);
        groups.into_iter().step_by(step).cloned()
    });
    some.collect()
}

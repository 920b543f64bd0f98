//! From what was read to what is served.

use super::read::ReadAll;
use super::select::answer_weight;
use super::{BuildError, Builder, Built, How, Prepared};
use crate::checks::{Before, Candidate, Refusal, check, compare};
use crate::generation::{Generation, Mode, PlanContent, PlanFacts, merge};
use crate::plan::Plan;
use aqs_api::{Key, Query};
use aqs_origin::epochs::Validity;
use aqs_origin::{Entry, Moment};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A plan's answers, each with the moment at which it was confirmed.
type Answers = Vec<(Key, Arc<Entry>, Moment)>;

impl Builder {
    /// Checks what was read, and publishes it.
    pub(super) async fn check_and_publish(
        &self,
        plan: &Plan,
        how: &How,
        prepared: Prepared,
        read: ReadAll,
        now: Moment,
        cancel: &CancellationToken,
    ) -> Result<Built, BuildError> {
        let part = !how.overrides.is_empty();
        let sample = self.sample(&prepared, &read);
        let (answers, mut facts) = self.collect(&prepared, &read, now);
        let bytes = answers.iter().map(|(key, entry, _)| answer_weight(key, entry)).sum();
        let before = prepared.before().filter(|_| !part);
        let candidate = Candidate {
            facts: &facts,
            bytes,
            unloaded: prepared.unloaded.clone(),
            last_error: read.last_error.clone(),
            before: before
                .map(|(_, facts)| Before { facts, bytes: prepared.selection.bytes_before }),
        };
        let mut refusals = check(&candidate, &self.settings.thresholds);
        let compared = compare(&self.origin, sample, self.settings.within);
        let compared = cancel.run_until_cancelled(compared).await;
        refusals.extend(compared.ok_or(BuildError::Cancelled)?.refusals);
        self.tell(plan, &refusals, how.force);
        if !refusals.is_empty() && !how.force {
            return Err(BuildError::Refused(refusals));
        }
        facts.forced = refusals.iter().map(ToString::to_string).collect();
        // From here on it is done, cancelled or not: half of it would be neither.
        let mode = if part { Mode::Add } else { Mode::Replace };
        let content = PlanContent { facts: facts.clone(), answers, mode };
        let generation = self.publish(content).await?;
        drop(read);
        let artefact = self.keep(&generation).await;
        Ok(Built { generation, facts, forced: refusals, artefact })
    }

    /// Brings together what was read, what was taken over, and for what failed the older answer.
    fn collect(&self, prepared: &Prepared, read: &ReadAll, now: Moment) -> (Answers, PlanFacts) {
        let mut answers: Answers = Vec::with_capacity(prepared.selection.wanted);
        let new = prepared.selection.shared.iter().chain(&read.answers);
        answers.extend(new.map(|(query, entry)| (query.key().clone(), Arc::clone(entry), now)));
        let mut kept = 0;
        for query in &read.failed {
            let parent = prepared.parent.as_ref();
            let Some(older) = parent.and_then(|parent| parent.get(query.key().as_ref())) else {
                continue;
            };
            let entry = &older.entry;
            if self.origin.epochs.validity(entry.stamp, &entry.slots) != Validity::Invalid {
                answers.push((query.key().clone(), Arc::clone(entry), older.confirmed));
                kept += 1;
            }
        }
        let (wanted, shared) = (prepared.selection.wanted, prepared.selection.shared.len());
        // What a task that was lost should have read has failed, too.
        let errors = wanted - shared.min(wanted) - read.answers.len().min(wanted - shared);
        let name = [prepared.plan.name.as_str()];
        let whole = self.plans.iter().find(|plan| plan.name == prepared.plan.name);
        let count = |how: &str, count: usize| {
            let labels = [prepared.plan.name.as_str(), how];
            self.metrics.answers.with_label_values(&labels).inc_by(count as u64);
        };
        self.metrics.reads.with_label_values(&name).inc_by(read.reads as u64);
        count("read", read.answers.len());
        count("shared", shared);
        count("kept", kept);
        count("missing", errors - kept.min(errors));
        let facts = PlanFacts {
            name: prepared.plan.name.clone(),
            definition: whole
                .filter(|whole| whole.items == prepared.plan.items)
                .map_or(0, Plan::fingerprint),
            built: now,
            wanted: wanted as u64,
            keys: answers.len() as u64,
            reads: read.reads as u64,
            shared: shared as u64,
            errors: errors as u64,
            data_through: prepared.through.clone(),
            unloaded: prepared.unloaded.clone(),
            forced: Vec::new(),
        };
        (answers, facts)
    }

    /// Some answers of the build, at random.
    fn sample(&self, prepared: &Prepared, read: &ReadAll) -> Vec<(Query, Arc<Entry>)> {
        let all = prepared.selection.shared.iter().chain(&read.answers);
        let count = prepared.selection.shared.len() + read.answers.len();
        let take = self.settings.thresholds.sample.min(count);
        let chosen = fastrand::choose_multiple(all, take);
        chosen.into_iter().map(|(query, entry)| (query.clone(), Arc::clone(entry))).collect()
    }

    fn tell(&self, plan: &Plan, refusals: &[Refusal], force: bool) {
        for refusal in refusals {
            let labels = [plan.name.as_str(), refusal.check()];
            self.metrics.refusals.with_label_values(&labels).inc();
            let (plan, check) = (&plan.name, refusal.check());
            if force {
                tracing::warn!(plan, check, %refusal, "published by force");
            } else {
                tracing::error!(plan, check, %refusal, "not published: the hot set stays as it was");
            }
        }
    }

    async fn publish(&self, content: PlanContent) -> Result<Arc<Generation>, BuildError> {
        let (origin, hot_set) = (Arc::clone(&self.origin), Arc::clone(&self.hot_set));
        let names: Vec<String> = self.plans.iter().map(|plan| plan.name.clone()).collect();
        let (limit, metrics) = (self.limit(), self.metrics.clone());
        let work = tokio::task::spawn_blocking(move || {
            let configured = |name: &str| names.iter().any(|known| known == name);
            let now = origin.clock().now();
            hot_set.publish(|live, id| {
                let new = merge(live, content, &configured, &origin.epochs, (id, now))?;
                if new.bytes > limit {
                    let (bytes, others) = (new.bytes, 0);
                    return Err(BuildError::TooLarge { bytes, others, limit });
                }
                // Here, so that of two the later one is told of last.
                metrics.published(&new, live);
                Ok(new)
            })
        });
        work.await.unwrap_or(Err(BuildError::Lost))
    }
}

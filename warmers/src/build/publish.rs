//! From what was read to what is served.

use super::read::ReadAll;
use super::select::Selection;
use super::{BuildError, Builder, Built, How, Prepared};
use crate::artefact::ArtefactDirectory;
use crate::aside::{self, Heavy, aside};
use crate::checks::{Before, Candidate, Refusal, check, compare};
use crate::generation::{
    Generation, Held, Mode, PlanContent, PlanFacts, Whole, answer_weight, is_without_data, merge,
};
use crate::metrics::Metrics;
use crate::plan::Plan;
use aqs_api::{Key, Query};
use aqs_origin::epochs::Validity;
use aqs_origin::memory::Reservation;
use aqs_origin::{Entry, Moment, Origin};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A plan's answers, each with the moment at which it was confirmed.
type Answers = Vec<(Key, Arc<Entry>, Moment)>;

/// What a build brought, before anybody has looked at it.
#[derive(Default)]
struct Collected {
    answers: Answers,
    /// How many bytes these take.
    bytes: u64,
    facts: PlanFacts,
    /// How many older answers stay for what failed.
    kept: usize,
    /// How many answers were read.
    read: usize,
    sample: Vec<(Query, Arc<Entry>)>,
    last_error: Option<String>,
    /// What was read is charged until its generation is.
    charges: Vec<Reservation>,
}

impl Builder {
    /// Checks what was read, and publishes it.
    pub(super) async fn check_and_publish(
        &self,
        plan: &Plan,
        how: &How,
        prepared: Prepared,
        read: Heavy<ReadAll>,
        now: Moment,
        cancel: &CancellationToken,
    ) -> Result<Built, BuildError> {
        let part = !how.overrides.is_empty();
        let Prepared { plan: built, before, selection, through, unloaded, .. } = prepared;
        let whole = self.plans.iter().find(|whole| whole.name == built.name);
        let definition =
            whole.filter(|whole| whole.items == built.items).map_or(0, Plan::fingerprint);
        let facts = PlanFacts {
            name: built.name,
            definition,
            built: now,
            data_through: through,
            unloaded: unloaded.clone(),
            ..PlanFacts::default()
        };
        let (hot_set, origin) = (Arc::clone(&self.hot_set), Arc::clone(&self.origin));
        let sample = self.settings.thresholds.sample;
        let work = aside(move || {
            let older = hot_set.live();
            let facts = Collected { facts, ..Collected::default() };
            Heavy::new(facts.collect(&selection, read, older.as_deref(), &origin, sample))
        });
        let mut collected = work.await.ok_or(BuildError::Lost)?;
        self.count(&collected);
        let candidate = Candidate {
            facts: &collected.facts,
            bytes: collected.bytes,
            unloaded,
            last_error: collected.last_error.clone(),
            before: before
                .as_ref()
                .filter(|_| !part)
                .map(|known| Before { facts: &known.facts, whole: known.whole }),
        };
        let mut refusals = check(&candidate, &self.settings.thresholds);
        let sample = std::mem::take(&mut collected.sample);
        let compared = compare(&self.origin, sample, self.settings.within);
        let compared = cancel.run_until_cancelled(compared).await;
        refusals.extend(compared.ok_or(BuildError::Cancelled)?.refusals());
        self.tell(plan, &refusals, how.force);
        if !refusals.is_empty() && !how.force {
            return Err(BuildError::Refused(refusals));
        }
        collected.facts.forced = refusals.iter().map(ToString::to_string).collect();
        let facts = collected.facts.clone();
        // From here on it is done, cancelled or not: half of it would be neither.
        let mode = if part { Mode::Add } else { Mode::Replace };
        let generation = self.publish(collected, mode).await?;
        let artefact = self.keep(&generation).await;
        Ok(Built { generation, facts, forced: refusals, artefact })
    }

    fn count(&self, collected: &Collected) {
        let Collected { facts, read, kept, .. } = collected;
        let errors = usize::try_from(facts.errors).unwrap_or(usize::MAX);
        let count = |how: &str, count: u64| {
            self.metrics.answers.with_label_values(&[facts.name.as_str(), how]).inc_by(count);
        };
        self.metrics.reads.with_label_values(&[&facts.name]).inc_by(facts.reads);
        count("read", *read as u64);
        count("shared", facts.shared);
        count("kept", *kept as u64);
        count("missing", (errors - (*kept).min(errors)) as u64);
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

    async fn publish(
        &self,
        collected: Heavy<Collected>,
        mode: Mode,
    ) -> Result<Arc<Generation>, BuildError> {
        let (origin, hot_set) = (Arc::clone(&self.origin), Arc::clone(&self.hot_set));
        let (artefacts, names) = (self.artefacts.clone(), self.names());
        let (limit, metrics) = (self.limit(), self.metrics.clone());
        let work = aside(move || {
            let configured = |name: &str| names.iter().any(|known| known == name);
            let now = origin.clock().now();
            let Collected { answers, facts, charges, .. } = collected.into_inner();
            let content = PlanContent { facts, answers, mode };
            let published = hot_set.publish(|live, id| {
                let new = merge(live, content, &configured, &origin.epochs, (id, now))?;
                if new.bytes > limit {
                    let (bytes, others) = (new.bytes, 0);
                    return Err(BuildError::TooLarge { bytes, others, limit });
                }
                reserve(artefacts.as_deref(), id, &metrics);
                // Here, so that of two the later one is told of last.
                metrics.published(&new, live);
                Ok(new)
            });
            // It is charged itself, now.
            drop(charges);
            published
        });
        work.await.unwrap_or(Err(BuildError::Lost))
    }
}

/// Makes sure that a number is not given again after a restart, also if its generation is never
/// written. It is served nevertheless if that fails.
pub(super) fn reserve(artefacts: Option<&ArtefactDirectory>, id: u64, metrics: &Metrics) {
    if let Some(Err(error)) = artefacts.map(|artefacts| artefacts.reserve(id)) {
        metrics.artefact_failures.with_label_values(&["write"]).inc();
        tracing::error!(id, %error, "after a restart the number can be given again");
    }
}

impl Collected {
    /// Brings together what was read, what was taken over, and for what failed the older answer
    /// that is served.
    fn collect(
        mut self,
        selection: &Selection,
        mut read: Heavy<ReadAll>,
        older: Option<&Generation>,
        origin: &Origin,
        sample: usize,
    ) -> Self {
        debug_assert!(aside::here());
        let (wanted, shared) = (selection.wanted, selection.shared.len());
        let all = || selection.shared.iter().chain(&read.answers);
        let take = sample.min(shared + read.answers.len());
        let chosen = fastrand::choose_multiple(all(), take).into_iter();
        self.sample = chosen.map(|(query, entry)| (query.clone(), Arc::clone(entry))).collect();
        self.answers.reserve(wanted);
        let now = self.facts.built;
        self.answers
            .extend(all().map(|(query, entry)| (query.key().clone(), Arc::clone(entry), now)));
        for query in &read.failed {
            let held = older.and_then(|older| older.get(query.key().as_ref()));
            let Some(Held { entry, confirmed, .. }) = held else { continue };
            if origin.epochs.validity(entry.epoch, &entry.tags) != Validity::Invalid {
                self.answers.push((query.key().clone(), Arc::clone(entry), *confirmed));
                self.kept += 1;
            }
        }
        self.read = read.answers.len();
        // What a task that was lost should have read has failed, too.
        let errors = wanted - shared.min(wanted) - self.read.min(wanted - shared);
        self.bytes = self.answers.iter().map(|(key, entry, _)| answer_weight(key, entry)).sum();
        let keys = self.answers.len() as u64;
        let without_data = self.answers.iter().filter(|(_, entry, _)| is_without_data(entry));
        let without_data = without_data.count() as u64;
        let whole = (self.facts.definition != 0).then_some(Whole { keys, bytes: self.bytes });
        self.facts = PlanFacts {
            wanted: wanted as u64,
            keys,
            without_data,
            reads: read.reads as u64,
            shared: shared as u64,
            errors: errors as u64,
            whole,
            ..self.facts
        };
        self.last_error = read.last_error.take();
        self.charges = std::mem::take(&mut read.charges);
        self
    }
}

//! Checks, publishes and writes what a build has read.

use super::read::ReadResult;
use super::select::Selection;
use super::{BuildError, BuildOptions, Builder, Built, Prepared};
use crate::blocking::{self, DropOffThread, drop_off_thread};
use crate::checks::{Refusal, check, compare};
use crate::generation::{
    Generation, HotEntry, MergeMode, PlanContent, PlanFacts, PlanSize, answer_weight,
    is_without_data, merge,
};
use aqs_api::{Key, Query};
use aqs_origin::epochs::Validity;
use aqs_origin::memory_budget::Reservation;
use aqs_origin::{Entry, Moment};
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// A build that is not checked yet.
#[derive(Default)]
struct Candidate {
    /// Each with the moment at which it was confirmed.
    answers: Vec<(Key, Arc<Entry>, Moment)>,
    facts: PlanFacts,
    read: u64,
    /// Older answers that stay in place of failed reads.
    kept: u64,
    /// Answers that are compared with the store.
    sample: Vec<(Query, Arc<Entry>)>,
    last_error: Option<String>,
    charges: Vec<Reservation>,
}

impl Builder {
    pub(super) async fn check_and_publish(
        self: &Arc<Self>,
        options: &BuildOptions,
        prepared: Prepared,
        read: DropOffThread<ReadResult>,
        now: Moment,
        cancel: &CancellationToken,
    ) -> Result<Built, BuildError> {
        let is_part = !options.overrides.is_empty();
        let Prepared { plan, definition, before, selection, .. } = prepared;
        let facts = PlanFacts {
            name: plan.name,
            definition,
            built: now,
            data_through: selection.data_through.clone(),
            unloaded: selection.unloaded.clone(),
            ..PlanFacts::default()
        };
        let builder = Arc::clone(self);
        let work = blocking::run(move || {
            let candidate = Candidate { facts, ..Candidate::default() };
            drop_off_thread(candidate.collect(&builder, &selection, read))
        });
        let mut candidate = work.await.ok_or(BuildError::Lost)?;
        self.count_answers(&candidate);
        let before = before.as_ref().filter(|_| !is_part);
        let last_error = candidate.last_error.as_deref().unwrap_or_default();
        let mut refusals = check(&candidate.facts, before, last_error, &self.settings.checks);
        let sample = std::mem::take(&mut candidate.sample);
        let compared = compare(&self.origin, sample, self.settings.within);
        let compared = cancel.run_until_cancelled(compared).await.ok_or(BuildError::Cancelled)?;
        refusals.extend(compared.refusals());
        self.report_refusals(&candidate.facts.name, &refusals, options.force);
        if !refusals.is_empty() && !options.force {
            return Err(BuildError::Refused(refusals));
        }
        candidate.facts.forced = refusals.iter().map(ToString::to_string).collect();
        let facts = candidate.facts.clone();
        // A publication cannot be cancelled half-way.
        let mode = if is_part { MergeMode::Add } else { MergeMode::Replace };
        let _writing = Arc::clone(&self.files).read_owned().await;
        let generation = self.publish(candidate, mode).await?;
        let not_kept = self.write_artefact(&generation).await.err();
        Ok(Built { generation, facts, forced: refusals, not_kept })
    }

    fn count_answers(&self, candidate: &Candidate) {
        let Candidate { facts, read, kept, .. } = candidate;
        let missing = facts.errors.saturating_sub(*kept);
        self.metrics.reads.with_label_values(&[&facts.name]).inc_by(facts.reads);
        for (how, count) in
            [("read", *read), ("shared", facts.shared), ("kept", *kept), ("missing", missing)]
        {
            self.metrics.answers.with_label_values(&[facts.name.as_str(), how]).inc_by(count);
        }
    }

    fn report_refusals(&self, plan: &str, refusals: &[Refusal], force: bool) {
        for Refusal { check, reason } in refusals {
            self.metrics.refusals.with_label_values(&[plan, check]).inc();
            if force {
                tracing::warn!(plan, check, reason, "published by force");
            } else {
                tracing::error!(plan, check, reason, "not published: the hot set is unchanged");
            }
        }
    }

    async fn publish(
        self: &Arc<Self>,
        candidate: DropOffThread<Candidate>,
        mode: MergeMode,
    ) -> Result<Arc<Generation>, BuildError> {
        let builder = Arc::clone(self);
        let work = blocking::run(move || {
            let Candidate { answers, facts, charges, .. } = DropOffThread::into_inner(candidate);
            let content = PlanContent { facts, answers, mode };
            let now = builder.origin.clock().now();
            let (epochs, limit) = (&builder.origin.epochs, builder.limit());
            let is_configured = |name: &str| builder.is_configured(name);
            let published = builder.hot_set.publish(|live, id| {
                let new = merge(live, content, &is_configured, epochs, (id, now))?;
                if new.bytes > limit {
                    return Err(BuildError::TooLarge { bytes: new.bytes, others: 0, limit });
                }
                builder.before_publication(&new, live);
                Ok(new)
            });
            // The generation itself is charged now.
            drop(charges);
            published
        });
        work.await.unwrap_or(Err(BuildError::Lost))
    }

    /// Ensures that the id is not used again after a restart, also if the generation is never
    /// written, and updates the metrics. Under the lock, so that they describe the last
    /// publication.
    pub(super) fn before_publication(&self, new: &Generation, live: Option<&Generation>) {
        let reserved = self.artefacts.as_ref().map(|artefacts| artefacts.reserve_id(new.id));
        if let Some(Err(error)) = reserved {
            self.metrics.artefact_failures.with_label_values(&["write"]).inc();
            tracing::error!(id = new.id, %error, "the id may be used again after a restart");
        }
        self.metrics.published(new, live);
    }

    /// Writes a generation to disk, if there is a directory. It is served also if that fails.
    pub(super) async fn write_artefact(&self, generation: &Arc<Generation>) -> Result<(), String> {
        let Some(artefacts) = self.artefacts.clone() else { return Ok(()) };
        let (written, started) = (Arc::clone(generation), Instant::now());
        let written = match blocking::run(move || artefacts.write(&written)).await {
            Some(written) => written.map_err(|error| error.to_string()),
            None => Err("the task that writes it ended".to_owned()),
        };
        match written {
            Ok(_) => self.metrics.artefact_seconds.observe(started.elapsed().as_secs_f64()),
            Err(error) => {
                self.metrics.artefact_failures.with_label_values(&["write"]).inc();
                let id = generation.id;
                tracing::error!(id, error, "the generation is served, but not kept for a restart");
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Candidate {
    /// Joins the answers that were read, those that are carried over, and for failed reads the
    /// live ones.
    fn collect(
        mut self,
        builder: &Builder,
        selection: &Selection,
        mut read: DropOffThread<ReadResult>,
    ) -> Self {
        let (wanted, shared) = (selection.wanted, selection.shared.len());
        let all = || selection.shared.iter().chain(&read.answers);
        let sample = builder.sample_size().min(shared + read.answers.len());
        self.sample = fastrand::choose_multiple(all(), sample).into_iter().cloned().collect();
        let now = self.facts.built;
        self.answers.reserve(wanted);
        self.answers
            .extend(all().map(|(query, entry)| (query.key().clone(), Arc::clone(entry), now)));
        let live = builder.hot_set.live();
        for query in &read.failed {
            let hot = live.as_ref().and_then(|live| live.get(query.key().as_ref()));
            let Some(HotEntry { entry, confirmed, .. }) = hot else { continue };
            if builder.origin.epochs.validity(entry.epoch, &entry.tags) != Validity::Invalid {
                self.answers.push((query.key().clone(), Arc::clone(entry), *confirmed));
                self.kept += 1;
            }
        }
        self.read = read.answers.len() as u64;
        let keys = self.answers.len() as u64;
        let bytes = self.answers.iter().map(|(key, entry, _)| answer_weight(key, entry)).sum();
        let without_data = self.answers.iter().filter(|(_, entry, _)| is_without_data(entry));
        self.facts = PlanFacts {
            wanted: wanted as u64,
            keys,
            without_data: without_data.count() as u64,
            reads: read.reads as u64,
            shared: shared as u64,
            // Includes the answers of tasks that have panicked.
            errors: (wanted - shared).saturating_sub(read.answers.len()) as u64,
            full_build: (self.facts.definition != 0).then_some(PlanSize { keys, bytes }),
            ..self.facts
        };
        self.last_error = read.last_error.take();
        self.charges = std::mem::take(&mut read.charges);
        self
    }
}

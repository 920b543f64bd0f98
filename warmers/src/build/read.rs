//! Reads answers by partition, several at once, and none while clients wait for the store.

use super::{BuildError, Builder, Prepared, Progress};
use crate::blocking::{self, DropOffThread, drop_off_thread};
use crate::generation::{Generation, additional_weight, answer_weight, is_without_data};
use crate::plan::{Plan, Tops};
use crate::settings::Settings;
use aqs_api::{Coverage, Query, Representation};
use aqs_origin::backoff::Backoff;
use aqs_origin::batch::Batch;
use aqs_origin::memory_budget::{Consumer, Reservation};
use aqs_origin::store::StoreError;
use aqs_origin::{Entry, OriginError, Priority, RequestContext, gzip};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const MAX_BACKOFF: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct ReadResult {
    pub(super) answers: Vec<(Query, Arc<Entry>)>,
    pub(super) failed: Vec<Query>,
    pub(super) last_error: Option<String>,
    pub(super) reads: usize,
    /// Charges the answers to the memory budget until their generation is charged.
    pub(super) charges: Vec<Reservation>,
}

impl Builder {
    /// Reads groups of queries until `check` fails.
    pub(super) async fn read_while(
        self: &Arc<Self>,
        prepared: &Prepared,
        groups: &[Vec<Query>],
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
        check: impl Fn() -> Result<(), BuildError> + Send + Sync,
    ) -> Result<DropOffThread<ReadResult>, BuildError> {
        let reader = self.reader(&prepared.plan, prepared.parent.clone(), progress);
        let concurrency = prepared.plan.limits.concurrency.max(1);
        let mut groups = groups.iter();
        let mut tasks: JoinSet<ReadResult> = JoinSet::new();
        let mut all = drop_off_thread(ReadResult::default());
        let mut failures_in_row = 0;
        loop {
            while tasks.len() < concurrency
                && let Some(group) = groups.next()
            {
                tasks.spawn(reader.clone().read(group.clone()));
            }
            let joined = cancel.run_until_cancelled(tasks.join_next()).await;
            let Some(joined) = joined else {
                tasks.shutdown().await;
                return Err(BuildError::Cancelled);
            };
            let Some(one) = joined else { return Ok(all) };
            let one = one.map_err(|_| BuildError::Lost)?;
            failures_in_row = if one.answers.is_empty() { failures_in_row + 1 } else { 0 };
            all.reads += one.reads;
            all.answers.extend(one.answers);
            all.failed.extend(one.failed);
            all.charges.extend(one.charges);
            if one.last_error.is_some() {
                all.last_error = one.last_error;
            }
            let checked = if failures_in_row >= self.settings.give_up_after.max(1) {
                let last = all.last_error.clone().unwrap_or_default();
                Err(BuildError::GivenUp { partitions: failures_in_row, last })
            } else {
                check()
            };
            if let Err(error) = checked {
                tasks.shutdown().await;
                return Err(error);
            }
        }
    }

    /// Reads the top lists that a plan takes values from.
    pub(super) async fn read_tops(
        self: &Arc<Self>,
        plan: &Plan,
        coverage: &Coverage,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Tops, BuildError> {
        let mut tops = Tops::default();
        let reader = self.reader(plan, Weak::new(), progress);
        let catalogue = self.origin.catalogue();
        for (lists, key, count) in Tops::wanted(plan, catalogue) {
            for query in Tops::queries(catalogue, coverage, &lists, &key, count)? {
                let read = reader.clone().read(vec![query]);
                let read = cancel.run_until_cancelled(read).await.ok_or(BuildError::Cancelled)?;
                let failed = |reason: Option<String>| BuildError::Tops {
                    project: key.subject.clone(),
                    reason: reason.unwrap_or_else(|| "its answer has no articles".to_owned()),
                };
                let entry = read.answers.first().map(|(_, entry)| Arc::clone(entry));
                let entry = entry.ok_or_else(|| failed(read.last_error))?;
                tops.add(&lists, &key, &entry).ok_or_else(|| failed(None))?;
            }
        }
        Ok(tops)
    }

    fn reader(
        self: &Arc<Self>,
        plan: &Plan,
        parent: Weak<Generation>,
        progress: &Arc<Progress>,
    ) -> Reader {
        Reader {
            builder: Arc::clone(self),
            parent,
            progress: Arc::clone(progress),
            plan_rate: Arc::new(Pacer::per_second(plan.limits.rate)),
        }
    }
}

#[derive(Clone)]
struct Reader {
    builder: Arc<Builder>,
    parent: Weak<Generation>,
    progress: Arc<Progress>,
    plan_rate: Arc<Pacer>,
}

impl Reader {
    /// Reads the answers of one partition, with retries.
    async fn read(self, queries: Vec<Query>) -> ReadResult {
        let mut read = ReadResult::default();
        let mut pending = queries;
        let mut entries = Vec::new();
        let Settings { backoff, attempts, .. } = self.builder.settings;
        let backoff = Backoff { first: backoff, longest: MAX_BACKOFF };
        for attempt in 1..=attempts.max(1) {
            if attempt > 1 {
                tokio::time::sleep(backoff.jittered(attempt - 1)).await;
            }
            let queries = std::mem::take(&mut pending);
            let batch = self.read_once(&queries).await;
            self.progress.add_reads(batch.reads, attempt > 1);
            read.reads += batch.reads;
            for (query, outcome) in queries.into_iter().zip(batch.entries) {
                match outcome {
                    Ok(entry) => entries.push((query, entry)),
                    Err(failure) => {
                        read.last_error = Some(failure.error.to_string());
                        let failed = match is_transient(&failure.error) {
                            true => &mut pending,
                            false => &mut read.failed,
                        };
                        failed.push(query);
                    }
                }
            }
            if pending.is_empty() {
                break;
            }
        }
        read.failed.append(&mut pending);
        let (count, progress) = (entries.len(), Arc::clone(&self.progress));
        blocking::run(move || self.complete(entries, read)).await.unwrap_or_else(|| {
            progress.add_answers(0, count, 0);
            let last_error = Some(OriginError::Lost.to_string());
            ReadResult { last_error, ..ReadResult::default() }
        })
    }

    async fn read_once(&self, queries: &[Query]) -> Batch {
        let Builder { origin, settings, reads, rate, .. } = &*self.builder;
        // A read that waits for its plan's rate takes no permit from other plans.
        self.plan_rate.wait().await;
        // The semaphore is never closed.
        let _permit = reads.acquire().await;
        rate.wait().await;
        let ctx =
            || RequestContext::new(Instant::now() + settings.within, Priority::Warm, "hot-set");
        origin.until_idle(queries, &ctx()).await;
        origin.answers_of(queries, &ctx()).await
    }

    /// Compresses the answers, and shares bodies with the parent where they have not changed.
    fn complete(&self, entries: Vec<(Query, Entry)>, mut read: ReadResult) -> ReadResult {
        let (mut bytes, mut charge) = (0, 0);
        let parent = self.parent.upgrade();
        for (query, entry) in entries {
            if !matches!(entry.representation, Representation::Body(_)) && !is_without_data(&entry)
            {
                read.last_error = Some("the answer is neither data nor a 404".to_owned());
                read.failed.push(query);
                continue;
            }
            let older = parent.as_ref().and_then(|parent| parent.get(query.key().as_ref()));
            let entry = match older {
                Some(older) => entry.sharing(&older.entry),
                None => entry,
            };
            compress(&entry);
            let weight = answer_weight(query.key(), &entry);
            bytes += weight;
            charge +=
                older.map_or(weight, |older| additional_weight(query.key(), &entry, &older.entry));
            read.answers.push((query, Arc::new(entry)));
        }
        self.progress.add_answers(read.answers.len(), read.failed.len(), bytes);
        let charge = usize::try_from(charge).unwrap_or(usize::MAX);
        read.charges.push(self.builder.origin.budget.reserve(Consumer::HotSet, charge));
        read
    }
}

fn is_transient(error: &OriginError) -> bool {
    matches!(
        error,
        OriginError::Store(StoreError::Unavailable { .. } | StoreError::Timeout { .. })
            | OriginError::Rejected
            | OriginError::Overloaded
            | OriginError::Deadline
    )
}

/// Makes the gzip form, if the body is long enough.
fn compress(entry: &Entry) {
    if let Representation::Body(body) = &entry.representation
        && body.begin_gzip()
        // Without the gzip form the identity is sent.
        && let Ok(coded) = gzip::compress(&body.identity)
    {
        body.keep_gzip(coded);
    }
}

/// Spaces out reads evenly. There are no bursts after a pause.
#[derive(Debug)]
pub(super) struct Pacer {
    next: Mutex<Instant>,
    step: Duration,
}

impl Pacer {
    pub(super) fn per_second(rate: u32) -> Self {
        let step = Duration::from_secs(1).checked_div(rate.max(1)).unwrap_or_default();
        Self { next: Mutex::new(Instant::now()), step }
    }

    async fn wait(&self) {
        let at = self.reserve(Instant::now());
        tokio::time::sleep_until(at.into()).await;
    }

    fn reserve(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = now.max(*next);
        *next = at + self.step;
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_spaced_evenly_without_bursts() {
        let pacer = Pacer::per_second(4);
        let start = Instant::now();
        let step = Duration::from_millis(250);
        let reads: Vec<Duration> = (0..3).map(|_| pacer.reserve(start) - start).collect();
        assert_eq!(reads, [Duration::ZERO, step, 2 * step]);
        let later = start + Duration::from_secs(60);
        assert_eq!([pacer.reserve(later), pacer.reserve(later)], [later, later + step]);
    }
}

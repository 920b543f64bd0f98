//! Reading: partition by partition, several at once, none while clients wait for the store.

use super::pace::Pace;
use super::progress::Progress;
use super::{BuildError, Builder, Prepared, Settings, retry};
use crate::aside::{Heavy, aside};
use crate::generation::{Generation, answer_weight, weight_sharing};
use crate::plan::Plan;
use aqs_api::{Query, Representation};
use aqs_origin::memory::{Part, Reservation};
use aqs_origin::{Entry, Origin, OriginError, Priority, RequestContext, gzip};
use std::sync::{Arc, Weak};
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What was read of a plan.
#[derive(Default)]
pub(super) struct ReadAll {
    pub(super) answers: Vec<(Query, Arc<Entry>)>,
    pub(super) failed: Vec<Query>,
    pub(super) last_error: Option<String>,
    pub(super) reads: usize,
    /// What the answers take of the memory budget, until their generation is charged.
    pub(super) charges: Vec<Reservation>,
}

/// What reads one partition needs.
#[derive(Clone)]
pub(super) struct Reader {
    origin: Arc<Origin>,
    parent: Weak<Generation>,
    progress: Arc<Progress>,
    settings: Settings,
    reads: Arc<Semaphore>,
    /// Of this plan.
    own: Arc<Pace>,
    /// Of all builds.
    pace: Arc<Pace>,
}

/// What was read of one partition.
#[derive(Default)]
pub(super) struct ReadOne {
    pub(super) answers: Vec<(Query, Arc<Entry>)>,
    failed: Vec<Query>,
    pub(super) error: Option<String>,
    reads: usize,
    reservation: Option<Reservation>,
}

impl Builder {
    /// Reads what must be read.
    pub(super) async fn read(
        &self,
        prepared: &Prepared,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Heavy<ReadAll>, BuildError> {
        let go_on = || self.still_fits(prepared, progress);
        self.read_while(prepared, &prepared.selection.groups, progress, cancel, go_on).await
    }

    /// Reads some of what must be read, as long as there is no reason to stop.
    pub(super) async fn read_while(
        &self,
        prepared: &Prepared,
        groups: &[Vec<Query>],
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
        go_on: impl Fn() -> Result<(), BuildError> + Send + Sync,
    ) -> Result<Heavy<ReadAll>, BuildError> {
        let reader = self.reader(&prepared.plan, prepared.parent.clone(), progress);
        let at_once = prepared.plan.limits.concurrency.max(1);
        let mut groups = groups.iter();
        let mut under_way: JoinSet<ReadOne> = JoinSet::new();
        let mut all = Heavy::<ReadAll>::default();
        let mut failing = 0;
        loop {
            while under_way.len() < at_once
                && let Some(group) = groups.next()
            {
                under_way.spawn(reader.clone().partition(group.clone()));
            }
            let joined = cancel.run_until_cancelled(under_way.join_next()).await;
            let Some(joined) = joined else {
                under_way.shutdown().await;
                return Err(BuildError::Cancelled);
            };
            let Some(one) = joined else { return Ok(all) };
            let one = one.map_err(|_| BuildError::Lost)?;
            failing = if one.answers.is_empty() { failing + 1 } else { 0 };
            all.reads += one.reads;
            all.answers.extend(one.answers);
            all.failed.extend(one.failed);
            all.charges.extend(one.reservation);
            if one.error.is_some() {
                all.last_error = one.error;
            }
            let stop = if failing >= self.settings.give_up_after.max(1) {
                let last = all.last_error.clone().unwrap_or_default();
                Err(BuildError::GivenUp { partitions: failing, last })
            } else {
                go_on()
            };
            if let Err(error) = stop {
                under_way.shutdown().await;
                return Err(error);
            }
        }
    }

    pub(super) fn reader(
        &self,
        plan: &Plan,
        parent: Weak<Generation>,
        progress: &Arc<Progress>,
    ) -> Reader {
        let own = Arc::new(Pace::per_second(plan.limits.rate));
        Reader {
            origin: Arc::clone(&self.origin),
            parent,
            progress: Arc::clone(progress),
            settings: self.settings,
            reads: Arc::clone(&self.reads),
            own,
            pace: Arc::clone(&self.pace),
        }
    }
}

impl Reader {
    /// Reads the answers of one partition, again if that can help.
    pub(super) async fn partition(self, queries: Vec<Query>) -> ReadOne {
        let mut read = ReadOne::default();
        let mut pending = queries;
        let mut entries = Vec::new();
        for attempt in 1..=self.settings.attempts.max(1) {
            if attempt > 1 {
                tokio::time::sleep(retry::pause(self.settings.backoff, attempt - 1)).await;
            }
            let (again, asked) = (attempt > 1, std::mem::take(&mut pending));
            let batch = self.ask(&asked).await;
            self.progress.asked(batch.reads, again);
            read.reads += batch.reads;
            for (query, outcome) in asked.into_iter().zip(batch.entries) {
                match outcome {
                    Ok(entry) => entries.push((query, entry)),
                    Err(failure) => {
                        let helps = retry::helps(&failure.error);
                        read.error = Some(failure.error.to_string());
                        if helps { pending.push(query) } else { read.failed.push(query) }
                    }
                }
            }
            if pending.is_empty() {
                break;
            }
        }
        read.failed.append(&mut pending);
        self.finish(entries, read).await
    }

    async fn ask(&self, queries: &[Query]) -> aqs_origin::batch::Batch {
        // What waits for its own plan's turn takes no place that another plan could have.
        self.own.turn().await;
        // The semaphore is never closed.
        let _place = self.reads.acquire().await;
        self.pace.turn().await;
        let ctx = || {
            RequestContext::new(Instant::now() + self.settings.within, Priority::Warm, "hot-set")
        };
        self.origin.until_idle(&ctx()).await;
        self.origin.answers_of(queries, &ctx()).await
    }

    /// Makes the gzip forms and shares what did not change, off the threads that serve.
    async fn finish(self, entries: Vec<(Query, Entry)>, read: ReadOne) -> ReadOne {
        let count = entries.len();
        let progress = Arc::clone(&self.progress);
        let work = aside(move || self.complete(entries, read));
        work.await.unwrap_or_else(|| {
            progress.failed(count);
            ReadOne { error: Some(OriginError::Lost.to_string()), ..ReadOne::default() }
        })
    }

    fn complete(&self, entries: Vec<(Query, Entry)>, mut read: ReadOne) -> ReadOne {
        let (mut bytes, mut more) = (0, 0);
        // As long as somebody else holds it, what is shared with it is charged to them.
        let parent = self.parent.upgrade();
        for (query, entry) in entries {
            if !can_be_kept(&entry) {
                read.error = Some("the answer is neither data nor their absence".to_owned());
                read.failed.push(query);
                continue;
            }
            let older = parent.as_ref().and_then(|parent| parent.get(query.key().as_ref()));
            let entry = match older {
                Some(older) => entry.sharing(&older.entry),
                None => entry,
            };
            code(&entry);
            let weight = answer_weight(query.key(), &entry);
            bytes += weight;
            more += older.map_or(weight, |older| weight_sharing(query.key(), &entry, &older.entry));
            read.answers.push((query, Arc::new(entry)));
        }
        self.progress.read(read.answers.len(), bytes);
        self.progress.failed(read.failed.len());
        let more = usize::try_from(more).unwrap_or(usize::MAX);
        read.reservation = Some(self.origin.budget.reserve(Part::HotSet, more));
        read
    }
}

/// Generations hold data and their absence; nothing else comes from a store.
fn can_be_kept(entry: &Entry) -> bool {
    match &entry.representation {
        Representation::Body(_) => true,
        Representation::Problem(problem) => problem.no_data_reason().is_some(),
    }
}

/// Makes the gzip form, if it is worth it and not there yet.
fn code(entry: &Entry) {
    if let Representation::Body(body) = &entry.representation
        && body.begin_gzip()
        // Writing to memory can't fail; without the form the identity is sent.
        && let Ok(coded) = gzip::code(&body.identity)
    {
        body.keep_gzip(coded);
    }
}

//! Which jobs there are.

use super::Start;
use super::view::{JobId, JobView, Outcome};
use crate::build::Progress;
use aqs_origin::Moment;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How many jobs that ended are remembered.
const HISTORY: usize = 50;

/// The jobs under way, and the last ones that ended.
#[derive(Default)]
pub(super) struct Board {
    last: u64,
    running: BTreeMap<JobId, Job>,
    /// Oldest first.
    ended: VecDeque<JobView>,
}

struct Job {
    start: Start,
    view: JobView,
    running: Running,
}

/// What a job that runs shares with who looks at it.
#[derive(Clone, Default)]
pub(super) struct Running {
    pub(super) progress: Arc<Progress>,
    pub(super) cancel: CancellationToken,
    /// Cancelled when the job has ended.
    pub(super) ended: CancellationToken,
}

impl Board {
    /// The job under way that does the same, which counts one more that joined it.
    pub(super) fn join(&mut self, start: &Start) -> Option<JobId> {
        let same = |job: &&mut Job| {
            let of = |start: &Start| (start.plan.clone(), start.how.clone(), start.dry_run);
            // What is about to end without a result is nothing to join.
            of(&job.start) == of(start) && !job.running.cancel.is_cancelled()
        };
        let job = self.running.values_mut().find(same)?;
        job.view.joined += 1;
        Some(job.view.id)
    }

    pub(super) fn begin(
        &mut self,
        start: Start,
        now: Moment,
        cancel: CancellationToken,
    ) -> (JobId, Running) {
        self.last += 1;
        let id = JobId(self.last);
        let running = Running { cancel, ..Running::default() };
        let view = JobView::begun(id, &start, now);
        self.running.insert(id, Job { start, view, running: running.clone() });
        (id, running)
    }

    pub(super) fn end(&mut self, id: JobId, outcome: Outcome, now: Moment) {
        let Some(job) = self.running.remove(&id) else { return };
        let mut view = job.now();
        view.end(outcome, now);
        self.ended.push_back(view);
        if self.ended.len() > HISTORY {
            self.ended.pop_front();
        }
        job.running.ended.cancel();
    }

    pub(super) fn cancel(&self, id: JobId) -> bool {
        let job = self.running.get(&id);
        job.inspect(|job| job.running.cancel.cancel()).is_some()
    }

    /// What tells when a job that is under way has ended.
    pub(super) fn ended(&self, id: JobId) -> Option<CancellationToken> {
        self.running.get(&id).map(|job| job.running.ended.clone())
    }

    pub(super) fn show(&self, id: JobId) -> Option<JobView> {
        let running = self.running.get(&id).map(Job::now);
        running.or_else(|| self.ended.iter().find(|view| view.id == id).cloned())
    }

    pub(super) fn list(&self) -> Vec<JobView> {
        let running = self.running.values().rev().map(Job::now);
        running.chain(self.ended.iter().rev().cloned()).collect()
    }
}

impl Job {
    fn now(&self) -> JobView {
        JobView { progress: self.running.progress.snapshot(), ..self.view.clone() }
    }
}

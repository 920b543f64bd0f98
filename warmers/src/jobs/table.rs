//! The running jobs and the last ones that ended.

use super::Start;
use super::view::{JobId, JobView, Outcome};
use crate::build::Progress;
use aqs_origin::Moment;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Ended jobs that are remembered.
const HISTORY: usize = 50;

#[derive(Default)]
pub(super) struct JobTable {
    last_id: u64,
    running: BTreeMap<JobId, Job>,
    /// Oldest first.
    ended: VecDeque<JobView>,
}

struct Job {
    start: Start,
    view: JobView,
    handle: JobHandle,
}

#[derive(Clone, Default)]
pub(super) struct JobHandle {
    pub(super) progress: Arc<Progress>,
    pub(super) cancel: CancellationToken,
    /// Cancelled when the job has ended.
    pub(super) ended: CancellationToken,
}

impl JobTable {
    /// Joins the running job that does the same, if there is one.
    pub(super) fn join(&mut self, start: &Start) -> Option<JobId> {
        let is_same = |job: &&mut Job| {
            let Start { plan, options, dry_run, .. } = &job.start;
            (plan, options, *dry_run) == (&start.plan, &start.options, start.dry_run)
                && !job.handle.cancel.is_cancelled()
        };
        let job = self.running.values_mut().find(is_same)?;
        job.view.joined += 1;
        Some(job.view.id)
    }

    pub(super) fn begin(
        &mut self,
        start: Start,
        now: Moment,
        cancel: CancellationToken,
    ) -> (JobId, JobHandle) {
        self.last_id += 1;
        let id = JobId(self.last_id);
        let handle = JobHandle { cancel, ..JobHandle::default() };
        let view = JobView::begun(id, &start, now);
        self.running.insert(id, Job { start, view, handle: handle.clone() });
        (id, handle)
    }

    pub(super) fn end(&mut self, id: JobId, outcome: Outcome, now: Moment) {
        let Some(job) = self.running.remove(&id) else { return };
        let mut view = job.view();
        view.end(outcome, now);
        self.ended.push_back(view);
        if self.ended.len() > HISTORY {
            self.ended.pop_front();
        }
        job.handle.ended.cancel();
    }

    /// The handle of a running job.
    pub(super) fn handle(&self, id: JobId) -> Option<JobHandle> {
        self.running.get(&id).map(|job| job.handle.clone())
    }

    pub(super) fn show(&self, id: JobId) -> Option<JobView> {
        let running = self.running.get(&id).map(Job::view);
        running.or_else(|| self.ended.iter().find(|view| view.id == id).cloned())
    }

    /// All jobs, newest first.
    pub(super) fn list(&self) -> Vec<JobView> {
        let running = self.running.values().rev().map(Job::view);
        running.chain(self.ended.iter().rev().cloned()).collect()
    }
}

impl Job {
    fn view(&self) -> JobView {
        JobView { progress: self.handle.progress.snapshot(), ..self.view.clone() }
    }
}

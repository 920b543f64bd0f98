//! Jobs: builds that operators, the schedule, new data or purges start.
//!
//! A start of a build that is running already joins that job. A job that is cancelled, refused or
//! fails changes nothing. The last jobs that ended are remembered.

mod invalidation;
mod schedule;
mod table;
mod view;

pub use schedule::Schedule;
pub use view::{JobId, JobView, State, Trigger};

use crate::build::{BuildError, BuildOptions, Builder};
use crate::plan::{Plan, PlanError};
use aqs_origin::Moment;
use aqs_origin::suggest;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use table::{JobHandle, JobTable};
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use view::Outcome;

pub struct Jobs {
    builder: Arc<Builder>,
    table: Mutex<JobTable>,
    /// When the schedule builds each plan next.
    next_builds: Mutex<BTreeMap<String, Moment>>,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

/// A build to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    pub plan: String,
    pub options: BuildOptions,
    /// Only estimates the build.
    pub dry_run: bool,
    pub trigger: Trigger,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    pub id: JobId,
    /// The job was running already.
    pub joined: bool,
}

#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    #[error(
        "there is no plan {plan:?}{}",
        nearest.as_ref().map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
    )]
    UnknownPlan { plan: String, nearest: Option<String> },
    /// The overrides do not fit the plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("the program is shutting down")]
    Stopping,
}

impl Jobs {
    /// Jobs run as `tasks`. When `cancel` is cancelled they end, and no further ones start.
    pub fn new(builder: Arc<Builder>, tasks: TaskTracker, cancel: CancellationToken) -> Arc<Self> {
        let (table, next_builds) = (Mutex::default(), Mutex::default());
        Arc::new(Self { builder, table, next_builds, tasks, cancel })
    }

    pub fn builder(&self) -> &Arc<Builder> {
        &self.builder
    }

    /// Starts a job, or joins the running one that does the same.
    pub fn start(self: &Arc<Self>, start: Start) -> Result<Started, StartError> {
        let plan = self.plan(&start.plan)?.clone();
        start.options.overrides.apply(&plan, self.builder.origin().catalogue())?;
        if self.cancel.is_cancelled() {
            return Err(StartError::Stopping);
        }
        let (id, handle) = {
            let mut table = self.table();
            if let Some(id) = table.join(&start) {
                return Ok(Started { id, joined: true });
            }
            let now = self.builder.origin().clock().now();
            table.begin(start.clone(), now, self.cancel.child_token())
        };
        let trigger = start.trigger.name();
        tracing::info!(job = id.0, plan = plan.name, trigger, "a job starts");
        let guard = JobGuard::new(Arc::clone(self), id, plan.name.clone());
        let builder = Arc::clone(&self.builder);
        self.tasks.spawn(async move {
            let outcome = run(&builder, &plan, &start, &handle).await;
            guard.end(outcome);
        });
        Ok(Started { id, joined: false })
    }

    /// The running jobs and the last ones that ended, newest first.
    pub fn list(&self) -> Vec<JobView> {
        self.table().list()
    }

    pub fn show(&self, id: JobId) -> Option<JobView> {
        self.table().show(id)
    }

    /// When the schedule builds a plan next. `None` before the schedule has begun.
    pub fn next(&self, plan: &str) -> Option<Moment> {
        self.next_builds().get(plan).copied()
    }

    /// Cancels a job, which ends soon after. Returns whether it was running.
    pub fn cancel(&self, id: JobId) -> bool {
        let handle = self.table().handle(id);
        handle.inspect(|handle| handle.cancel.cancel()).is_some()
    }

    /// Waits for the end of a job. `None` if it is unknown.
    pub async fn wait(&self, id: JobId) -> Option<JobView> {
        let handle = self.table().handle(id);
        if let Some(handle) = handle {
            handle.ended.cancelled().await;
        }
        self.show(id)
    }

    fn plan(&self, name: &str) -> Result<&Plan, StartError> {
        let plans = self.builder.plans();
        plans.iter().find(|plan| plan.name == name).ok_or_else(|| StartError::UnknownPlan {
            plan: name.to_owned(),
            nearest: suggest(name, plans.iter().map(|plan| plan.name.as_str())).map(str::to_owned),
        })
    }

    fn next_builds(&self) -> MutexGuard<'_, BTreeMap<String, Moment>> {
        self.next_builds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table(&self) -> MutexGuard<'_, JobTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run(builder: &Arc<Builder>, plan: &Plan, start: &Start, handle: &JobHandle) -> Outcome {
    let JobHandle { progress, cancel, .. } = handle;
    if !start.dry_run {
        let built = builder.build(plan, &start.options, progress, cancel).await;
        return built.map_or_else(Outcome::Failed, Outcome::Built);
    }
    let estimate = builder.estimate(plan, &start.options, progress, cancel);
    let estimate = cancel.run_until_cancelled(estimate).await;
    let estimate = estimate.unwrap_or(Err(BuildError::Cancelled));
    estimate.map_or_else(Outcome::Failed, Outcome::Estimated)
}

/// Ends a job, also if its task panics or is aborted.
struct JobGuard {
    jobs: Arc<Jobs>,
    id: JobId,
    plan: String,
    outcome: Outcome,
}

impl JobGuard {
    fn new(jobs: Arc<Jobs>, id: JobId, plan: String) -> Self {
        jobs.builder.metrics().running.with_label_values(&[&plan]).inc();
        Self { jobs, id, plan, outcome: Outcome::Failed(BuildError::Lost) }
    }

    fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for JobGuard {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Outcome::Failed(BuildError::Lost));
        let metrics = self.jobs.builder.metrics();
        let state = outcome.state();
        metrics.running.with_label_values(&[&self.plan]).dec();
        metrics.jobs.with_label_values(&[self.plan.as_str(), state.name()]).inc();
        let (job, plan) = (self.id.0, &self.plan);
        match state {
            State::Failed => tracing::error!(job, plan, reason = %outcome, "a job failed"),
            // Refusals were logged by the build.
            _ => tracing::info!(job, plan, state = state.name(), "a job ended: {outcome}"),
        }
        let now = self.jobs.builder.origin().clock().now();
        self.jobs.table().end(self.id, outcome, now);
    }
}

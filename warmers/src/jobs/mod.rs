//! Jobs: builds that operators, schedules or new data have started.
//!
//! A second start of a plan with the same overrides joins the job that is under way. A job that
//! is cancelled, refused or fails leaves everything as it was; the last ones can be looked at.

mod board;
mod changes;
mod schedule;
mod view;

pub use schedule::Schedule;
pub use view::{JobId, JobView, RefusalView, State, Trigger};

use crate::build::{BuildError, Builder, How};
use crate::plan::{Plan, PlanError};
use aqs_origin::Moment;
use aqs_origin::load::nearest;
use board::{Board, Running};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use view::Outcome;

/// The builds of a fixture.
pub struct Jobs {
    builder: Arc<Builder>,
    board: Mutex<Board>,
    /// When the schedule builds which plan next, as it last said.
    due: Mutex<BTreeMap<String, Moment>>,
    /// Who awaits the jobs at the end.
    tasks: TaskTracker,
    /// When it is cancelled, so is every job, and no further one starts.
    cancel: CancellationToken,
}

/// What is to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The plan's name.
    pub plan: String,
    /// How.
    pub how: How,
    /// Whether it is only told what a build would take.
    pub dry_run: bool,
    /// What starts it.
    pub trigger: Trigger,
}

/// A job that was started or joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its number.
    pub id: JobId,
    /// Whether it was under way already.
    pub joined: bool,
}

/// No job was started.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// No such plan.
    #[error(
        "there is no plan {plan:?}{}",
        nearest.as_ref().map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
    )]
    UnknownPlan {
        /// What was asked for.
        plan: String,
        /// What was perhaps meant.
        nearest: Option<String>,
    },
    /// The plan can't be built with what replaces its sets.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The program is about to end.
    #[error("the program is shutting down")]
    Stopping,
}

impl Jobs {
    /// No jobs yet; their tasks are `tasks`' to await, and end when `cancel` is cancelled.
    pub fn new(builder: Arc<Builder>, tasks: TaskTracker, cancel: CancellationToken) -> Arc<Self> {
        let (board, due) = (Mutex::default(), Mutex::default());
        Arc::new(Self { builder, board, due, tasks, cancel })
    }

    /// What builds.
    pub fn builder(&self) -> &Arc<Builder> {
        &self.builder
    }

    /// Starts a job, or joins the one that does the same.
    pub fn start(self: &Arc<Self>, start: Start) -> Result<Started, StartError> {
        let plan = self.plan(&start.plan)?.clone();
        start.how.overrides.apply(&plan, self.builder.origin().catalogue())?;
        if self.cancel.is_cancelled() {
            return Err(StartError::Stopping);
        }
        let (id, running) = {
            let mut board = self.board();
            if let Some(id) = board.join(&start) {
                return Ok(Started { id, joined: true });
            }
            let now = self.builder.origin().clock().now();
            board.begin(start.clone(), now, self.cancel.child_token())
        };
        self.builder.metrics().running.with_label_values(&[&plan.name]).inc();
        tracing::info!(
            job = id.0,
            plan = plan.name,
            trigger = start.trigger.name(),
            "a job starts"
        );
        let ending = Ending { jobs: Arc::clone(self), id, plan: plan.name.clone(), ended: false };
        let builder = Arc::clone(&self.builder);
        self.tasks.spawn(async move {
            let outcome = run(&builder, &plan, &start, &running).await;
            ending.end(outcome);
        });
        Ok(Started { id, joined: false })
    }

    /// The jobs under way and the last ones that ended, newest first.
    pub fn list(&self) -> Vec<JobView> {
        self.board().list()
    }

    /// One job, if it is known still.
    pub fn show(&self, id: JobId) -> Option<JobView> {
        self.board().show(id)
    }

    /// When a plan is built next without anybody asking, if a schedule has told.
    pub fn next(&self, plan: &str) -> Option<Moment> {
        self.due().get(plan).copied()
    }

    /// Cancels a job; tells whether it was under way. It ends soon after.
    pub fn cancel(&self, id: JobId) -> bool {
        self.board().cancel(id)
    }

    /// Waits until a job has ended; `None` if it isn't known.
    pub async fn wait(&self, id: JobId) -> Option<JobView> {
        // The lock is let go before anything else is done.
        let ended = self.board().ended(id);
        if let Some(ended) = ended {
            ended.cancelled().await;
        }
        self.show(id)
    }

    fn plan(&self, name: &str) -> Result<&Plan, StartError> {
        let plans = self.builder.plans();
        plans.iter().find(|plan| plan.name == name).ok_or_else(|| StartError::UnknownPlan {
            plan: name.to_owned(),
            nearest: nearest(name, plans.iter().map(|plan| plan.name.as_str())).map(str::to_owned),
        })
    }

    fn due(&self) -> MutexGuard<'_, BTreeMap<String, Moment>> {
        // Whoever panicked with the lock left at worst a moment that is shown wrongly.
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        // Whoever panicked with the lock left at worst a job that is shown wrongly.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run(builder: &Builder, plan: &Plan, start: &Start, running: &Running) -> Outcome {
    let Running { progress, cancel, .. } = running;
    if start.dry_run {
        let estimate = builder.estimate(plan, &start.how, progress, cancel);
        return match cancel.run_until_cancelled(estimate).await {
            Some(Ok(estimate)) => Outcome::Estimated(estimate),
            Some(Err(error)) => Outcome::Failed(error),
            None => Outcome::Failed(BuildError::Cancelled),
        };
    }
    match builder.build(plan, &start.how, progress, cancel).await {
        Ok(built) => Outcome::Built(built),
        Err(error) => Outcome::Failed(error),
    }
}

/// Ends a job, whatever becomes of its task.
struct Ending {
    jobs: Arc<Jobs>,
    id: JobId,
    plan: String,
    ended: bool,
}

impl Ending {
    fn end(mut self, outcome: Outcome) {
        self.note(outcome);
    }

    fn note(&mut self, outcome: Outcome) {
        self.ended = true;
        let metrics = self.jobs.builder.metrics();
        let state = outcome.state();
        metrics.running.with_label_values(&[&self.plan]).dec();
        metrics.jobs.with_label_values(&[self.plan.as_str(), state.name()]).inc();
        let (job, plan, words) = (self.id.0, &self.plan, outcome.words());
        match state {
            // The refused told why already.
            State::Failed => tracing::error!(job, plan, reason = words, "a job failed"),
            _ => tracing::info!(job, plan, state = state.name(), "a job ended: {words}"),
        }
        let now = self.jobs.builder.origin().clock().now();
        self.jobs.board().end(self.id, outcome, now);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // A task that was aborted or panicked.
        if !self.ended {
            self.note(Outcome::Failed(BuildError::Lost));
        }
    }
}

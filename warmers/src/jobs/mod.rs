//! Jobs: builds that operators, the schedule, new data or purges start.
//!
//! A start of a build that is running already joins that job. A job that is cancelled, refused or
//! fails changes nothing. The last jobs that ended are remembered.

mod schedule;

pub use schedule::Schedule;

use crate::build::{BuildError, BuildOptions, Builder, Built, Estimate, Progress, Snapshot};
use crate::checks::Refusal;
use crate::generation::PlanFacts;
use crate::plan::{Plan, PlanError};
use aqs_origin::{Moment, suggest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub type JobId = u64;

/// Ended jobs that are remembered.
const HISTORY: usize = 50;

pub struct Jobs {
    builder: Arc<Builder>,
    /// The running jobs, and the last ones that ended.
    jobs: Mutex<BTreeMap<JobId, Job>>,
    /// When the schedule builds each plan next.
    next_builds: Mutex<BTreeMap<String, Moment>>,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

#[derive(Clone)]
struct Job {
    view: JobView,
    progress: Arc<Progress>,
    cancel: CancellationToken,
    /// Cancelled when the job has ended.
    ended: CancellationToken,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    pub plan: String,
    #[serde(flatten)]
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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    #[default]
    Operator,
    Schedule,
    /// New data or a purge.
    Data,
}

impl fmt::Display for Trigger {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(text)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    #[default]
    Running,
    Done,
    /// By the checks.
    Refused,
    Failed,
    /// By an operator or the shutdown.
    Cancelled,
    /// There is nothing to build: no data, or no room.
    Skipped,
}

impl fmt::Display for State {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(text)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    pub id: JobId,
    #[serde(flatten)]
    pub start: Start,
    pub state: State,
    /// Further starts that joined the job.
    pub joined: u64,
    pub started: Moment,
    pub ended: Option<Moment>,
    pub progress: Snapshot,
    pub generation: Option<u64>,
    pub facts: Option<PlanFacts>,
    pub estimate: Option<Estimate>,
    /// Failed checks, also if the build was published by force.
    pub refusals: Vec<Refusal>,
    /// Why nothing was published.
    pub error: Option<String>,
    /// Why the generation could not be written to disk.
    pub not_kept: Option<String>,
}

#[derive(Debug, Error, PartialEq, Eq)]
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
        let (jobs, next_builds) = (Mutex::default(), Mutex::default());
        Arc::new(Self { builder, jobs, next_builds, tasks, cancel })
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
        let job = {
            let mut jobs = self.jobs();
            if let Some(job) = jobs.values_mut().find(|job| job.is_running_for(&start)) {
                job.view.joined += 1;
                return Ok(Started { id: job.view.id, joined: true });
            }
            let id = jobs.last_key_value().map_or(0, |(last, _)| *last) + 1;
            let job = Job {
                view: JobView {
                    id,
                    start: start.clone(),
                    started: self.builder.origin().clock().now(),
                    ..JobView::default()
                },
                progress: Arc::default(),
                cancel: self.cancel.child_token(),
                ended: CancellationToken::new(),
            };
            jobs.insert(id, job.clone());
            job
        };
        let id = job.view.id;
        tracing::info!(
            job = id,
            plan = plan.name,
            trigger = start.trigger.to_string(),
            "a job starts"
        );
        self.builder.metrics().running.with_label_values(&[&plan.name]).inc();
        let jobs = Arc::clone(self);
        self.tasks.spawn(async move {
            let builder = Arc::clone(&jobs.builder);
            // A task of its own, so that the job ends also if it panics.
            let task = tokio::spawn(async move { run(&builder, &plan, &start, &job).await });
            jobs.end(id, task.await.unwrap_or(Outcome::Failed(BuildError::Lost)));
        });
        Ok(Started { id, joined: false })
    }

    /// The running jobs and the last ones that ended, newest first.
    pub fn list(&self) -> Vec<JobView> {
        self.jobs().values().rev().map(Job::view).collect()
    }

    pub fn show(&self, id: JobId) -> Option<JobView> {
        self.jobs().get(&id).map(Job::view)
    }

    /// When the schedule builds a plan next. `None` before the schedule has begun.
    pub fn next(&self, plan: &str) -> Option<Moment> {
        self.next_builds().get(plan).copied()
    }

    /// Cancels a job, which ends soon after. Returns whether it was running.
    pub fn cancel(&self, id: JobId) -> bool {
        let jobs = self.jobs();
        let job = jobs.get(&id).filter(|job| job.view.state == State::Running);
        job.inspect(|job| job.cancel.cancel()).is_some()
    }

    /// Waits for the end of a job. `None` if it is unknown.
    pub async fn wait(&self, id: JobId) -> Option<JobView> {
        let ended = self.jobs().get(&id)?.ended.clone();
        ended.cancelled().await;
        self.show(id)
    }

    fn end(&self, id: JobId, outcome: Outcome) {
        let (now, metrics) = (self.builder.origin().clock().now(), self.builder.metrics());
        let mut jobs = self.jobs();
        if let Some(job) = jobs.get_mut(&id) {
            let (plan, state) = (&job.view.start.plan, outcome.state());
            metrics.running.with_label_values(&[plan]).dec();
            metrics.jobs.with_label_values(&[plan, &state.to_string()]).inc();
            match state {
                State::Failed => tracing::error!(job = id, plan, reason = %outcome, "a job failed"),
                // Refusals were logged by the build.
                State::Running
                | State::Done
                | State::Refused
                | State::Cancelled
                | State::Skipped => tracing::info!(
                    job = id,
                    plan,
                    state = state.to_string(),
                    "a job ended: {outcome}"
                ),
            }
            job.view = job.view();
            job.view.end(outcome, now);
            job.ended.cancel();
        }
        let ended = jobs.values().filter(|job| job.view.state != State::Running);
        let ended: Vec<JobId> = ended.map(|job| job.view.id).collect();
        for id in ended.iter().take(ended.len().saturating_sub(HISTORY)) {
            jobs.remove(id);
        }
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

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<JobId, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    fn is_running_for(&self, start: &Start) -> bool {
        let Start { plan, options, dry_run, .. } = &self.view.start;
        self.view.state == State::Running
            && !self.cancel.is_cancelled()
            && (plan, options, dry_run) == (&start.plan, &start.options, &start.dry_run)
    }

    fn view(&self) -> JobView {
        let mut view = self.view.clone();
        if view.state == State::Running {
            view.progress = self.progress.snapshot();
        }
        view
    }
}

#[derive(Debug)]
enum Outcome {
    Built(Built),
    Estimated(Estimate),
    Failed(BuildError),
}

impl Outcome {
    fn state(&self) -> State {
        match self {
            Self::Built(_) | Self::Estimated(_) => State::Done,
            Self::Failed(BuildError::Cancelled) => State::Cancelled,
            Self::Failed(BuildError::Refused(_)) => State::Refused,
            Self::Failed(BuildError::NothingLoaded(_) | BuildError::NoRoom { .. }) => {
                State::Skipped
            }
            Self::Failed(_) => State::Failed,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Built(Built { generation, facts, .. }) => write!(
                text,
                "generation {} with {} answers of the plan, {} of them carried over",
                generation.id, facts.keys, facts.shared
            ),
            Self::Estimated(estimate) => {
                write!(text, "{} answers, {} reads", estimate.keys, estimate.reads)
            }
            Self::Failed(error) => error.fmt(text),
        }
    }
}

impl JobView {
    fn end(&mut self, outcome: Outcome, now: Moment) {
        self.state = outcome.state();
        self.ended = Some(now);
        match outcome {
            Outcome::Built(built) => {
                self.generation = Some(built.generation.id);
                self.facts = Some(built.facts);
                self.refusals = built.forced;
                self.not_kept = built.not_kept;
            }
            Outcome::Estimated(estimate) => self.estimate = Some(estimate),
            Outcome::Failed(error) => {
                self.error = Some(error.to_string());
                if let BuildError::Refused(refusals) = error {
                    self.refusals = refusals;
                }
            }
        }
    }
}

async fn run(builder: &Arc<Builder>, plan: &Plan, start: &Start, job: &Job) -> Outcome {
    let Job { progress, cancel, .. } = job;
    if !start.dry_run {
        let built = builder.build(plan, &start.options, progress, cancel).await;
        return built.map_or_else(Outcome::Failed, Outcome::Built);
    }
    let estimate = builder.estimate(plan, &start.options, progress, cancel);
    let estimate = cancel.run_until_cancelled(estimate).await;
    let estimate = estimate.unwrap_or(Err(BuildError::Cancelled));
    estimate.map_or_else(Outcome::Failed, Outcome::Estimated)
}

//! Starts builds without an operator.

use super::{JobId, Jobs, Start, State, Trigger};
use crate::build::BuildOptions;
use crate::generation::Generation;
use crate::plan::Plan;
use aqs_api::Coverage;
use aqs_origin::epochs::{Epoch, Validity};
use aqs_origin::{Moment, Origin};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Builds each plan when its interval is over, when its data change and when a purge meets its
/// answers.
pub struct Schedule {
    jobs: Arc<Jobs>,
    poll_interval: Duration,
    seen: Option<Seen>,
    plans: BTreeMap<String, PlanSchedule>,
}

/// The state at the last poll.
struct Seen {
    coverage: Arc<Coverage>,
    epoch: Epoch,
    generation: Option<u64>,
    stats: BTreeMap<String, InvalidationStats>,
}

#[derive(Default)]
struct PlanSchedule {
    due: Moment,
    trigger: Option<Trigger>,
    running: Option<JobId>,
    failures: u32,
}

/// The wait after the first failure. It doubles each time, up to the interval of the plan.
const FIRST_RETRY: Duration = Duration::from_secs(60);

impl Schedule {
    pub fn new(jobs: Arc<Jobs>, poll_interval: Duration) -> Self {
        Self { jobs, poll_interval, seen: None, plans: BTreeMap::new() }
    }

    /// Runs until it is cancelled.
    pub async fn run(mut self, cancel: CancellationToken) {
        let origin = Arc::clone(self.jobs.builder.origin());
        if cancel.run_until_cancelled(origin.known()).await.is_none() {
            return;
        }
        self.begin(origin.clock().now());
        loop {
            self.poll(&origin).await;
            self.start_due(origin.clock().now());
            let due = self.plans.iter().map(|(name, plan)| (name.clone(), plan.due));
            *self.jobs.next_builds() = due.collect();
            let pause = tokio::time::sleep(self.poll_interval);
            if cancel.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    /// Plans whose current definition is live wait for the end of their interval. Others are due.
    fn begin(&mut self, now: Moment) {
        let live = self.jobs.builder.hot_set().live();
        for plan in self.jobs.builder.plans() {
            let built = live.as_ref().and_then(|live| live.plan(&plan.name));
            let built = built.filter(|facts| facts.definition == plan.fingerprint());
            let due = built.map_or(now, |facts| facts.built.plus(plan.every));
            let trigger = Some(Trigger::Schedule);
            let schedule = PlanSchedule { due, trigger, ..PlanSchedule::default() };
            self.plans.insert(plan.name.clone(), schedule);
        }
    }

    /// Makes plans due whose data or answers have changed.
    async fn poll(&mut self, origin: &Arc<Origin>) {
        let jobs = Arc::clone(&self.jobs);
        let live = jobs.builder.hot_set().live();
        let (coverage, epoch) = (origin.coverage(), origin.epochs.current());
        let generation = live.as_ref().map(|live| live.id);
        let before = self.seen.take();
        let before = before.as_ref();
        if before.is_none_or(|before| before.coverage != coverage) {
            let plans = jobs.builder.plans();
            for plan in outdated(live.as_deref(), plans, origin, &coverage) {
                self.make_due(plan, origin.clock().now());
            }
        }
        let is_purged = before.is_none_or(|before| before.epoch != epoch);
        let is_new = before.is_none_or(|before| before.generation != generation);
        let mut stats = before.map(|before| before.stats.clone()).unwrap_or_default();
        if let Some(live) = live
            && (is_purged || is_new)
        {
            let shared_origin = Arc::clone(origin);
            let count = move || InvalidationStats::of(&live, &shared_origin);
            let counted = tokio::task::spawn_blocking(count).await;
            let counted = counted.unwrap_or_else(|_| stats.clone());
            let now = origin.clock().now();
            for (plan, counted) in &counted {
                match counted.urgency(stats.get(plan)) {
                    None => {}
                    Some(RebuildUrgency::Later) if !is_purged => {
                        self.make_due(plan, now.plus(FIRST_RETRY));
                    }
                    Some(_) => self.make_due(plan, now),
                }
            }
            stats = counted;
        }
        self.seen = Some(Seen { coverage, epoch, generation, stats });
    }

    fn make_due(&mut self, plan: &str, at: Moment) {
        if let Some(plan) = self.plans.get_mut(plan)
            && at < plan.due
        {
            (plan.due, plan.trigger) = (at, Some(Trigger::Data));
        }
    }

    /// Starts due plans by priority. Plans of lower priority wait for those that run.
    fn start_due(&mut self, now: Moment) {
        let mut plans: Vec<&Plan> = self.jobs.builder.plans().iter().collect();
        plans.sort_by_key(|plan| std::cmp::Reverse(plan.priority));
        let mut highest = i32::MIN;
        for plan in plans {
            let Some(schedule) = self.plans.get_mut(&plan.name) else { continue };
            schedule.update(&self.jobs, plan, now);
            if now >= schedule.due && schedule.running.is_none() && plan.priority >= highest {
                let trigger = schedule.trigger.take().unwrap_or(Trigger::Schedule);
                let (options, dry_run) = (BuildOptions::default(), false);
                let start = Start { plan: plan.name.clone(), options, dry_run, trigger };
                let jitter = 0.95 + fastrand::f64() / 10.0;
                schedule.due = now.plus(plan.every.mul_f64(jitter));
                // It fails only during the shutdown.
                schedule.running = self.jobs.start(start).ok().map(|started| started.id);
            }
            if schedule.running.is_some() {
                highest = highest.max(plan.priority);
            }
        }
    }
}

impl PlanSchedule {
    /// Takes note of the end of the last job.
    fn update(&mut self, jobs: &Jobs, plan: &Plan, now: Moment) {
        let job = self.running.and_then(|id| jobs.show(id));
        match job.map(|job| job.state) {
            Some(State::Running) => return,
            None => {}
            Some(State::Done | State::Cancelled | State::Skipped) => self.failures = 0,
            Some(State::Refused | State::Failed) => {
                let wait = FIRST_RETRY.saturating_mul(1 << self.failures.min(16));
                self.failures += 1;
                self.due = self.due.min(now.plus(wait.min(plan.every)));
            }
        }
        self.running = None;
    }
}

/// The invalidated answers of a plan. Between two builds of the plan `purged` and `hard_purged`
/// never fall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct InvalidationStats {
    /// When the build of the answers began.
    built: Moment,
    /// Purged answers in the generation.
    held: u64,
    /// Purged answers, including those that a merge has dropped.
    purged: u64,
    hard_purged: u64,
}

/// How soon a plan must be rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RebuildUrgency {
    /// A purge has met answers that were valid before.
    Now,
    /// The last build has left purged answers: it could not read them, or read them too early.
    Later,
}

impl InvalidationStats {
    /// By plan. Iterates over all answers.
    fn of(live: &Generation, origin: &Origin) -> BTreeMap<String, Self> {
        let initial = live.plans.iter().map(|facts| {
            let missing = facts.wanted.saturating_sub(facts.keys);
            Self { built: facts.built, held: 0, purged: missing, hard_purged: missing }
        });
        let mut stats: Vec<Self> = initial.collect();
        for (_, hot) in live.iter() {
            let validity = origin.epochs.validity(hot.entry.epoch, &hot.entry.tags);
            if validity == Validity::Valid {
                continue;
            }
            let plans = stats.iter_mut().enumerate();
            for (_, stats) in plans.filter(|(index, _)| hot.plans >> index & 1 == 1) {
                stats.held += 1;
                stats.purged += 1;
                stats.hard_purged += u64::from(validity == Validity::Invalid);
            }
        }
        live.plans.iter().map(|facts| facts.name.clone()).zip(stats).collect()
    }

    /// The urgency after new purges. Answers that were purged before are no reason: a build is
    /// under way, or has failed and is retried later.
    fn urgency(&self, before: Option<&Self>) -> Option<RebuildUrgency> {
        match before.filter(|before| before.built == self.built) {
            None => (self.held > 0).then_some(RebuildUrgency::Later),
            Some(before) => (self.purged > before.purged || self.hard_purged > before.hard_purged)
                .then_some(RebuildUrgency::Now),
        }
    }
}

/// The plans that were built with other data than are loaded now, or not at all.
fn outdated<'a>(
    live: Option<&Generation>,
    plans: &'a [Plan],
    origin: &Origin,
    coverage: &Coverage,
) -> Vec<&'a str> {
    let last = |name: &str| {
        let mut datasets = origin.catalogue().datasets().iter();
        Some(coverage.get(datasets.find(|dataset| dataset.name == name)?)?.last)
    };
    let is_outdated = |plan: &&Plan| {
        let Some(facts) = live.and_then(|live| live.plan(&plan.name)) else { return true };
        let mut through = facts.data_through.iter();
        through.any(|(name, through)| last(name).is_none_or(|last| last.as_str() != through))
            || facts.unloaded.iter().any(|name| last(name).is_some())
    };
    plans.iter().filter(is_outdated).map(|plan| &*plan.name).collect()
}

//! When plans are built without anybody asking.

use super::changes::{Haste, Seen, losses, outdated};
use super::view::{JobId, State, Trigger};
use super::{Jobs, Start};
use crate::build::How;
use crate::plan::Plan;
use aqs_origin::{Moment, Origin};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Starts each plan when its interval is over, when data of it have arrived and when a purge has
/// met its answers.
pub struct Schedule {
    jobs: Arc<Jobs>,
    look_every: Duration,
    seen: Option<Seen>,
    plans: BTreeMap<String, Due>,
}

/// When a plan is due, and how it went before.
#[derive(Default)]
struct Due {
    at: Moment,
    because: Option<Trigger>,
    running: Option<JobId>,
    failures: u32,
}

/// After a failure a plan is tried again, after each further one twice as late, and at its
/// interval at the latest.
const FIRST_RETRY: Duration = Duration::from_secs(60);

impl Schedule {
    /// A schedule of all plans. `look_every` is how soon changes are noticed.
    pub fn new(jobs: Arc<Jobs>, look_every: Duration) -> Self {
        Self { jobs, look_every, seen: None, plans: BTreeMap::new() }
    }

    /// Starts jobs until it is cancelled.
    pub async fn run(mut self, cancel: CancellationToken) {
        let origin = Arc::clone(self.jobs.builder.origin());
        if cancel.run_until_cancelled(origin.known()).await.is_none() {
            return;
        }
        self.begin(&origin);
        loop {
            self.look(&origin).await;
            self.start_due(origin.clock().now());
            let due = self.plans.iter().map(|(name, due)| (name.clone(), due.at));
            *self.jobs.due() = due.collect();
            let pause = tokio::time::sleep(self.look_every);
            if cancel.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    /// Plans that are served as they are written now are due when their interval is over, others
    /// now.
    fn begin(&mut self, origin: &Origin) {
        let live = self.jobs.builder.hot_set().live();
        let now = origin.clock().now();
        for plan in self.jobs.builder.plans() {
            let built = live.as_ref().and_then(|live| live.plan(&plan.name));
            let built = built.filter(|(_, facts)| facts.definition == plan.fingerprint());
            let at = built.map_or(now, |(_, facts)| facts.built.plus(plan.interval()));
            let because = Some(Trigger::Schedule);
            self.plans.insert(plan.name.clone(), Due { at, because, ..Due::default() });
        }
    }

    /// Makes plans due whose data or answers have changed.
    async fn look(&mut self, origin: &Arc<Origin>) {
        let live = self.jobs.builder.hot_set().live();
        let (coverage, epoch) = (origin.coverage(), origin.epochs.current());
        let generation = live.as_ref().map(|live| live.id);
        let before = self.seen.take();
        let before = before.as_ref();
        if before.is_none_or(|before| before.coverage != coverage) {
            let plans = self.jobs.builder.plans();
            let changed = outdated(live.as_deref(), plans, origin, &coverage);
            self.make_due(&changed, origin.clock().now());
        }
        let purged_since = before.is_none_or(|before| before.epoch != epoch);
        let new = before.is_none_or(|before| before.generation != generation);
        let mut met = before.map(|before| before.met.clone()).unwrap_or_default();
        // Without a purge nobody needs to go through the answers.
        if let Some(live) = live
            && (purged_since || new)
        {
            let origin_too = Arc::clone(origin);
            let counting = tokio::task::spawn_blocking(move || losses(&live, &origin_too));
            let now = origin.clock().now();
            let counted = counting.await.unwrap_or_else(|_| met.clone());
            for (name, losses) in &counted {
                let at = match losses.since(met.get(name)) {
                    None => continue,
                    Some(Haste::Later) if !purged_since => now.plus(FIRST_RETRY),
                    Some(_) => now,
                };
                self.make_due(std::slice::from_ref(name), at);
            }
            met = counted;
        }
        self.seen = Some(Seen { coverage, epoch, generation, met });
    }

    fn make_due(&mut self, changed: &[String], at: Moment) {
        for (name, due) in &mut self.plans {
            if changed.contains(name) && at < due.at {
                (due.at, due.because) = (at, Some(Trigger::Data));
            }
        }
    }

    /// Starts what is due, the highest priority first: the lower ones wait until it has ended.
    fn start_due(&mut self, now: Moment) {
        let mut plans: Vec<&Plan> = self.jobs.builder.plans().iter().collect();
        plans.sort_by_key(|plan| std::cmp::Reverse(plan.priority));
        let mut highest = i32::MIN;
        for plan in plans {
            let Some(due) = self.plans.get_mut(&plan.name) else { continue };
            due.learn(&self.jobs, plan, now);
            if now >= due.at && due.running.is_none() && plan.priority >= highest {
                let trigger = due.because.take().unwrap_or(Trigger::Schedule);
                let (how, dry_run) = (How::default(), false);
                let start = Start { plan: plan.name.clone(), how, dry_run, trigger };
                due.at = now.plus(plan.interval().mul_f64(0.95 + fastrand::f64() / 10.0));
                // It fails only for unknown plans and at the end.
                due.running = self.jobs.start(start).ok().map(|started| started.id);
            }
            if due.running.is_some() {
                highest = highest.max(plan.priority);
            }
        }
    }
}

impl Due {
    /// Learns how the last job went, if it has ended.
    fn learn(&mut self, jobs: &Jobs, plan: &Plan, now: Moment) {
        let Some(view) = self.running.and_then(|id| jobs.show(id)) else {
            self.running = None;
            return;
        };
        match view.state {
            State::Running => return,
            State::Done | State::Cancelled => self.failures = 0,
            State::Refused | State::Failed => {
                let wait = FIRST_RETRY.saturating_mul(1 << self.failures.min(16));
                self.failures += 1;
                self.at = self.at.min(now.plus(wait.min(plan.interval())));
            }
        }
        self.running = None;
    }
}

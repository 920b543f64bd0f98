//! When plans are built without anybody asking.

use super::view::{JobId, State, Trigger};
use super::{Jobs, Start};
use crate::build::How;
use crate::generation::Generation;
use crate::plan::Plan;
use aqs_api::Coverage;
use aqs_origin::epochs::{Stamp, Validity};
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

/// What there was when it last looked.
struct Seen {
    coverage: Arc<Coverage>,
    stamp: Stamp,
    generation: Option<u64>,
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
        let now = Seen {
            coverage: origin.coverage(),
            stamp: origin.epochs.stamp(),
            generation: live.as_ref().map(|live| live.id),
        };
        let Some(live) = live else {
            self.seen = Some(now);
            return;
        };
        let before = self.seen.as_ref();
        let arrived = before.is_none_or(|before| before.coverage != now.coverage);
        let purged_since = before.is_none_or(|before| before.stamp != now.stamp);
        let new = before.is_none_or(|before| before.generation != now.generation);
        if arrived {
            self.make_due(outdated(&live, origin, &now.coverage), origin.clock().now());
        }
        // Without a purge nobody needs to go through the answers.
        if purged_since || new {
            let origin_too = Arc::clone(origin);
            let purged = tokio::task::spawn_blocking(move || purged(&live, &origin_too));
            // What a build could not read, or read before a purge, is not asked for at once.
            let wait = if purged_since { Duration::ZERO } else { FIRST_RETRY };
            self.make_due(purged.await.unwrap_or_default(), origin.clock().now().plus(wait));
        }
        self.seen = Some(now);
    }

    fn make_due(&mut self, changed: Vec<String>, at: Moment) {
        for (name, due) in &mut self.plans {
            if changed.contains(name) && at < due.at {
                (due.at, due.because) = (at, Some(Trigger::Data));
            }
        }
    }

    /// Starts what is due, the highest priority first.
    fn start_due(&mut self, now: Moment) {
        let mut plans: Vec<&Plan> = self.jobs.builder.plans().iter().collect();
        plans.sort_by_key(|plan| std::cmp::Reverse(plan.priority));
        for plan in plans {
            let Some(due) = self.plans.get_mut(&plan.name) else { continue };
            due.learn(&self.jobs, plan, now);
            if now < due.at || due.running.is_some() {
                continue;
            }
            let trigger = due.because.take().unwrap_or(Trigger::Schedule);
            let (how, dry_run) = (How::default(), false);
            let start = Start { plan: plan.name.clone(), how, dry_run, trigger };
            due.at = now.plus(plan.interval().mul_f64(0.95 + fastrand::f64() / 10.0));
            // It fails only for unknown plans and at the end.
            due.running = self.jobs.start(start).ok().map(|started| started.id);
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

/// The plans that were built when the store had other data than now.
fn outdated(live: &Generation, origin: &Origin, coverage: &Coverage) -> Vec<String> {
    let datasets = origin.catalogue().datasets();
    let now = |name: &str| {
        let dataset = datasets.iter().find(|dataset| dataset.name == name)?;
        Some(coverage.get(dataset)?.last)
    };
    let outdated = live.plans.iter().filter(|facts| {
        let mut through = facts.data_through.iter();
        through.any(|(name, through)| {
            now(name).as_ref().map(aqs_api::calendar::Digits::as_str) != Some(through)
        })
    });
    outdated.map(|facts| facts.name.clone()).collect()
}

/// The plans of which some answers are not valid any more.
fn purged(live: &Generation, origin: &Origin) -> Vec<String> {
    let met = live.iter().fold(0, |met: u64, (_, held)| {
        // No need to look at answers of plans that are known to be met.
        if held.plans & !met == 0 {
            return met;
        }
        match origin.epochs.validity(held.entry.stamp, &held.entry.slots) {
            Validity::Valid => met,
            Validity::Stale | Validity::Invalid => met | held.plans,
        }
    });
    let bits = live.plans.iter().enumerate().filter(|(index, _)| met >> index & 1 == 1);
    bits.map(|(_, facts)| facts.name.clone()).collect()
}

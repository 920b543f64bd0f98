//! The load: what is asked, and what of it must be counted.

use crate::house::{HOT, Stage, eventually};
use aqs_origin::epochs::{PurgeMode, Scope};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const DAILY: &str = "pageviews-aggregate-daily";
const ARTICLES: &str = "pageviews-per-article-daily";

/// What must have been counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// Requests, by cache result and status.
    pub(crate) requests: BTreeMap<(&'static str, u16), u64>,
    /// Reads, by dataset and outcome.
    pub(crate) reads: BTreeMap<(&'static str, &'static str), u64>,
    /// Answers that were made of rows that another was made of.
    pub(crate) shared: u64,
    /// Refreshes that were begun.
    pub(crate) refreshes: u64,
}

impl Counts {
    fn requests(&mut self, cache: &'static str, status: u16, count: u64) {
        *self.requests.entry((cache, status)).or_default() += count;
    }

    fn reads(&mut self, dataset: &'static str, outcome: &'static str, count: u64) {
        *self.reads.entry((dataset, outcome)).or_default() += count;
    }

    /// How many requests were answered so.
    pub(crate) fn of(&self, holds: impl Fn(&'static str, u16) -> bool) -> f64 {
        let counted = self.requests.iter().filter(|((cache, status), _)| holds(cache, *status));
        counted.map(|(_, count)| *count).sum::<u64>() as f64
    }

    /// How many reads there were.
    pub(crate) fn reads_of(&self, holds: impl Fn(&'static str, &'static str) -> bool) -> f64 {
        let counted = self.reads.iter().filter(|((dataset, outcome), _)| holds(dataset, outcome));
        counted.map(|(_, count)| *count).sum::<u64>() as f64
    }
}

/// The days of a project that nobody asked for before, in a round.
fn days(word: &str, round: u32, number: u32) -> String {
    format!(
        "/metrics/pageviews/aggregate/{word}{round}x{number}.wikipedia/all-access/user/daily/20240101/20240131"
    )
}

/// Asks and gives the status.
async fn ask(address: SocketAddr, target: &str) -> u16 {
    let answer = reqwest::get(format!("http://{address}{target}")).await.unwrap();
    let status = answer.status().as_u16();
    answer.bytes().await.unwrap();
    status
}

/// One round of everything that can happen to a request; gives what must be counted of it. Each
/// has addresses of its own, and the same number of each kind.
pub(crate) async fn round(stage: &Stage, round: u32) -> Counts {
    let mut counts = Counts::default();
    let address = stage.house.addresses[0];
    let get = async |target: &str, status: u16| {
        assert_eq!(ask(address, target).await, status, "{target}");
    };

    for _ in 0..40 {
        get(HOT, 200).await;
    }
    counts.requests("hotset", 200, 40);

    for number in 0..5 {
        for _ in 0..5 {
            get(&days("p", round, number), 200).await;
        }
    }
    counts.requests("miss-cold", 200, 5);
    counts.reads(DAILY, "rows", 5);
    counts.requests("fresh", 200, 20);

    for number in 0..2 {
        get(&days("empty", round, number), 404).await;
    }
    counts.requests("miss-cold", 404, 2);
    counts.reads(DAILY, "empty", 2);

    for _ in 0..3 {
        get("/metrics/nothing", 404).await;
    }
    counts.requests("generated", 404, 3);
    for _ in 0..4 {
        get(&days("p", round, 0).replace("20240101", "20241301"), 400).await;
    }
    counts.requests("generated", 400, 4);

    get(&days("fails", round, 0), 503).await;
    counts.requests("error", 503, 1);
    counts.reads(DAILY, "error", 1);

    together(stage, &mut counts, round).await;
    aging(stage, &mut counts, round).await;
    stage.rest().await;
    counts
}

/// Those who ask at the same time: for the same, and for what is made of the same rows.
async fn together(stage: &Stage, counts: &mut Counts, round: u32) {
    let address = stage.house.addresses[0];
    let start = |target: String| tokio::spawn(async move { ask(address, &target).await });
    let flights = &stage.house.service.flights;

    let mut asking: Vec<_> = (0..7).map(|_| start(days("gated", round, 0))).collect();
    eventually(|| flights.waiting() == 7).await;
    stage.store.let_pass(1);
    for asked in asking.drain(..) {
        assert_eq!(asked.await.unwrap(), 200);
    }
    counts.requests("miss-cold", 200, 1);
    counts.requests("collapsed", 200, 6);
    counts.reads(DAILY, "rows", 1);

    for agent in ["user", "spider"] {
        asking.push(start(format!(
            "/metrics/pageviews/per-article/gated{round}.wikipedia/all-access/{agent}/Cat/daily/20240101/20240131"
        )));
    }
    eventually(|| stage.gauge("aqs_flight_waiters", "lookup") == 2.0).await;
    stage.store.let_pass(1);
    for asked in asking {
        assert_eq!(asked.await.unwrap(), 200);
    }
    counts.requests("miss-cold", 200, 2);
    counts.reads(ARTICLES, "rows", 1);
    counts.shared += 1;
}

/// What grows old, and what is purged.
async fn aging(stage: &Stage, counts: &mut Counts, round: u32) {
    let address = stage.house.addresses[0];
    let get = async |number: u32| {
        assert_eq!(ask(address, &days("p", round, number)).await, 200, "{number}");
    };
    stage.rest().await;

    // Fresh for 5 minutes, then served while a refresh runs, up to an hour.
    stage.clock.advance(6 * MINUTE);
    get(0).await;
    counts.requests("stale", 200, 1);
    stage.rest().await;
    counts.refreshes += 1;
    counts.reads(DAILY, "rows", 1);

    stage.clock.advance(120 * MINUTE);
    get(1).await;
    counts.requests("miss-expired", 200, 1);
    counts.reads(DAILY, "rows", 1);

    // After a failure it is not tried again at once, and the time stands.
    stage.store.down.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        get(2).await;
    }
    stage.store.down.store(false, Ordering::SeqCst);
    counts.requests("stale-if-error", 200, 3);
    counts.reads(DAILY, "error", 1);

    let purged = format!("p{round}x3.wikipedia");
    stage.house.service.origin.purge(Scope::Project(&purged), PurgeMode::Hard).unwrap();
    get(3).await;
    counts.requests("miss-purged", 200, 1);
    counts.reads(DAILY, "rows", 1);
}

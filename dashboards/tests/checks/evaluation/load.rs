//! The load: requests of every kind, and what they must count.

use super::proxy::{HOT, Proxy, eventually};
use aqs_origin::epochs::{PurgeMode, Scope};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const DAILY: &str = "pageviews-aggregate-daily";
const ARTICLES: &str = "pageviews-per-article-daily";

/// The expected counts of a round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// Requests, by cache result and status.
    pub(crate) requests: BTreeMap<(&'static str, u16), u64>,
    /// Reads, by dataset and outcome.
    pub(crate) reads: BTreeMap<(&'static str, &'static str), u64>,
    /// Responses made from rows that another request read.
    pub(crate) shared: u64,
    /// Background refreshes.
    pub(crate) refreshes: u64,
}

impl Counts {
    fn requests(&mut self, cache: &'static str, status: u16, count: u64) {
        *self.requests.entry((cache, status)).or_default() += count;
    }

    fn reads(&mut self, dataset: &'static str, outcome: &'static str, count: u64) {
        *self.reads.entry((dataset, outcome)).or_default() += count;
    }

    /// The number of requests whose cache result and status match.
    pub(crate) fn of(&self, matches: impl Fn(&'static str, u16) -> bool) -> f64 {
        let counted = self.requests.iter().filter(|((cache, status), _)| matches(cache, *status));
        counted.map(|(_, count)| *count).sum::<u64>() as f64
    }

    /// The number of reads whose dataset and outcome match.
    pub(crate) fn reads_of(&self, matches: impl Fn(&'static str, &'static str) -> bool) -> f64 {
        let counted = self.reads.iter().filter(|((dataset, outcome), _)| matches(dataset, outcome));
        counted.map(|(_, count)| *count).sum::<u64>() as f64
    }
}

/// A target that is unique for the prefix, the round and the number.
fn daily(prefix: &str, round: u32, number: u32) -> String {
    format!(
        "/metrics/pageviews/aggregate/{prefix}{round}x{number}.wikipedia/all-access/user/daily/20240101/20240131"
    )
}

/// Sends a request, reads the whole response and returns its status.
async fn send(address: SocketAddr, target: &str) -> u16 {
    let response = reqwest::get(format!("http://{address}{target}")).await.unwrap();
    let status = response.status().as_u16();
    response.bytes().await.unwrap();
    status
}

/// Sends requests with every cache result and returns their counts. Each round has its own targets
/// and the same number of requests of each kind.
pub(crate) async fn round(proxy: &Proxy, round: u32) -> Counts {
    let mut counts = Counts::default();
    let address = proxy.server.addresses[0];
    let get = async |target: &str, status: u16| {
        assert_eq!(send(address, target).await, status, "{target}");
    };

    for _ in 0..40 {
        get(HOT, 200).await;
    }
    counts.requests("hotset", 200, 40);

    for number in 0..5 {
        for _ in 0..5 {
            get(&daily("p", round, number), 200).await;
        }
    }
    counts.requests("miss-cold", 200, 5);
    counts.reads(DAILY, "rows", 5);
    counts.requests("fresh", 200, 20);

    for number in 0..2 {
        get(&daily("empty", round, number), 404).await;
    }
    counts.requests("miss-cold", 404, 2);
    counts.reads(DAILY, "empty", 2);

    for _ in 0..3 {
        get("/metrics/nothing", 404).await;
    }
    counts.requests("generated", 404, 3);
    for _ in 0..4 {
        get(&daily("p", round, 0).replace("20240101", "20241301"), 400).await;
    }
    counts.requests("generated", 400, 4);

    get(&daily("fails", round, 0), 503).await;
    counts.requests("error", 503, 1);
    counts.reads(DAILY, "error", 1);

    concurrent(proxy, &mut counts, round).await;
    expiry(proxy, &mut counts, round).await;
    proxy.idle().await;
    counts
}

/// Concurrent requests: for the same target, and for targets that read the same rows.
async fn concurrent(proxy: &Proxy, counts: &mut Counts, round: u32) {
    let address = proxy.server.addresses[0];
    let start = |target: String| tokio::spawn(async move { send(address, &target).await });
    let flights = &proxy.server.components.service.misses.responses;

    let mut pending: Vec<_> = (0..7).map(|_| start(daily("gated", round, 0))).collect();
    eventually(|| flights.waiting() == 7).await;
    proxy.store.release(1);
    for request in pending.drain(..) {
        assert_eq!(request.await.unwrap(), 200);
    }
    counts.requests("miss-cold", 200, 1);
    counts.requests("collapsed", 200, 6);
    counts.reads(DAILY, "rows", 1);

    for agent in ["user", "spider"] {
        pending.push(start(format!(
            "/metrics/pageviews/per-article/gated{round}.wikipedia/all-access/{agent}/Cat/daily/20240101/20240131"
        )));
    }
    eventually(|| proxy.gauge("aqs_singleflight_waiters", "lookup") == 2.0).await;
    proxy.store.release(1);
    for request in pending {
        assert_eq!(request.await.unwrap(), 200);
    }
    counts.requests("miss-cold", 200, 2);
    counts.reads(ARTICLES, "rows", 1);
    counts.shared += 1;
}

/// Stale, expired and purged responses.
async fn expiry(proxy: &Proxy, counts: &mut Counts, round: u32) {
    let address = proxy.server.addresses[0];
    let get = async |number: u32| {
        assert_eq!(send(address, &daily("p", round, number)).await, 200, "{number}");
    };
    proxy.idle().await;

    // Responses are fresh for 5 minutes, then served stale during a refresh, up to an hour.
    proxy.clock.advance(6 * MINUTE);
    get(0).await;
    counts.requests("stale", 200, 1);
    proxy.idle().await;
    counts.refreshes += 1;
    counts.reads(DAILY, "rows", 1);

    proxy.clock.advance(120 * MINUTE);
    get(1).await;
    counts.requests("miss-expired", 200, 1);
    counts.reads(DAILY, "rows", 1);

    // A failed read is not retried at once, and the clock does not advance.
    proxy.store.down.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        get(2).await;
    }
    proxy.store.down.store(false, Ordering::SeqCst);
    counts.requests("stale-if-error", 200, 3);
    counts.reads(DAILY, "error", 1);

    let purged = format!("p{round}x3.wikipedia");
    proxy.server.components.origin.purge(Scope::Project(&purged), PurgeMode::Hard).unwrap();
    get(3).await;
    counts.requests("miss-purged", 200, 1);
    counts.reads(DAILY, "rows", 1);
}

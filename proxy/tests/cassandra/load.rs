//! Clients that send requests without a pause, half of them for cached answers.

use crate::nodes::DAYS;
use crate::service::get;
use crate::support::client::Client;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;

/// The projects that have data, p0 and so on.
pub(crate) const PROJECTS: u32 = 16;
/// The first day that they have.
pub(crate) const FIRST: Date = date(2024, 2, 1);
const CLIENTS: usize = 16;

/// Load on a service, until it is ended.
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    ends: AtomicBool,
    /// The number of the next request.
    next: AtomicUsize,
    answered: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

impl Load {
    pub(crate) fn start(address: SocketAddr) -> Self {
        let shared = Arc::<Shared>::default();
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(run_client(address, Arc::clone(&shared)));
        }
        Self { shared, clients }
    }

    /// The target of a number, different for each; all have data.
    pub(crate) fn target(number: usize) -> String {
        let (target, _) = target(number);
        target
    }

    /// Waits for `count` more answers of the store.
    pub(crate) async fn wait_for_answers(&self, count: usize) {
        let until = self.shared.answered.load(Ordering::SeqCst) + count;
        let waited = tokio::time::timeout(std::time::Duration::from_secs(120), async {
            while self.shared.answered.load(Ordering::SeqCst) < until {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "it came to a halt: {:?}", self.shared.failures.lock());
    }

    /// Ends it, and fails if any answer was wrong.
    pub(crate) async fn stop_without_failure(mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        while let Some(client) = self.clients.join_next().await {
            client.unwrap();
        }
        let failures = self.shared.failures.lock().unwrap();
        let answered = self.shared.answered.load(Ordering::SeqCst);
        assert!(
            failures.is_empty(),
            "{} of {answered} requests: {:?}",
            failures.len(),
            &failures[..failures.len().min(5)]
        );
    }
}

async fn run_client(address: SocketAddr, shared: Arc<Shared>) {
    let (cached, days) = target(0);
    assert_eq!(get(address, &cached).await.json()["items"].as_array().unwrap().len(), days);
    let mut client = Client::connect(address).await;
    while !shared.ends.load(Ordering::SeqCst) {
        let number = shared.next.fetch_add(1, Ordering::SeqCst) + 10_000;
        for (target, days) in [target(number), target(0)] {
            let answer = client.get(&target).await;
            let is_complete = answer.status == 200
                && answer.json()["items"].as_array().is_some_and(|items| items.len() == days);
            if !is_complete {
                let failure = format!("{target}: {} {}", answer.status, answer.text());
                shared.failures.lock().unwrap().push(failure);
            }
            if answer.header("connection") == Some("close") {
                client = Client::connect(address).await;
            }
        }
        shared.answered.fetch_add(1, Ordering::SeqCst);
    }
}

/// A target and the number of days in its answer: of each project all last days, with first days
/// further and further back, at last before the data.
fn target(number: usize) -> (String, usize) {
    let number = number as i64;
    let (project, rest) = (number % i64::from(PROJECTS), number / i64::from(PROJECTS));
    let (last, back) = (rest % i64::from(DAYS), rest / i64::from(DAYS));
    let days = back.min(last) + 1;
    let day = |after: i64| (FIRST + after.days()).strftime("%Y%m%d");
    let target = format!(
        "/metrics/unique-devices/p{project}.wikipedia/all-sites/daily/{}/{}",
        day(last - back),
        day(last)
    );
    (target, days as usize)
}

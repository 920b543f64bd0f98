//! Nodes that fail in different ways at once: a read reaches the node that answers, and sends no node
//! more than two requests.

use crate::faults::{behind, reads};
use crate::load::Load;
use crate::nodes::Nodes;
use crate::running::{get, over};
use aqs_origin::store::cassandra::{Consistency, Options};
use scylla_proxy::{
    Condition, Proxy, Reaction, RequestFrame, RequestReaction, RequestRule, RunningProxy,
    TargetShard,
};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedReceiver};

/// Enough reads to begin with each node.
const READS: usize = 24;
/// Fewer reads without an answer, which take long.
const LOST_READS: usize = 6;

/// The reaction of a node to reads of the projects that load requests.
type Fault = fn() -> RequestReaction;

/// Three nodes behind proxies that count requests.
struct Faulty {
    nodes: Nodes,
    port: u16,
    proxy: RunningProxy,
}

impl Faulty {
    async fn given() -> Self {
        let nodes = Nodes::given().await;
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        // The driver uses the port of the contact point for every node.
        let proxied = (1..=3).map(|number| {
            let at = |port| SocketAddr::from(([127, 0, 0, number], port));
            behind(at(port), at(nodes.options().port))
        });
        let proxy = Proxy::new(proxied.collect::<Vec<_>>()).run().await.unwrap();
        Self { nodes, port, proxy }
    }

    fn options(&self) -> Options {
        Options {
            port: self.port,
            consistency: Consistency::LocalOne,
            read_within: Duration::from_secs(2),
            speculative_after: Some(Duration::from_millis(100)),
            ..self.nodes.options()
        }
    }

    /// Sets the faults of the nodes; returns the requests that each gets.
    fn be(&mut self, faults: [Option<Fault>; 3]) -> Vec<UnboundedReceiver<Told>> {
        let nodes = self.proxy.running_nodes.iter_mut().zip(faults);
        let told = nodes.map(|(node, fault)| {
            let (asked, told) = mpsc::unbounded_channel();
            let reaction = fault.map_or_else(RequestReaction::noop, |fault| fault());
            let reaction = reaction.with_feedback_when_performed(asked);
            let project = Condition::BodyContainsCaseSensitive(b".wikipedia"[..].into());
            let of_rows = reads().and(project);
            node.change_request_rules(Some(vec![RequestRule(of_rows, reaction)]));
            told
        });
        told.collect()
    }
}

type Told = (RequestFrame, Option<TargetShard>);

/// The number of requests that each node got since the last call.
fn asked(told: &mut [UnboundedReceiver<Told>]) -> Vec<usize> {
    let count =
        |told: &mut UnboundedReceiver<Told>| std::iter::from_fn(|| told.try_recv().ok()).count();
    told.iter_mut().map(count).collect()
}

fn overloaded() -> RequestReaction {
    RequestReaction::forge().overloaded()
}

fn silent() -> RequestReaction {
    RequestReaction::drop_frame()
}

fn invalid() -> RequestReaction {
    RequestReaction::forge().invalid()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn a_read_reaches_the_node_that_answers() {
    let mut faulty = Faulty::given().await;
    let server = over(faulty.options()).await;
    let cases: [([Option<Fault>; 3], u16, usize); 4] = [
        ([None, Some(silent), None], 200, READS),
        ([Some(overloaded), Some(silent), None], 200, READS),
        ([Some(silent), None, Some(silent)], 200, READS),
        ([Some(overloaded), Some(silent), Some(overloaded)], 504, LOST_READS),
    ];
    let mut number = 100_000;
    for (case, (faults, status, reads)) in cases.into_iter().enumerate() {
        let mut told = faulty.be(faults);
        let mut sums = [0; 3];
        for _ in 0..reads {
            number += 1;
            let answer = get(server.addresses[0], &Load::target(number)).await;
            assert_eq!(answer.status, status, "case {case}: {}", answer.text());
            let counts = asked(&mut told);
            // The first execution sends one at most, and so does the speculative one.
            assert!(counts.iter().all(|count| *count <= 2), "case {case}: {counts:?}");
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        assert!(sums.iter().all(|sum| *sum > 0), "case {case}: {sums:?}");
    }
    faulty.be([None; 3]);
    assert!(server.drain().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn a_read_that_is_not_slow_sends_one_request() {
    let mut faulty = Faulty::given().await;
    let options = Options {
        // Longer than a node on a busy machine takes.
        read_within: Duration::from_secs(40),
        speculative_after: Some(Duration::from_secs(10)),
        ..faulty.options()
    };
    let server = over(options).await;
    let mut told = faulty.be([None; 3]);
    for number in 300_000..300_000 + READS {
        assert_eq!(get(server.addresses[0], &Load::target(number)).await.status, 200);
        assert_eq!(asked(&mut told).iter().sum::<usize>(), 1);
    }
    assert!(server.drain().await);
}

/// A changed table is reported although another node is silent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn what_no_node_can_answer_is_told_without_waiting_for_a_silent_one() {
    let mut faulty = Faulty::given().await;
    let server = over(faulty.options()).await;
    faulty.be([Some(invalid), Some(silent), Some(invalid)]);
    for number in 200_000..200_000 + READS {
        let answer = get(server.addresses[0], &Load::target(number)).await;
        assert_eq!(answer.status, 500, "{}", answer.text());
    }
    faulty.be([None; 3]);
    assert!(server.drain().await);
}

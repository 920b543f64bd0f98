//! Nodes that fail in different ways at once: a read reaches the node that answers, and sends no node
//! more than one request.

use crate::faults::{behind, reads};
use crate::load::Load;
use crate::nodes::Nodes;
use crate::service::{get, start_ready};
use aqs_origin::store::cassandra::{Consistency, Options};
use scylla_proxy::{
    Condition, Proxy, Reaction, RequestFrame, RequestReaction, RequestRule, RunningProxy,
    TargetShard,
};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedReceiver};

/// Enough reads to try each node first.
const READS: usize = 24;
/// Fewer reads without an answer, which take long.
const LOST_READS: usize = 6;

/// The reaction of a node to reads of the projects that load requests.
type Fault = fn() -> RequestReaction;

/// Three nodes behind proxies that count requests.
struct FaultyCluster {
    nodes: Nodes,
    port: u16,
    proxy: RunningProxy,
}

impl FaultyCluster {
    async fn start() -> Self {
        let nodes = Nodes::from_env().await;
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
    fn set_faults(&mut self, faults: [Option<Fault>; 3]) -> Vec<UnboundedReceiver<Feedback>> {
        let nodes = self.proxy.running_nodes.iter_mut().zip(faults);
        let feedback = nodes.map(|(node, fault)| {
            let (sender, receiver) = mpsc::unbounded_channel();
            let reaction = fault.map_or_else(RequestReaction::noop, |fault| fault());
            let reaction = reaction.with_feedback_when_performed(sender);
            let project = Condition::BodyContainsCaseSensitive(b".wikipedia"[..].into());
            let of_rows = reads().and(project);
            node.change_request_rules(Some(vec![RequestRule(of_rows, reaction)]));
            receiver
        });
        feedback.collect()
    }
}

type Feedback = (RequestFrame, Option<TargetShard>);

/// The number of requests that each node got since the last call.
fn request_counts(nodes: &mut [UnboundedReceiver<Feedback>]) -> Vec<usize> {
    let count = |node: &mut UnboundedReceiver<Feedback>| {
        std::iter::from_fn(|| node.try_recv().ok()).count()
    };
    nodes.iter_mut().map(count).collect()
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
async fn a_read_reaches_the_node_that_answers_with_one_request_per_node() {
    let mut cluster = FaultyCluster::start().await;
    let server = start_ready(cluster.options()).await;
    let cases: [([Option<Fault>; 3], u16, usize); 4] = [
        ([None, Some(silent), None], 200, READS),
        ([Some(overloaded), Some(silent), None], 200, READS),
        ([Some(silent), None, Some(silent)], 200, READS),
        ([Some(overloaded), Some(silent), Some(overloaded)], 504, LOST_READS),
    ];
    let mut number = 100_000;
    for (case, (faults, status, reads)) in cases.into_iter().enumerate() {
        let mut feedback = cluster.set_faults(faults);
        let mut sums = [0; 3];
        for _ in 0..reads {
            number += 1;
            let answer = get(server.addresses[0], &Load::target(number)).await;
            assert_eq!(answer.status, status, "case {case}: {}", answer.text());
            let counts = request_counts(&mut feedback);
            assert!(counts.iter().all(|count| *count <= 1), "case {case}: {counts:?}");
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        assert!(sums.iter().all(|sum| *sum > 0), "case {case}: {sums:?}");
    }
    cluster.set_faults([None; 3]);
    assert!(server.drain().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn a_read_that_is_not_slow_sends_one_request() {
    let mut cluster = FaultyCluster::start().await;
    let options = Options {
        // Longer than a node on a busy machine takes.
        read_within: Duration::from_secs(40),
        speculative_after: Some(Duration::from_secs(10)),
        ..cluster.options()
    };
    let server = start_ready(options).await;
    let mut feedback = cluster.set_faults([None; 3]);
    for number in 300_000..300_000 + READS {
        assert_eq!(get(server.addresses[0], &Load::target(number)).await.status, 200);
        assert_eq!(request_counts(&mut feedback).iter().sum::<usize>(), 1);
    }
    assert!(server.drain().await);
}

/// A changed table is reported although another node is silent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn an_error_of_every_node_does_not_wait_for_a_silent_one() {
    let mut cluster = FaultyCluster::start().await;
    let server = start_ready(cluster.options()).await;
    cluster.set_faults([Some(invalid), Some(silent), Some(invalid)]);
    for number in 200_000..200_000 + READS {
        let answer = get(server.addresses[0], &Load::target(number)).await;
        assert_eq!(answer.status, 500, "{}", answer.text());
    }
    cluster.set_faults([None; 3]);
    assert!(server.drain().await);
}

//! Opens driver sessions.

use super::error::{ConnectError, FailureKind};
use super::options::Options;
use super::{cql, tls};
use aqs_api::Table;
use prometheus::IntCounter;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::policies::load_balancing::{DefaultPolicy, LoadBalancingPolicy};
use scylla::policies::retry::{RequestInfo, RetryDecision, RetryPolicy, RetrySession};
use scylla::policies::speculative_execution::SimpleSpeculativeExecutionPolicy;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The limit for a session: contact points, topology, schema, a connection to each node.
const SESSION_TIMEOUT: Duration = Duration::from_secs(30);
/// Further nodes that are tried while one is slow: with it, all of three replicas.
const SPECULATIVE_EXECUTIONS: usize = 2;
/// Further nodes that are tried after failures: the rest of three replicas, and one more.
const RETRIES: u32 = 3;

/// Opens a session that knows the schema of the keyspaces of `tables` and of `more_keyspaces`.
/// Idempotent statements are retried on other nodes, and executed speculatively on several.
///
/// Fails if no contact point can be resolved, reached or accepts the credentials, and if no node
/// is in the configured data centre.
pub(super) async fn connect(
    options: &Options,
    tables: &[&'static Table],
    more_keyspaces: &[&str],
    retry_policy: Arc<dyn RetryPolicy>,
) -> Result<Session, ConnectError> {
    let keyspaces = tables.iter().map(|table| cql::keyspace(table));
    let keyspaces = keyspaces.chain(more_keyspaces.iter().map(|name| (*name).to_owned()));
    let opening = open(options, keyspaces.collect(), retry_policy);
    let session = tokio::time::timeout(SESSION_TIMEOUT, opening)
        .await
        .map_err(|_| ConnectError::Timeout { limit: SESSION_TIMEOUT })??;
    check_data_center(&session, options)?;
    Ok(session)
}

async fn open(
    options: &Options,
    keyspaces: Vec<String>,
    retry_policy: Arc<dyn RetryPolicy>,
) -> Result<Session, ConnectError> {
    let speculation = options.speculation().map(|retry_interval| {
        let policy = SimpleSpeculativeExecutionPolicy {
            max_retry_count: SPECULATIVE_EXECUTIONS,
            retry_interval,
        };
        Arc::new(policy) as _
    });
    let profile = ExecutionProfile::builder()
        .consistency(options.read_consistency())
        // Reads and probes have deadlines of their own; a second timer is not needed.
        .request_timeout(None)
        .retry_policy(retry_policy)
        .speculative_execution_policy(speculation)
        .load_balancing_policy(load_balancing(options));
    let mut builder = SessionBuilder::new()
        .known_nodes(options.contact_points())
        .default_execution_profile_handle(profile.build().into_handle())
        .compression(options.compression)
        .connection_timeout(CONNECT_TIMEOUT)
        .keyspaces_to_fetch(keyspaces)
        // A schema change waits for agreement; it needs no new metadata for that.
        .refresh_metadata_on_auto_schema_agreement(false)
        // The operators of a cluster need the name of a client, not its configuration.
        .driver_config_reporting(false);
    if let Some(credentials) = &options.credentials {
        builder = builder.user(&credentials.username, &credentials.password);
    }
    if let Some(ca) = options.tls.ca.clone() {
        let names = options.certificate_names();
        let reading = tokio::task::spawn_blocking(move || tls::client_config(&ca, names));
        builder = builder.tls_context(Some(reading.await.map_err(ConnectError::Task)??));
    }
    if let Some(interval) = options.keep_alive {
        builder = builder
            .keepalive_interval(interval)
            .keepalive_timeout(interval)
            .tcp_keepalive_interval(interval.max(Duration::from_secs(1)));
    }
    let mut config = builder.config;
    if options.keep_alive.is_none() {
        (config.keepalive_interval, config.keepalive_timeout) = (None, None);
    }
    Session::connect(config).await.map_err(|error| ConnectError::from_driver(error, options))
}

pub(super) fn load_balancing(options: &Options) -> Arc<dyn LoadBalancingPolicy> {
    let policy = DefaultPolicy::builder().token_aware(true);
    match &options.local_dc {
        Some(local_dc) => policy.prefer_datacenter(local_dc.clone()).permit_dc_failover(true),
        None => policy,
    }
    .build()
}

/// A data centre without nodes is most likely misspelt.
fn check_data_center(session: &Session, options: &Options) -> Result<(), ConnectError> {
    let Some(local_dc) = &options.local_dc else { return Ok(()) };
    let cluster = session.get_cluster_state();
    let known: BTreeSet<&str> =
        cluster.get_nodes_info().iter().filter_map(|node| node.datacenter.as_deref()).collect();
    if known.contains(local_dc.as_str()) {
        return Ok(());
    }
    let known = known.into_iter().map(str::to_owned).collect();
    Err(ConnectError::UnknownDataCenter { local_dc: local_dc.clone(), known })
}

/// Retries on the next node whenever the failure may be the node's own.
///
/// The driver's default policy gives up when a coordinator did not hear from enough replicas in
/// time, as it must for writes. For a read, another coordinator may know better which replicas
/// are alive.
#[derive(Debug)]
pub(super) struct NextNodeRetryPolicy {
    pub(super) retries: IntCounter,
}

struct NextNodeRetries {
    left: u32,
    retries: IntCounter,
}

impl RetryPolicy for NextNodeRetryPolicy {
    fn new_session(&self) -> Box<dyn RetrySession> {
        Box::new(NextNodeRetries { left: RETRIES, retries: self.retries.clone() })
    }
}

impl RetrySession for NextNodeRetries {
    fn decide_should_retry(&mut self, request: RequestInfo<'_>) -> RetryDecision {
        let is_transient = FailureKind::of_attempt(request.error).is_transient();
        if self.left == 0 || !request.is_idempotent || !is_transient {
            return RetryDecision::DontRetry;
        }
        self.left -= 1;
        self.retries.inc();
        RetryDecision::RetryNextTarget(None)
    }

    fn reset(&mut self) {
        self.left = RETRIES;
    }
}

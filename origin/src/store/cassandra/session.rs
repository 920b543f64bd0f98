//! Opening a session with a cluster.

use super::error::ConnectError;
use super::options::{Compression, Options};
use super::policy::{NextHost, Watched};
use super::tls;
use scylla::client::execution_profile::{ExecutionProfile, ExecutionProfileHandle};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::policies::speculative_execution::{
    SimpleSpeculativeExecutionPolicy, SpeculativeExecutionPolicy,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How long a node may take to take a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long all of it may take: contact points, topology, a connection to each node.
const OPEN_WITHIN: Duration = Duration::from_secs(30);
/// How long the program's own questions may take. What is asked for clients has a shorter limit
/// of its own, see `Options::read_within`.
const OWN_WITHIN: Duration = Duration::from_secs(10);
/// How many further nodes are asked if one is slow: of three replicas all.
const SPECULATIVE: usize = 2;

/// How clients' reads are made: as all is, but for the driver's time limit. They have one of their
/// own, and a second would set a timer for each.
#[derive(Debug)]
pub(super) struct Profiles {
    /// One node is asked; others if it fails.
    pub(super) one: ExecutionProfileHandle,
    /// Others are asked as well when one was waited for that long.
    pub(super) more: Option<(Duration, ExecutionProfileHandle)>,
}

impl Profiles {
    /// The profiles of a session's reads.
    pub(super) fn of(session: &Session, options: &Options) -> Self {
        let untimed = || {
            let profile = session.get_default_execution_profile_handle().pointee_to_builder();
            profile.request_timeout(None)
        };
        let more = options.speculation().map(|after| {
            // The first of the further nodes is asked as this profile begins.
            let policy = speculation(SPECULATIVE - 1, after);
            let profile = untimed().speculative_execution_policy(Some(policy));
            (after, profile.build().into_handle())
        });
        let one = untimed().speculative_execution_policy(None).build().into_handle();
        Self { one, more }
    }
}

fn speculation(further: usize, after: Duration) -> Arc<dyn SpeculativeExecutionPolicy> {
    Arc::new(SimpleSpeculativeExecutionPolicy { max_retry_count: further, retry_interval: after })
}

/// Opens a session. Reads made by it are retried on other nodes, and speculatively made on
/// several, if their statements are marked as idempotent.
///
/// It fails if no contact point can be reached, resolved or is content with who we are, and if
/// there is no node in the data centre that is asked for.
pub(crate) async fn connect(options: &Options) -> Result<Session, ConnectError> {
    let opening = open(options);
    let session = tokio::time::timeout(OPEN_WITHIN, opening)
        .await
        .map_err(|_| ConnectError::Slow { within: OPEN_WITHIN })??;
    centre_is_there(&session, options)?;
    Ok(session)
}

async fn open(options: &Options) -> Result<Session, ConnectError> {
    let mut profile = ExecutionProfile::builder()
        .consistency(options.read_consistency())
        .request_timeout(Some(OWN_WITHIN))
        .retry_policy(Arc::new(NextHost))
        .load_balancing_policy(Arc::new(Watched::over(balancing(options))));
    if let Some(after) = options.speculation() {
        profile = profile.speculative_execution_policy(Some(speculation(SPECULATIVE, after)));
    }
    let mut builder = SessionBuilder::new()
        .known_nodes(options.contact_points())
        .default_execution_profile_handle(profile.build().into_handle())
        .compression(options.compression.map(|packing| match packing {
            Compression::Lz4 => scylla::frame::Compression::Lz4,
            Compression::Snappy => scylla::frame::Compression::Snappy,
        }))
        .connection_timeout(CONNECT_WITHIN)
        // The driver wants replication strategies, to know who has a token, and no columns.
        .fetch_full_schema_metadata(false)
        // A cluster's operators know us by our name, not by what we are configured to.
        .driver_config_reporting(false);
    if let Some(credentials) = &options.credentials {
        builder = builder.user(&credentials.username, &credentials.password);
    }
    if let Some(ca) = &options.ca {
        builder = builder.tls_context(Some(tls::read_config(ca, options.check_names).await?));
    }
    if let Some(every) = options.keep_alive {
        builder = builder
            .keepalive_interval(every)
            .keepalive_timeout(every)
            .tcp_keepalive_interval(every.max(Duration::from_secs(1)));
    }
    let mut config = builder.config;
    if options.keep_alive.is_none() {
        (config.keepalive_interval, config.keepalive_timeout) = (None, None);
    }
    Session::connect(config).await.map_err(|error| ConnectError::of(error, options))
}

fn balancing(options: &Options) -> Arc<dyn scylla::policies::load_balancing::LoadBalancingPolicy> {
    let policy = DefaultPolicy::builder().token_aware(true);
    match &options.local_dc {
        Some(centre) => policy.prefer_datacenter(centre.clone()).permit_dc_failover(true),
        None => policy,
    }
    .build()
}

/// A data centre that nobody is in is misspelt; no read would find a node that is near.
fn centre_is_there(session: &Session, options: &Options) -> Result<(), ConnectError> {
    let Some(asked) = &options.local_dc else { return Ok(()) };
    let cluster = session.get_cluster_state();
    let there: BTreeSet<&str> =
        cluster.get_nodes_info().iter().filter_map(|node| node.datacenter.as_deref()).collect();
    if there.contains(asked.as_str()) {
        return Ok(());
    }
    let there = there.into_iter().map(str::to_owned).collect();
    Err(ConnectError::NoSuchCentre { asked: asked.clone(), there })
}

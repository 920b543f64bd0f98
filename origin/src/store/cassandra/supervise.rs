//! The background task of the store: connects, follows the schema, probes coverage, and reports
//! issues.

use super::connect::{NextNodeRetryPolicy, connect};
use super::coverage::{ObservedCoverage, probe};
use super::options::{Consistency, Options};
use super::tables::Tables;
use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::metrics::CassandraMetrics;
use aqs_api::{Dataset, Table};
use arc_swap::{ArcSwap, ArcSwapOption};
use scylla::client::session::Session;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// The waits between attempts to connect.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(200), longest: Duration::from_secs(2) };
/// The interval at which requested refreshes are noticed and connected nodes are counted.
const TICK: Duration = Duration::from_millis(500);
/// The intervals of schema refreshes: while something is missing or fails, and otherwise.
const REFRESH_INCOMPLETE: Duration = Duration::from_secs(5);
const REFRESH_COMPLETE: Duration = Duration::from_secs(60);
/// The least interval of schema refreshes that failed reads request.
const REFRESH_REQUESTED: Duration = Duration::from_secs(2);
/// The limit for a schema refresh: longer than it takes to drop a silent node.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(15);

/// What the store's reads and its background task share.
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) tables: Vec<&'static Table>,
    pub(super) datasets: Vec<&'static Dataset>,
    pub(super) clock: Clock,
    /// `None` until the first session is open and its tables are examined.
    pub(super) connection: ArcSwapOption<Connection>,
    pub(super) coverage: ObservedCoverage,
    /// What is wrong, as `/readyz` shows it.
    pub(super) issues: ArcSwap<Vec<String>>,
    /// Set by reads that fail as if the schema had changed.
    pub(super) refresh_requested: AtomicBool,
    pub(super) metrics: CassandraMetrics,
}

/// A session and its tables. The driver reconnects to lost nodes itself.
pub(super) struct Connection {
    pub(super) session: Session,
    pub(super) tables: ArcSwap<Tables>,
}

impl Connection {
    fn connected_nodes(&self) -> usize {
        let cluster = self.session.get_cluster_state();
        cluster.get_nodes_info().iter().filter(|node| node.is_connected()).count()
    }
}

impl Shared {
    /// Runs until it is dropped.
    pub(super) async fn supervise(&self) {
        // Boxed: the futures of the driver are large.
        let connection = Box::pin(self.connect()).await;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut refreshed_at, mut probe_at) = (Instant::now(), Instant::now());
        let (mut refresh_issue, mut probe_issues) = (None, Vec::new());
        loop {
            tick.tick().await;
            let refresh_requested = self.refresh_requested.load(Ordering::Relaxed);
            let interval = match (&refresh_issue, connection.tables.load().are_complete()) {
                _ if refresh_requested => REFRESH_REQUESTED,
                (None, true) => REFRESH_COMPLETE.min(self.options.probe_every),
                _ => REFRESH_INCOMPLETE.min(self.options.probe_every),
            };
            if refreshed_at.elapsed() >= interval {
                let ready = connection.tables.load().ready();
                self.refresh_requested.store(false, Ordering::Relaxed);
                refresh_issue = Box::pin(self.refresh(&connection)).await.err();
                refreshed_at = Instant::now();
                if connection.tables.load().ready() != ready {
                    probe_at = Instant::now();
                }
            }
            if Instant::now() >= probe_at {
                probe_issues = Box::pin(self.probe(&connection)).await;
                let interval = match probe_issues.is_empty() {
                    true => self.options.probe_every,
                    false => REFRESH_INCOMPLETE.min(self.options.probe_every),
                };
                probe_at = Instant::now() + interval;
            }
            let tables = connection.tables.load().issues();
            self.metrics.missing.set(i64::try_from(tables.len()).unwrap_or(i64::MAX));
            let mut issues = Vec::from_iter(self.check_nodes(&connection));
            issues.extend(refresh_issue.clone());
            issues.extend(tables);
            issues.extend(connection.tables.load().missing_columns());
            issues.extend(probe_issues.iter().cloned());
            self.publish(issues);
        }
    }

    /// Connects, however many attempts it takes.
    async fn connect(&self) -> Arc<Connection> {
        let Options { hosts, port, consistency, .. } = &self.options;
        let hosts = hosts.join(", ");
        tracing::info!(%consistency, "connecting to Cassandra hosts {hosts} port {port}");
        if *consistency == Consistency::Any {
            tracing::warn!("Cassandra can't be read at consistency any; reads use one");
        }
        let mut attempt = 0;
        loop {
            match self.try_connect().await {
                Ok(connection) => {
                    let nodes = connection.session.get_cluster_state().get_nodes_info().len();
                    tracing::info!(nodes, "connected to Cassandra");
                    let connection = Arc::new(connection);
                    self.connection.store(Some(Arc::clone(&connection)));
                    return connection;
                }
                Err(reason) => self.publish(vec![format!("Cassandra: {reason}")]),
            }
            attempt += 1;
            tokio::time::sleep(BACKOFF.jittered(attempt)).await;
        }
    }

    async fn try_connect(&self) -> Result<Connection, String> {
        let retries = self.metrics.retries.clone();
        let policy = Arc::new(NextNodeRetryPolicy { retries });
        let session = connect(&self.options, &self.tables, &[], policy).await;
        let session = session.map_err(|error| error.to_string())?;
        let unknown = Tables::default();
        let tables = Tables::examine(&session, &self.options, &self.tables, &unknown);
        let tables = tokio::time::timeout(REFRESH_TIMEOUT, tables).await.map_err(|_| {
            format!("failed to prepare statements in {} s", REFRESH_TIMEOUT.as_secs())
        })?;
        Ok(Connection { session, tables: ArcSwap::from_pointee(tables) })
    }

    /// Reads the schema, and prepares statements for what changed.
    async fn refresh(&self, connection: &Connection) -> Result<(), String> {
        let refresh = async {
            connection.session.refresh_metadata().await.map_err(|error| error.to_string())?;
            let previous = connection.tables.load_full();
            let (session, options) = (&connection.session, &self.options);
            let tables = Tables::examine(session, options, &self.tables, &previous).await;
            connection.tables.store(Arc::new(tables));
            Ok(())
        };
        let result = tokio::time::timeout(REFRESH_TIMEOUT, refresh).await;
        let late = |_| Err(format!("no answer in {} s", REFRESH_TIMEOUT.as_secs()));
        result.unwrap_or_else(late).map_err(|reason| {
            format!("Cassandra: failed to read the schema, going on with what is known: {reason}")
        })
    }

    async fn probe(&self, connection: &Connection) -> Vec<String> {
        let tables = connection.tables.load_full();
        if tables.are_unreadable() {
            return Vec::new();
        }
        let (session, known) = (&connection.session, self.coverage.get());
        let now = self.clock.now().0;
        let round = probe(session, &tables, &self.datasets, &self.options, &known, now).await;
        // While probes fail and no node answers, the store is not ready; configured coverage needs
        // a connected node only.
        let is_configured = self.options.extents.values().any(|extent| extent.last.is_some());
        let is_known = is_configured && connection.connected_nodes() > 0;
        if round.is_answered || is_known || round.issues.is_empty() {
            self.coverage.set(round.coverage);
        }
        round.issues
    }

    fn check_nodes(&self, connection: &Connection) -> Option<String> {
        let connected = connection.connected_nodes();
        self.metrics.nodes.set(i64::try_from(connected).unwrap_or(i64::MAX));
        self.metrics.up.set((connected > 0).into());
        let hosts = self.options.contact_points().join(", ");
        (connected == 0).then(|| format!("Cassandra: no node is connected ({hosts})"))
    }

    /// Replaces the issues. Logs each when it begins and when it ends.
    fn publish(&self, issues: Vec<String>) {
        let before = self.issues.load();
        for issue in issues.iter().filter(|issue| !before.contains(issue)) {
            tracing::warn!("{issue}");
        }
        for issue in before.iter().filter(|issue| !issues.contains(issue)) {
            tracing::info!("resolved: {issue}");
        }
        self.issues.store(Arc::new(issues));
    }
}

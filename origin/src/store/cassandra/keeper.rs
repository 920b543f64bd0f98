//! Keeping a session open, and what is known of the cluster fresh.

use super::error::ConnectError;
use super::probe::{self, Round};
use super::session::{self, Profiles};
use super::statements::{LookError, Standing, Tables};
use super::store::{CassandraStore, State, Up};
use crate::backoff::Backoff;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long it is waited before a session is tried again.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(200), longest: Duration::from_secs(2) };
/// How often the nodes are counted.
const TICK: Duration = Duration::from_millis(500);
/// How long no node may be connected before another session is tried. The driver connects again
/// by itself, but waits for up to ten seconds in between when it failed for long.
const ALONE: Duration = Duration::from_secs(1);
/// How often it is looked for what is missing, and what may have been added.
const LOOK_FOR_MISSING: Duration = Duration::from_secs(5);
const LOOK_FOR_MORE: Duration = Duration::from_secs(60);
/// How soon after a look another one is made for a read that failed.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long a look may take: longer than a silent node takes to be dropped.
const LOOK_WITHIN: Duration = Duration::from_secs(15);

/// Whether all could be asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Probed {
    Whole,
    InPart,
}

/// What was told, so that it is told once.
#[derive(Default)]
struct Told {
    session: Option<String>,
    tables: BTreeMap<&'static str, String>,
    looks: Option<String>,
    probes: BTreeMap<&'static str, String>,
}

impl CassandraStore {
    /// Opens a session and keeps it, for ever.
    pub(super) async fn keep_connected(&self) {
        let mut told = Told::default();
        self.introduce();
        let mut up = self.open(&mut told).await;
        loop {
            self.watch(&up, &mut told).await;
            up = self.open(&mut told).await;
        }
    }

    fn introduce(&self) {
        let options = &self.options;
        let (hosts, port) = (options.hosts.join(", "), options.port);
        tracing::info!("connecting to Cassandra hosts {hosts} port {port}");
        tracing::debug!("Cassandra consistency {}", options.consistency);
        if let Some(centre) = &options.local_dc {
            tracing::debug!("Cassandra local data centre {centre}");
        }
        if options.consistency == super::options::Consistency::Any {
            tracing::warn!("Cassandra can't be read at consistency any; it is read at one");
        }
    }

    /// Tries until there is a session, and it is known what can be read by it.
    async fn open(&self, told: &mut Told) -> Arc<Up> {
        let mut attempt = 0;
        loop {
            // In a box: what the driver does here takes much of a stack.
            let error = match Box::pin(self.try_open(told)).await {
                Ok(up) => return up,
                Err(reason) => reason,
            };
            self.tell_of_session(told, error);
            attempt += 1;
            tokio::time::sleep(BACKOFF.jittered(attempt)).await;
        }
    }

    async fn try_open(&self, told: &mut Told) -> Result<Arc<Up>, String> {
        let opened = session::connect(&self.options).await;
        let session = opened.map_err(|error: ConnectError| error.to_string())?;
        let profiles = Profiles::of(&session, &self.options);
        let up = Up { session, profiles, tables: Tables::unknown(&self.tables) };
        // Nobody is served by it before it is known what it has.
        let looked = self.look(&up).await;
        looked.map_err(|error| format!("a session was opened, but {error}"))?;
        let up = Arc::new(up);
        self.state.store(Arc::new(State::Up(Arc::clone(&up))));
        self.metrics.up.set(1);
        told.session = None;
        tracing::info!(
            nodes = up.session.get_cluster_state().get_nodes_info().len(),
            "connected to Cassandra"
        );
        self.tell_of_tables(&up, told);
        Ok(up)
    }

    /// Tells why there is no session, once for each reason.
    fn tell_of_session(&self, told: &mut Told, reason: String) {
        if told.session.as_ref() != Some(&reason) {
            tracing::warn!("no session with Cassandra, which is tried again and again: {reason}");
        }
        // As long as an old session is there, its nodes may come back too.
        if matches!(&**self.state.load(), State::Connecting(_)) {
            self.state.store(Arc::new(State::Connecting(reason.clone())));
        }
        self.health_issues.store(Arc::new(vec![format!("Cassandra: {reason}")]));
        self.metrics.up.set(0);
        told.session = Some(reason);
    }

    /// Keeps what is known of the cluster fresh, until no node has been connected for a while.
    async fn watch(&self, up: &Arc<Up>, told: &mut Told) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut seen = Instant::now();
        let mut looked = Instant::now();
        let mut probe_at = Instant::now();
        loop {
            let asked = tokio::select! {
                _ = tick.tick() => false,
                () = self.looks.wanted.notified() => true,
            };
            let connected = self.count_nodes(up);
            if connected > 0 {
                seen = Instant::now();
            } else if seen.elapsed() >= ALONE {
                let hosts = self.options.contact_points().join(", ");
                self.tell_of_session(told, format!("no node is connected any more ({hosts})"));
                return;
            }
            if asked {
                tokio::time::sleep(LOOK_AGAIN.saturating_sub(looked.elapsed())).await;
            }
            let every = match self.lacks(up) {
                true => LOOK_FOR_MISSING,
                false => LOOK_FOR_MORE.min(self.options.probe_every),
            };
            if asked || looked.elapsed() >= every {
                let before = self.ready(up);
                let result = Box::pin(self.look(up)).await;
                looked = Instant::now();
                self.tell_of_look(told, result);
                self.tell_of_tables(up, told);
                if self.ready(up) != before {
                    probe_at = Instant::now();
                }
            }
            if Instant::now() >= probe_at {
                let after = match Box::pin(self.probe(up, told)).await {
                    Probed::Whole => self.options.probe_every,
                    Probed::InPart => LOOK_FOR_MISSING.min(self.options.probe_every),
                };
                self.tell_of_tables(up, told);
                probe_at = Instant::now() + after;
                // It may have taken long, and nodes were not counted meanwhile.
                seen = Instant::now();
            }
        }
    }

    async fn look(&self, up: &Up) -> Result<(), String> {
        let number = self.looks.begin();
        let looking = up.tables.look(&up.session, &up.profiles, &self.options);
        let looked = tokio::time::timeout(LOOK_WITHIN, looking).await;
        self.looks.end(number);
        let late = |_| format!("its tables could not be looked at in {} s", LOOK_WITHIN.as_secs());
        looked.map_err(late)?.map_err(|error: LookError| error.to_string())
    }

    fn tell_of_look(&self, told: &mut Told, result: Result<(), String>) {
        let reason = result.err();
        match &reason {
            Some(reason) if told.looks.as_ref() != Some(reason) => {
                tracing::warn!("what tables there are is as it was known: {reason}");
            }
            _ => {}
        }
        told.looks = reason;
    }

    /// Tells which tables are missing, once for each reason, and which have come.
    fn tell_of_tables(&self, up: &Up, told: &mut Told) {
        let mut health_issues = Vec::new();
        let mut missing = 0;
        for (table, standing) in up.tables.all() {
            let reason = match &*standing {
                Standing::Ready(_) => None,
                Standing::Absent => Some("it is not there, as is configured".to_owned()),
                Standing::Missing(reason) | Standing::Unfit(reason) => Some(reason.clone()),
            };
            let before = told.tables.get(table);
            match (&*standing, &reason) {
                (_, None) if before.is_some() => tracing::info!(table, "the table can be read now"),
                (_, Some(reason)) if before == Some(reason) => {}
                (Standing::Absent, Some(_)) => {
                    tracing::info!(table, "the table is not there yet, as is configured");
                }
                (Standing::Unfit(_), Some(reason)) => {
                    tracing::warn!(table, "the table can't be read, its lookups fail: {reason}");
                }
                (_, Some(reason)) => tracing::warn!(
                    table,
                    "the table is missing, its lookups are answered by 503 until it comes: {reason}"
                ),
                (_, None) => {}
            }
            if let Standing::Missing(reason) | Standing::Unfit(reason) = &*standing {
                missing += 1;
                health_issues.push(format!("table {table}: {reason}"));
            }
            match reason {
                Some(reason) => drop(told.tables.insert(table, reason)),
                None => drop(told.tables.remove(table)),
            }
        }
        health_issues.extend(told.probes.iter().map(|(dataset, reason)| {
            format!("dataset {dataset}: how far its data reach can't be looked at: {reason}")
        }));
        self.metrics.missing.set(missing);
        self.health_issues.store(Arc::new(health_issues));
    }

    /// Finds out how far the data reach, as soon as any table can be read.
    async fn probe(&self, up: &Up, told: &mut Told) -> Probed {
        let standings = up.tables.all();
        let usable =
            |standing: &Arc<Standing>| matches!(**standing, Standing::Ready(_) | Standing::Absent);
        if !standings.values().any(usable) {
            return Probed::InPart;
        }
        let Round { found, failed, answered } = probe::round(self, up).await;
        for (dataset, error) in
            failed.iter().filter(|(name, error)| told.probes.get(*name) != Some(error))
        {
            tracing::warn!(dataset, error, "how far its data reach can't be looked at");
        }
        let probed = if failed.is_empty() { Probed::Whole } else { Probed::InPart };
        told.probes = failed;
        // A round in which nothing was answered tells nothing, least of all that we are ready.
        if !answered {
            return probed;
        }
        if self.reach.take(found) {
            tracing::debug!("the data reach elsewhere than before");
        }
        probed
    }

    fn count_nodes(&self, up: &Up) -> usize {
        let cluster = up.session.get_cluster_state();
        let connected = cluster.get_nodes_info().iter().filter(|node| node.is_connected()).count();
        self.metrics.nodes.set(i64::try_from(connected).unwrap_or(i64::MAX));
        connected
    }

    /// Whether a table is missing, or a column.
    fn lacks(&self, up: &Up) -> bool {
        up.tables.all().values().any(|standing| match &**standing {
            Standing::Ready(statements) => statements.plan.lacks_columns(),
            _ => true,
        })
    }

    fn ready(&self, up: &Up) -> usize {
        let all = up.tables.all();
        all.values().filter(|standing| matches!(***standing, Standing::Ready(_))).count()
    }
}

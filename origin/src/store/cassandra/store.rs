//! The store as its askers see it.

use super::coverage::Reach;
use super::error::Class;
use super::options::Options;
use super::read::{self, Made, ReadError};
use super::session::Profiles;
use super::statements::{Standing, Tables};
use crate::clock::{Clock, Moment};
use crate::declare::Declarations;
use crate::metrics::CassandraMetrics;
use crate::request_context::RequestContext;
use crate::store::{Store, StoreError};
use aqs_api::{Catalogue, Coverage, Dataset, Lookup, Read, Rows, Table};
use arc_swap::ArcSwap;
use async_trait::async_trait;
use scylla::client::session::Session;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

pub(super) const STORE: &str = "cassandra";
/// How long after a look that helped nothing no other one is made for reads that fail alike. One
/// is made every minute in any case.
const IN_VAIN: Duration = Duration::from_secs(10);

/// A store in a Cassandra cluster.
pub struct CassandraStore {
    pub(super) options: Options,
    pub(super) tables: Vec<&'static Table>,
    pub(super) datasets: Vec<&'static Dataset>,
    pub(super) clock: Clock,
    pub(super) state: ArcSwap<State>,
    /// How far the data reach.
    pub(super) reach: Reach,
    /// What is wrong, in the words of `/readyz`.
    pub(super) health_issues: ArcSwap<Vec<String>>,
    pub(super) looks: Looks,
    pub(super) metrics: CassandraMetrics,
}

/// Whether there is a session.
#[derive(Debug)]
pub(super) enum State {
    /// Not yet, and why.
    Connecting(String),
    /// There is one.
    Up(Arc<Up>),
}

/// A session, and what is read by it.
#[derive(Debug)]
pub(super) struct Up {
    pub(super) session: Session,
    pub(super) profiles: Profiles,
    pub(super) tables: Tables,
}

/// Looks at what tables there are: asked for by reads, made by the keeper, one for all who ask.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// How many were begun.
    begun: AtomicU64,
    /// The number of the last that came to its end.
    done: watch::Sender<u64>,
    /// That somebody asks for one.
    pub(super) wanted: Notify,
}

impl Looks {
    /// Notes that one begins, and gives its number.
    pub(super) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Notes that one came to its end.
    pub(super) fn end(&self, number: u64) {
        self.done.send_replace(number);
    }

    /// Waits for one that begins after this was called.
    async fn fresh(&self) {
        let number = self.begun.load(Ordering::SeqCst) + 1;
        let mut done = self.done.subscribe();
        self.wanted.notify_one();
        // The sender lives as long as this.
        let _ = done.wait_for(|done| *done >= number).await;
    }
}

impl CassandraStore {
    /// A store of the tables of a catalogue; nothing is connected before it is kept.
    pub fn new(
        options: Options,
        catalogue: &Catalogue,
        clock: Clock,
    ) -> Result<Self, prometheus::Error> {
        let waiting = "no connection was tried yet".to_owned();
        Ok(Self {
            tables: catalogue.tables(),
            datasets: catalogue.datasets().to_vec(),
            clock,
            state: ArcSwap::from_pointee(State::Connecting(waiting.clone())),
            reach: Reach::default(),
            health_issues: ArcSwap::from_pointee(vec![waiting]),
            looks: Looks::default(),
            metrics: CassandraMetrics::new()?,
            options,
        })
    }

    fn up(&self) -> Result<Arc<Up>, StoreError> {
        match &**self.state.load() {
            State::Up(up) => Ok(Arc::clone(up)),
            State::Connecting(reason) => {
                Err(StoreError::Unavailable { store: STORE, reason: reason.clone() })
            }
        }
    }

    async fn points(&self, read: &Read, until: Instant) -> Result<Rows, StoreError> {
        let first = match self.attempt(read, until).await? {
            Ok(rows) => return Ok(rows),
            Err(first) => first,
        };
        if self.looked_in_vain(read) {
            return Err(self.explain(read, &first));
        }
        // A table or a column was perhaps dropped, or another one was made: once more, after a
        // look at what there is.
        tracing::debug!(asked = self.describe(read), error = %first.error, "a read is tried again");
        let look = tokio::time::timeout_at(until.into(), self.looks.fresh());
        if look.await.is_err() {
            return Err(self.explain(read, &first));
        }
        // In a box: it is rare, and each attempt takes much of a stack.
        let again = Box::pin(self.attempt(read, until)).await?;
        again.map_err(|second| {
            // New statements have not looked in vain: this counts if the table is as it was.
            if let Some(statements) = self.standing(read).as_deref().and_then(Standing::ready) {
                statements.in_vain.store(self.clock.now().0, Ordering::Relaxed);
            }
            self.explain(read, &second)
        })
    }

    fn standing(&self, read: &Read) -> Option<Arc<Standing>> {
        self.up().ok()?.tables.standing(read.dataset.table)
    }

    /// Whether a look was made lately for a read of the same table, and helped nothing. A cell
    /// that is not what it should be is asked for again and again, and each look costs the
    /// cluster something, and the asker time.
    fn looked_in_vain(&self, read: &Read) -> bool {
        let standing = self.standing(read);
        let Some(statements) = standing.as_deref().and_then(Standing::ready) else { return false };
        let at = Moment(statements.in_vain.load(Ordering::Relaxed));
        self.clock.now() < at.plus(IN_VAIN)
    }

    /// Reads once: what came of it, or why it may be worth another try.
    async fn attempt(
        &self,
        read: &Read,
        until: Instant,
    ) -> Result<Result<Rows, Failure>, StoreError> {
        let up = self.up()?;
        let table = read.dataset.table;
        let missing = |reason: &str| {
            let reason = format!("table {}: {reason}", table.name);
            StoreError::Unavailable { store: STORE, reason }
        };
        let standing = up.tables.standing(table);
        let standing = standing.ok_or_else(|| missing("it is none of the catalogue"))?;
        let statements = match &*standing {
            Standing::Ready(statements) => statements,
            Standing::Absent => return Ok(Ok(Rows::of(table).finish())),
            Standing::Missing(reason) => return Err(missing(reason)),
            Standing::Unfit(reason) => {
                let (asked, reason) = (self.describe(read), reason.clone());
                return Err(StoreError::Failed { store: STORE, asked, reason });
            }
        };
        let begun = Instant::now();
        let Made { rows, failed, retries } =
            read::partition(&up.session, &up.profiles, statements, read, until).await;
        self.metrics.retries.inc_by(u64::from(retries));
        if self.options.speculation().is_some_and(|after| begun.elapsed() >= after) {
            self.metrics.slow.inc();
        }
        match rows {
            Ok(rows) => Ok(Ok(rows)),
            Err(error) => {
                let class = Class::of(&error);
                let failure = Failure { error, node: failed, class };
                match class {
                    Class::Changed => Ok(Err(failure)),
                    _ => Err(self.explain(read, &failure)),
                }
            }
        }
    }

    fn explain(&self, read: &Read, failure: &Failure) -> StoreError {
        let mut reason = failure.error.to_string();
        let node = match &failure.error {
            ReadError::Cell { node, .. } => Some(*node),
            _ => failure.node,
        };
        if let Some(node) = node {
            // Writing to a String can't fail.
            let _ = write!(reason, ", by node {node}");
        }
        failure.class.error(STORE, self.describe(read), reason)
    }

    /// Table, key and consistency, for the log.
    fn describe(&self, read: &Read) -> String {
        let mut text = String::from(read.dataset.table.name);
        for (index, part) in read.partition.iter().enumerate() {
            let _ = write!(text, "{}{part:?}", if index == 0 { " [" } else { ", " });
        }
        text.push(']');
        if let Some((first, last)) = &read.range {
            let _ = write!(text, " {}..{}", first.as_str(), last.as_str());
        }
        let _ = write!(text, " at {}", self.options.consistency);
        text
    }
}

/// A read that failed.
struct Failure {
    error: ReadError,
    node: Option<std::net::SocketAddr>,
    class: Class,
}

#[async_trait]
impl Store for CassandraStore {
    fn identity(&self) -> Vec<String> {
        // All that is known of a cluster before there is a session, if there ever is one. Each
        // leads to the same: when nodes are replaced one after the other, some stay.
        let points = self.options.contact_points();
        points.iter().map(|point| format!("{STORE} {point}")).collect()
    }

    async fn read(&self, lookup: &Lookup, ctx: &RequestContext) -> Result<Rows, StoreError> {
        let Lookup::Points(read) = lookup else {
            return Err(StoreError::not_asked_so(STORE, lookup));
        };
        let until = ctx.deadline.min(Instant::now() + self.options.read_within);
        let rows = self.points(read, until).await;
        let outcome = match &rows {
            Ok(_) => &self.metrics.answered,
            Err(StoreError::Unavailable { .. }) => &self.metrics.unavailable,
            Err(StoreError::Timeout { .. }) => &self.metrics.timeouts,
            Err(StoreError::Failed { .. }) => &self.metrics.failed,
        };
        outcome.inc();
        rows
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        Ok(Coverage::clone(&self.reach.coverage()))
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        self.reach.mark().ok_or_else(|| {
            let reason = self.health_issues().join("; ");
            StoreError::Unavailable { store: STORE, reason }
        })
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        Ok(self.reach.versions(&self.datasets))
    }

    fn health_issues(&self) -> Vec<String> {
        let health_issues = self.health_issues.load().to_vec();
        if health_issues.is_empty() && self.reach.mark().is_none() {
            return vec!["Cassandra: it was not yet looked how far the data reach".to_owned()];
        }
        health_issues
    }

    fn declare(&self, declarations: &mut Declarations<'_>) -> Result<(), prometheus::Error> {
        self.metrics.declare(declarations)
    }

    async fn keep(&self, cancel: CancellationToken) {
        cancel.run_until_cancelled(self.keep_connected()).await;
    }
}

//! What is read of a table, as its keyspace has it in fact.

use super::cql;
use super::decode::Plan;
use super::error::{Class, forbidden_hint};
use super::options::Options;
use super::present::{Present, PresentTable, SchemaError};
use super::read::first_text;
use super::session::Profiles;
use aqs_api::Table;
use aqs_api::table::{Calendar, Column};
use arc_swap::ArcSwap;
use futures_util::future::join_all;
use scylla::client::session::Session;
use scylla::errors::PrepareError;
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::unprepared::Statement;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use thiserror::Error;

/// How many rows a page has: an hourly series of half a year in one.
const PAGE: i32 = 5000;

/// The tables of a catalogue, each as it stands with it.
#[derive(Debug)]
pub(super) struct Tables(ByName<(&'static Table, ArcSwap<Standing>)>);

/// Names are ours, and each read looks for one: no hash need withstand them.
type ByName<T> = HashMap<&'static str, T, foldhash::fast::RandomState>;

/// How it stands with a table.
#[derive(Debug)]
pub(super) enum Standing {
    /// It can be read.
    Ready(Box<Statements>),
    /// It is not there, as was foretold.
    Absent,
    /// It is not there.
    Missing(String),
    /// It is there, and is not what it should be, or may not be read.
    Unfit(String),
}

impl Standing {
    /// What it is read by, if it can be read.
    pub(super) fn ready(&self) -> Option<&Statements> {
        match self {
            Self::Ready(statements) => Some(statements),
            Self::Absent | Self::Missing(_) | Self::Unfit(_) => None,
        }
    }
}

/// The statements that read a table.
#[derive(Debug)]
pub(super) struct Statements {
    /// A whole partition.
    pub(super) whole: PreparedStatement,
    /// A partition from one timestamp to another, of a table that has timestamps.
    pub(super) ranged: Option<PreparedStatement>,
    /// The newest row of a partition.
    pub(super) newest: PreparedStatement,
    /// The oldest row of a partition, of a table that has timestamps.
    pub(super) oldest: Option<PreparedStatement>,
    /// How their rows are read.
    pub(super) plan: Plan,
    /// Whether a partition is one row, of which there may be older versions.
    pub(super) single: bool,
    /// When a look changed nothing about a read that had failed, in milliseconds since 1970: it
    /// is the rows then, and not the table.
    pub(super) in_vain: AtomicU64,
    /// The table that they were made for.
    made_for: PresentTable,
}

/// It could not be looked what there is.
#[derive(Debug, Error)]
pub(super) enum LookError {
    #[error("{0}")]
    Schema(#[from] SchemaError),
    #[error("no statement can be prepared: {0}")]
    Prepare(#[from] PrepareError),
}

impl Tables {
    /// Of all tables nothing is known.
    pub(super) fn unknown(tables: &[&'static Table]) -> Self {
        let unknown = || Standing::Missing("it was not yet looked for".to_owned());
        let tables = tables.iter();
        Self(tables.map(|table| (table.name, (*table, ArcSwap::from_pointee(unknown())))).collect())
    }

    /// How it stands with a table; `None` if it is none of the catalogue.
    pub(super) fn standing(&self, table: &Table) -> Option<Arc<Standing>> {
        self.0.get(table.name).map(|(_, standing)| standing.load_full())
    }

    /// How it stands with each, in the order of their names.
    pub(super) fn all(&self) -> BTreeMap<&'static str, Arc<Standing>> {
        self.0.iter().map(|(name, (_, standing))| (*name, standing.load_full())).collect()
    }

    /// Looks what there is, and makes statements for it where that changed.
    pub(super) async fn look(
        &self,
        session: &Session,
        profiles: &Profiles,
        options: &Options,
    ) -> Result<(), LookError> {
        let keyspaces = self.0.values().map(|(table, _)| cql::keyspace(table)).collect();
        let schema = Present::read(session, keyspaces).await?;
        // At once, so that a node that is slow to prepare is waited for once.
        let schema = &schema;
        let settled = join_all(self.0.values().map(|(table, standing)| async move {
            let before = standing.load_full();
            if let Some(new) = settle(session, profiles, options, table, &before, schema).await? {
                standing.store(Arc::new(new));
            }
            Ok(())
        }));
        // What could be settled is, whatever became of the others.
        settled.await.into_iter().collect()
    }
}

/// How it stands with a table by now; `None` if as before.
async fn settle(
    session: &Session,
    profiles: &Profiles,
    options: &Options,
    table: &'static Table,
    before: &Standing,
    schema: &Present,
) -> Result<Option<Standing>, LookError> {
    let keyspace = cql::keyspace(table);
    let Some(columns) = schema.table(&keyspace, "data") else {
        if options.absent.iter().any(|name| name == table.name) {
            return Ok(Some(Standing::Absent));
        }
        let reason = if schema.keyspace(&keyspace).is_some() {
            format!("there is no table data in the keyspace {keyspace:?}")
        } else {
            format!("there is no keyspace {keyspace:?}")
        };
        return Ok(Some(Standing::Missing(reason)));
    };
    // Tables and columns are asked one after the other, perhaps of two nodes of which one does not
    // know the table yet: the next look tells.
    if columns.is_bare() {
        return Ok(None);
    }
    if matches!(before, Standing::Ready(statements) if statements.made_for == *columns) {
        return Ok(None);
    }
    if let Some(unfit) = unfit(table, columns) {
        return Ok(Some(Standing::Unfit(format!(
            "the keyspace {keyspace:?} is there, but {unfit}"
        ))));
    }
    let plan = match Plan::of(table, |name| columns.kind(name)) {
        Ok(plan) => plan,
        Err(error) => return Ok(Some(Standing::Unfit(error.to_string()))),
    };
    match Statements::prepare(session, profiles, table, columns, plan).await {
        Ok(statements) => Ok(Some(Standing::Ready(Box::new(statements)))),
        Err(NotPrepared::Forbidden) => {
            Ok(Some(Standing::Unfit(forbidden_hint(options, &keyspace))))
        }
        Err(NotPrepared::Error(error)) => match Class::of_prepare(&error) {
            // Nobody could be asked: what was known goes on.
            Class::Unavailable | Class::Timeout => Err(LookError::Prepare(error)),
            // It may be the node's fault, and not the table's.
            Class::Failed if matches!(before, Standing::Ready(_)) => Ok(None),
            Class::Changed | Class::Failed => {
                Ok(Some(Standing::Missing(format!("it can't be read: {error}"))))
            }
        },
    }
}

/// Why a table can't be read, by its names alone.
fn unfit(table: &Table, columns: &PresentTable) -> Option<String> {
    if columns.kind("_domain").is_none() {
        return Some("its table data has no key column \"_domain\"".to_owned());
    }
    for column in table.key_columns() {
        match columns.kind(column.name) {
            None => return Some(format!("its table data has no key column {:?}", column.name)),
            Some("text" | "ascii" | "varchar") => {}
            Some(other) => {
                return Some(format!(
                    "the key column {:?} of its table data is of type {other} where text belongs",
                    column.name
                ));
            }
        }
    }
    if table.values.iter().all(|column| columns.kind(column.name).is_none()) {
        let names: Vec<_> = table.values.iter().map(|column| column.name).collect();
        return Some(format!("its table data has none of the columns {}", names.join(", ")));
    }
    None
}

impl Statements {
    async fn prepare(
        session: &Session,
        profiles: &Profiles,
        table: &'static Table,
        columns: &PresentTable,
        plan: Plan,
    ) -> Result<Self, NotPrepared> {
        let single = table.clustering.is_empty();
        let select =
            |ranged| cql::select(table, |column| columns.kind(column.name).is_some(), ranged);
        let page = if single { 1 } else { PAGE };
        let read = async |cql: &str| {
            let mut statement = prepare(session, cql, page).await?;
            statement.set_execution_profile_handle(Some(profiles.one.clone()));
            Ok::<_, PrepareError>(statement)
        };
        let newest = prepare(session, &cql::newest(table), 1).await?;
        may_be_read(session, &newest, table).await?;
        let (ranged, oldest) = match table.calendar {
            Calendar::Series(_) => {
                let first = |column: &Column| table.clustering.contains(column);
                let oldest = format!("{} LIMIT 1", cql::select(table, first, false));
                let ranged = read(&select(true)).await?;
                (Some(ranged), Some(prepare(session, &oldest, 1).await?))
            }
            Calendar::YearMonthDay | Calendar::YearMonth => (None, None),
        };
        Ok(Self {
            whole: read(&select(false)).await?,
            ranged,
            oldest,
            newest,
            plan,
            single,
            in_vain: AtomicU64::new(0),
            made_for: columns.clone(),
        })
    }
}

/// There are no statements for a table.
enum NotPrepared {
    /// It may not be read.
    Forbidden,
    Error(PrepareError),
}

impl From<PrepareError> for NotPrepared {
    fn from(error: PrepareError) -> Self {
        Self::Error(error)
    }
}

/// Whether we may read a table: Cassandra prepares what it does not let us do.
async fn may_be_read(
    session: &Session,
    newest: &PreparedStatement,
    table: &Table,
) -> Result<(), NotPrepared> {
    let nobody = vec![""; table.partition.len()];
    match first_text(session, newest, &nobody).await {
        Err(error) if error.is_forbidden() => Err(NotPrepared::Forbidden),
        // Whatever else is wrong, reads will tell.
        _ => Ok(()),
    }
}

async fn prepare(
    session: &Session,
    cql: &str,
    page: i32,
) -> Result<PreparedStatement, PrepareError> {
    let mut statement = session.prepare(Statement::new(cql).with_page_size(page)).await?;
    statement.set_is_idempotent(true);
    // Types are looked after here, by what `system_schema` says: see `Plan`.
    statement.set_use_cached_result_metadata(true);
    Ok(statement)
}

//! Bringing a cluster to have the schema.

use super::compare;
use super::error::ApplyError;
use super::{CONFIG_KEYSPACE, CONFIG_TABLE, create_config_table};
use crate::store::cassandra::options::Options;
use crate::store::cassandra::present::Present;
use crate::store::cassandra::replication::Replication;
use crate::store::cassandra::{cql, session};
use aqs_api::Table;
use scylla::client::session::Session;
use scylla::policies::retry::FallthroughRetryPolicy;
use scylla::statement::unprepared::Statement;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long the cluster may take to change its schema once.
const CHANGE_WITHIN: Duration = Duration::from_secs(60);
/// How many copies production has in each data centre.
const COPIES: usize = 3;

/// What a cluster is to have.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The tables.
    pub tables: &'a [&'static Table],
    /// How new keyspaces are replicated; if `None`, three times in each data centre, or as often
    /// as it has nodes.
    pub replication: Option<Replication>,
    /// Who may read them.
    pub grant: Option<&'a str>,
}

/// What was done or found, in words by `Display`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the words of `Display` say it")]
pub enum Change {
    Keyspace { name: String, replication: Replication },
    OtherReplication { name: String, there: String, asked: Replication },
    Table { name: String },
    Column { table: String, column: String },
    Grant { keyspace: String, user: String },
}

/// Makes what is missing, tells each change as it is done, and waits until all nodes agree.
/// Nothing that is there is altered beyond new columns.
///
/// It fails if there is no session, if a table is there with another key or with columns of
/// another type, and if a statement is refused.
pub async fn apply(
    options: &Options,
    wanted: &Wanted<'_>,
    tell: &mut dyn FnMut(Change),
) -> Result<(), ApplyError> {
    let session = session::connect(options).await?;
    let centres = centres(&session);
    let replication = match &wanted.replication {
        Some(asked) => asked.clone(),
        None => Replication::of(centres.iter().map(|(name, nodes)| {
            (name.clone(), u8::try_from((*nodes).min(COPIES)).unwrap_or(u8::MAX))
        })),
    };
    if let Some((asked, _)) = replication.centres().find(|(name, _)| !centres.contains_key(*name)) {
        let there = centres.keys().cloned().collect();
        return Err(ApplyError::NoSuchCentre { asked: asked.to_owned(), there });
    }
    let present = Present::read(&session, super::keyspaces(wanted.tables)).await?;
    for table in wanted.tables {
        if let Some(there) = present.table(&cql::keyspace(table), cql::DATA)
            && let Some(difference) = compare::difference(there, table)
        {
            return Err(ApplyError::Different { table: cql::data(table), difference });
        }
    }
    let mut applying = Applying { session: &session, tell };
    for name in super::keyspaces(wanted.tables) {
        applying.keyspace(&present, name, &replication, wanted.replication.is_some()).await?;
    }
    for table in wanted.tables {
        applying.table(&present, table).await?;
    }
    if present.table(CONFIG_KEYSPACE, CONFIG_TABLE).is_none() {
        let name = format!("{}.{}", cql::quote(CONFIG_KEYSPACE), cql::quote(CONFIG_TABLE));
        applying.does(create_config_table(), Change::Table { name }).await?;
    }
    if let Some(user) = wanted.grant {
        for keyspace in super::keyspaces(wanted.tables) {
            let statement = cql::grant(&keyspace, user);
            let user = user.to_owned();
            applying.does(statement, Change::Grant { keyspace, user }).await?;
        }
    }
    session
        .await_schema_agreement()
        .await
        .map(|_| ())
        .map_err(|error| ApplyError::Agreement { reason: error.to_string() })
}

/// How many nodes each data centre has.
fn centres(session: &Session) -> BTreeMap<String, usize> {
    let mut centres = BTreeMap::new();
    for node in session.get_cluster_state().get_nodes_info() {
        if let Some(centre) = &node.datacenter {
            *centres.entry(centre.clone()).or_default() += 1;
        }
    }
    centres
}

impl Change {
    /// Whether something was done, and not only found.
    pub fn is_done(&self) -> bool {
        !matches!(self, Self::OtherReplication { .. })
    }
}

struct Applying<'a> {
    session: &'a Session,
    tell: &'a mut dyn FnMut(Change),
}

impl Applying<'_> {
    async fn keyspace(
        &mut self,
        present: &Present,
        name: String,
        replication: &Replication,
        asked: bool,
    ) -> Result<(), ApplyError> {
        match present.keyspace(&name) {
            None => {
                let statement = cql::create_keyspace(&name, replication);
                let replication = replication.clone();
                self.does(statement, Change::Keyspace { name, replication }).await
            }
            Some(there) => {
                if asked && !compare::is_replicated(there, replication) {
                    let there = compare::replication(there);
                    let asked = replication.clone();
                    (self.tell)(Change::OtherReplication { name, there, asked });
                }
                Ok(())
            }
        }
    }

    async fn table(&mut self, present: &Present, table: &'static Table) -> Result<(), ApplyError> {
        let name = cql::data(table);
        let Some(there) = present.table(&cql::keyspace(table), cql::DATA) else {
            return self.does(cql::create_table(table), Change::Table { name }).await;
        };
        for column in compare::lacks(there, table) {
            let change = Change::Column { table: name.clone(), column: column.name.to_owned() };
            self.does(cql::add_column(table, column), change).await?;
        }
        Ok(())
    }

    async fn does(&mut self, text: String, change: Change) -> Result<(), ApplyError> {
        let mut statement = Statement::new(text);
        // A schema is changed once: two such changes at a time are what clusters dislike most.
        statement.set_is_idempotent(false);
        statement.set_retry_policy(Some(Arc::new(FallthroughRetryPolicy::new())));
        statement.set_request_timeout(Some(CHANGE_WITHIN));
        let done = self.session.query_unpaged(statement.clone(), ()).await;
        done.map_err(|error| ApplyError::Refused {
            statement: statement.contents,
            reason: error.to_string(),
        })?;
        (self.tell)(change);
        Ok(())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyspace { name, replication } => {
                write!(f, "keyspace {name} is made, replicated {replication}")
            }
            Self::OtherReplication { name, there, asked } => write!(
                f,
                "keyspace {name} keeps its replication, which is {there} and not {asked}: ALTER \
                 KEYSPACE and a repair would change it"
            ),
            Self::Table { name } => write!(f, "table {name} is made"),
            Self::Column { table, column } => write!(f, "table {table} has a new column {column}"),
            Self::Grant { keyspace, user } => write!(f, "{user} may read keyspace {keyspace}"),
        }
    }
}

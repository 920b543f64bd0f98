//! The schema of a cluster: as a CQL script, and applied to a cluster that lacks it.

use super::connect::connect;
use super::cql;
use super::error::ConnectError;
use super::metadata;
use super::options::Options;
use super::replication::Replication;
use aqs_api::Table;
use scylla::client::session::Session;
use scylla::cluster::ClusterState;
use scylla::policies::retry::FallthroughRetryPolicy;
use scylla::statement::unprepared::Statement;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// The keyspace of the services' own configuration (contract §4.6), and its table.
const CONFIG_KEYSPACE: &str = "aqs";
const CONFIG_TABLE: &str = "config";
const CHANGE_TIMEOUT: Duration = Duration::from_secs(60);
/// The copies that production has in each data centre.
const COPIES: usize = 3;

/// Returns keyspaces and tables as one script, with grants if there is a user to grant to.
pub fn script(tables: &[&'static Table], replication: &Replication, user: Option<&str>) -> String {
    let mut script = format!("{}\n{}", keyspaces_cql(tables, replication), tables_cql(tables));
    if let Some(user) = user {
        script.push('\n');
        script.push_str(&grants_cql(tables, user));
    }
    script
}

fn keyspaces_cql(tables: &[&'static Table], replication: &Replication) -> String {
    let head = "-- The keyspaces. Names are in mixed case, so they are quoted.\n";
    let names = keyspaces(tables);
    section(head, names.iter().map(|name| cql::create_keyspace(name, replication)), "\n")
}

fn tables_cql(tables: &[&'static Table]) -> String {
    let head = "-- The tables. \"_domain\" is always the same; \"_tid\" too, so that a load overwrites.\n\n";
    let statements = tables.iter().map(|table| cql::create_table(table));
    section(head, statements.chain([create_config_table()]), "\n\n")
}

fn grants_cql(tables: &[&'static Table], user: &str) -> String {
    let head = format!(
        "-- The permissions of a server, which only reads. The user must exist, as by\n\
         --   CREATE ROLE {} WITH LOGIN = true AND PASSWORD = '...';\n",
        cql::quote(user)
    );
    let names = keyspaces(tables);
    section(&head, names.iter().map(|name| cql::grant(name, user)), "\n")
}

fn section(head: &str, statements: impl Iterator<Item = String>, separator: &str) -> String {
    let statements: Vec<_> = statements.map(|statement| format!("{statement};")).collect();
    format!("{head}{}\n", statements.join(separator))
}

fn create_config_table() -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n    \"param\" text,\n    \"value\" text,\n    PRIMARY KEY \
         (\"param\")\n)",
        config_table()
    )
}

fn config_table() -> String {
    format!("{}.{}", cql::quote(CONFIG_KEYSPACE), cql::quote(CONFIG_TABLE))
}

/// The keyspaces of these tables, and that of the configuration.
fn keyspaces(tables: &[&'static Table]) -> Vec<String> {
    let mut names: Vec<_> = tables.iter().map(|table| cql::keyspace(table)).collect();
    names.push(CONFIG_KEYSPACE.to_owned());
    // Plain tables share keyspaces.
    let mut known = HashSet::new();
    names.retain(|name| known.insert(name.clone()));
    names
}

/// A schema could not be applied completely. Changes that were made stay, and applying it again
/// makes the rest.
#[derive(Debug, Error)]
pub enum ApplyError {
    #[error("Cassandra: {0}")]
    Connect(#[from] ConnectError),
    #[error(
        "the table {table} exists, but {difference}; that is not altered: move its rows, drop it, and apply again"
    )]
    Different { table: String, difference: String },
    #[error("no node is in the data centre {requested:?}; there are: {}", known.join(", "))]
    UnknownDataCenter { requested: String, known: Vec<String> },
    #[error("the cluster refused a statement: {reason}\n{statement}")]
    Refused { statement: String, reason: String },
    #[error(
        "the schema is applied, but the nodes don't agree on it: {reason}; see `nodetool describecluster`"
    )]
    Agreement { reason: String },
}

/// The schema that a cluster shall have.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub tables: &'a [&'static Table],
    /// The replication of new keyspaces; by default three copies in each data centre, or as many
    /// as it has nodes.
    pub replication: Option<Replication>,
    /// The user that is granted to read them.
    pub grant: Option<&'a str>,
}

/// A change that was made, or a difference that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Keyspace {
        name: String,
        replication: Replication,
    },
    /// The keyspace keeps another replication than was requested.
    OtherReplication {
        name: String,
        found: String,
        requested: Replication,
    },
    Table {
        name: String,
    },
    Column {
        table: String,
        column: String,
    },
    Grant {
        keyspace: String,
        user: String,
    },
}

impl Change {
    pub fn is_done(&self) -> bool {
        !matches!(self, Self::OtherReplication { .. })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyspace { name, replication } => {
                write!(f, "keyspace {name} is created, replicated {replication}")
            }
            Self::OtherReplication { name, found, requested } => write!(
                f,
                "keyspace {name} keeps its replication, which is {found} and not {requested}: ALTER \
                 KEYSPACE and a repair would change it"
            ),
            Self::Table { name } => write!(f, "table {name} is created"),
            Self::Column { table, column } => write!(f, "table {table} has a new column {column}"),
            Self::Grant { keyspace, user } => write!(f, "{user} may read keyspace {keyspace}"),
        }
    }
}

/// Creates what is missing, reports each change as it is made, and waits until all nodes agree.
/// Existing tables get new columns and no other change.
///
/// Fails if there is no session, if a table has another key or columns of another type, and if a
/// statement is refused.
pub async fn apply(
    options: &Options,
    wanted: &Wanted<'_>,
    report: &mut dyn FnMut(Change),
) -> Result<(), ApplyError> {
    let policy = Arc::new(FallthroughRetryPolicy::new());
    let session = connect(options, wanted.tables, &[CONFIG_KEYSPACE], policy).await?;
    let cluster = session.get_cluster_state();
    let replication = replication(&cluster, wanted)?;
    for table in wanted.tables {
        if let Some(metadata) = metadata::table(&cluster, table)
            && let Some(difference) = metadata::difference(metadata, table)
        {
            return Err(ApplyError::Different { table: cql::data(table), difference });
        }
    }
    for name in keyspaces(wanted.tables) {
        match cluster.get_keyspace(&name) {
            None => {
                execute(&session, cql::create_keyspace(&name, &replication)).await?;
                report(Change::Keyspace { name, replication: replication.clone() });
            }
            Some(keyspace) => {
                if let Some(requested) = wanted.replication.clone()
                    && !metadata::is_replicated(&keyspace.strategy, &requested)
                {
                    let found = metadata::describe_replication(&keyspace.strategy);
                    report(Change::OtherReplication { name, found, requested });
                }
            }
        }
    }
    for table in wanted.tables {
        let name = cql::data(table);
        match metadata::table(&cluster, table) {
            None => {
                execute(&session, cql::create_table(table)).await?;
                report(Change::Table { name });
            }
            Some(metadata) => {
                for column in metadata::missing_columns(metadata, table) {
                    execute(&session, cql::add_column(table, column)).await?;
                    let column = column.name.to_owned();
                    report(Change::Column { table: name.clone(), column });
                }
            }
        }
    }
    let config = cluster.get_keyspace(CONFIG_KEYSPACE);
    if !config.is_some_and(|keyspace| keyspace.tables.contains_key(CONFIG_TABLE)) {
        execute(&session, create_config_table()).await?;
        report(Change::Table { name: config_table() });
    }
    if let Some(user) = wanted.grant {
        for keyspace in keyspaces(wanted.tables) {
            execute(&session, cql::grant(&keyspace, user)).await?;
            report(Change::Grant { keyspace, user: user.to_owned() });
        }
    }
    let agreement = session.await_schema_agreement().await;
    agreement.map_err(|error| ApplyError::Agreement { reason: error.to_string() })?;
    Ok(())
}

fn replication(cluster: &ClusterState, wanted: &Wanted<'_>) -> Result<Replication, ApplyError> {
    let mut nodes = BTreeMap::<&str, usize>::new();
    for node in cluster.get_nodes_info() {
        if let Some(data_center) = &node.datacenter {
            *nodes.entry(data_center).or_default() += 1;
        }
    }
    let Some(requested) = &wanted.replication else {
        let copies = |nodes: usize| u8::try_from(nodes.min(COPIES)).unwrap_or(u8::MAX);
        let copies = nodes.iter().map(|(name, nodes)| ((*name).to_owned(), copies(*nodes)));
        return Ok(Replication::new(copies));
    };
    match requested.data_centers().find(|(name, _)| !nodes.contains_key(*name)) {
        Some((unknown, _)) => Err(ApplyError::UnknownDataCenter {
            requested: unknown.to_owned(),
            known: nodes.into_keys().map(str::to_owned).collect(),
        }),
        None => Ok(requested.clone()),
    }
}

/// Changes the schema, in one attempt: concurrent changes of a schema can corrupt it.
async fn execute(session: &Session, text: String) -> Result<(), ApplyError> {
    let mut statement = Statement::new(text);
    statement.set_is_idempotent(false);
    statement.set_request_timeout(Some(CHANGE_TIMEOUT));
    match session.query_unpaged(statement.clone(), ()).await {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(ApplyError::Refused { statement: statement.contents, reason: error.to_string() })
        }
    }
}

#[cfg(test)]
mod tests;

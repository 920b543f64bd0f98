//! The tables of the catalogue as a cluster has them.

use super::connect::load_balancing;
use super::cql;
use super::decode::{self, RowDecoder};
use super::error::FailureKind;
use super::metadata::{self, TableMetadata, type_name};
use super::options::Options;
use super::read::TableReader;
use aqs_api::Table;
use aqs_api::table::Column;
use futures_util::future::join_all;
use scylla::client::session::Session;
use scylla::cluster::ClusterState;
use std::collections::HashMap;
use std::sync::Arc;

/// What is known of a table of the catalogue.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every table is ready")]
pub(super) enum TableState {
    Ready(TableReader),
    /// It does not exist yet, as is configured: it is read as empty.
    ExpectedAbsent,
    /// It does not exist, or was not examined yet.
    Missing(String),
    /// It exists and can't be read.
    Unusable(String),
}

#[derive(Debug, Default)]
// Names are the catalogue's, and each read looks one up: no defence against collisions is needed.
pub(super) struct Tables(HashMap<&'static str, Examined, foldhash::fast::RandomState>);

#[derive(Clone, Debug)]
struct Examined {
    state: Arc<TableState>,
    /// The schema that the state was made for.
    metadata: Option<TableMetadata>,
}

impl Tables {
    /// Examines the tables in the schema that the session knows. The state of a table whose
    /// schema did not change is kept.
    pub(super) async fn examine(
        session: &Session,
        options: &Options,
        tables: &[&'static Table],
        previous: &Self,
    ) -> Self {
        let cluster = &*session.get_cluster_state();
        let examined = join_all(tables.iter().map(|table| async move {
            let previous = previous.0.get(table.name);
            (table.name, examine(session, options, table, cluster, previous).await)
        }));
        Self(examined.await.into_iter().collect())
    }

    pub(super) fn get(&self, table: &Table) -> Option<Arc<TableState>> {
        self.0.get(table.name).map(|examined| Arc::clone(&examined.state))
    }

    /// Describes the tables that can't be read, in the order of their names.
    pub(super) fn issues(&self) -> Vec<String> {
        let mut issues: Vec<_> = self
            .0
            .iter()
            .filter_map(|(name, examined)| match &*examined.state {
                TableState::Ready(_) | TableState::ExpectedAbsent => None,
                TableState::Missing(reason) => {
                    Some(format!("table {name}: {reason}; reads of it are answered by 503"))
                }
                TableState::Unusable(reason) => Some(format!("table {name}: {reason}")),
            })
            .collect();
        issues.sort_unstable();
        issues
    }

    /// Describes the columns that tables lack which can be read, in the order of their names.
    pub(super) fn missing_columns(&self) -> Vec<String> {
        let mut issues = Vec::new();
        for (name, examined) in &self.0 {
            let TableState::Ready(reader) = &*examined.state else { continue };
            issues.extend(reader.missing_columns().map(|column| {
                format!(
                    "table {name}: it has no column {column:?}; what can't do without it is \
                     answered by 500"
                )
            }));
        }
        issues.sort_unstable();
        issues
    }

    pub(super) fn ready(&self) -> usize {
        let states = self.0.values().map(|examined| &*examined.state);
        states.filter(|state| matches!(state, TableState::Ready(_))).count()
    }

    /// Whether every table can be read with all its columns.
    pub(super) fn are_complete(&self) -> bool {
        self.0.values().all(|examined| {
            matches!(&*examined.state, TableState::Ready(reader) if reader.missing_columns().next().is_none())
        })
    }

    /// Whether nothing can be read, not even tables that are known to be empty.
    pub(super) fn are_unreadable(&self) -> bool {
        let states = self.0.values().map(|examined| &*examined.state);
        let is_readable =
            |state: &TableState| matches!(state, TableState::Ready(_) | TableState::ExpectedAbsent);
        !states.into_iter().any(is_readable)
    }
}

async fn examine(
    session: &Session,
    options: &Options,
    table: &'static Table,
    cluster: &ClusterState,
    previous: Option<&Examined>,
) -> Examined {
    let metadata = metadata::table(cluster, table);
    if let Some(previous) = previous
        && metadata.is_some()
        && previous.metadata.as_ref() == metadata
    {
        return previous.clone();
    }
    let state = match metadata {
        None => absent(options, table, cluster),
        Some(metadata) => match unusable(table, metadata) {
            Some(reason) => TableState::Unusable(reason),
            None => return prepare(session, options, table, metadata, previous).await,
        },
    };
    Examined { state: Arc::new(state), metadata: metadata.cloned() }
}

fn absent(options: &Options, table: &Table, cluster: &ClusterState) -> TableState {
    if options.absent.iter().any(|name| name == table.name) {
        return TableState::ExpectedAbsent;
    }
    let keyspace = cql::keyspace(table);
    TableState::Missing(match cluster.get_keyspace(&keyspace) {
        Some(_) => format!("the keyspace {keyspace:?} has no table {}", cql::table_name(table)),
        None => format!("the keyspace {keyspace:?} does not exist"),
    })
}

async fn prepare(
    session: &Session,
    options: &Options,
    table: &'static Table,
    metadata: &TableMetadata,
    previous: Option<&Examined>,
) -> Examined {
    let examined = |state| Examined { state: Arc::new(state), metadata: Some(metadata.clone()) };
    // Without metadata, the table is examined again.
    let again = |state| Examined { state: Arc::new(state), metadata: None };
    let type_of = |name: &str| metadata.columns.get(name).map(|column| &column.typ);
    let decoder = match RowDecoder::new(table, type_of) {
        Ok(decoder) => decoder,
        Err(error) => return examined(TableState::Unusable(error.to_string())),
    };
    match TableReader::prepare(session, table, metadata, decoder, load_balancing(options)).await {
        Ok(reader) => {
            // Cassandra prepares statements that the user may not execute.
            let empty = |column: &Column| if column.kind.is_integer() { "0" } else { "" };
            let no_partition: Vec<_> = table.partition.iter().map(empty).collect();
            match reader.has_rows(session, &no_partition).await {
                Err(error) if error.is_forbidden() => {
                    again(TableState::Unusable(forbidden_hint(options, &cql::keyspace(table))))
                }
                // Reads report any other error.
                _ => examined(TableState::Ready(reader)),
            }
        }
        Err(error) => match (FailureKind::of_prepare(&error), previous) {
            (kind, Some(previous)) if kind != FailureKind::SchemaChanged => {
                Examined { state: Arc::clone(&previous.state), metadata: None }
            }
            _ => again(TableState::Missing(format!("failed to prepare statements: {error}"))),
        },
    }
}

/// Says why the columns of a table can't be read, if they can't.
fn unusable(table: &Table, metadata: &TableMetadata) -> Option<String> {
    let domain = cql::has_domain(table).then_some(cql::DOMAIN_COLUMN);
    for key in domain.into_iter().chain(table.key_columns().copied()) {
        let name = key.name;
        match metadata.columns.get(name) {
            None => return Some(format!("it has no key column {name:?}")),
            Some(found) if decode::is_bindable(&key, &found.typ) => {}
            Some(found) => {
                let (found, expected) = (type_name(&found.typ), decode::expected(key.kind));
                return Some(format!(
                    "its key column {name:?} is of type {found} instead of {expected}"
                ));
            }
        }
    }
    if table.values.iter().all(|column| !metadata.columns.contains_key(column.name)) {
        let names: Vec<_> = table.values.iter().map(|column| column.name).collect();
        return Some(format!("it has none of the columns {}", names.join(", ")));
    }
    None
}

fn forbidden_hint(options: &Options, keyspace: &str) -> String {
    let user = options.credentials.as_ref().map_or("", |credentials| &credentials.username);
    format!(
        "the user {user:?} has no permission to read it; GRANT SELECT ON KEYSPACE \
         \"{keyspace}\" TO \"{user}\" gives it"
    )
}

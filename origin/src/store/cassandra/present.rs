//! What a cluster has of the tables that are described: keyspaces, tables, columns.

use scylla::client::session::Session;
use scylla::deserialize::row::DeserializeRow;
use scylla::statement::Consistency;
use scylla::statement::unprepared::Statement;
use scylla::value::CqlValue;
use std::collections::{BTreeMap, HashMap};
use thiserror::Error;

/// The schema can't be read.
#[derive(Debug, Error)]
#[error("{table} can't be read: {reason}")]
pub struct SchemaError {
    table: &'static str,
    reason: String,
}

/// What a cluster has in some keyspaces.
#[derive(Debug, Default)]
pub(super) struct Present {
    keyspaces: HashMap<String, BTreeMap<String, String>>,
    tables: HashMap<(String, String), PresentTable>,
}

/// A table that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PresentTable {
    id: String,
    /// Types, by column.
    columns: HashMap<String, String>,
    partition: BTreeMap<i32, String>,
    clustering: BTreeMap<i32, String>,
}

impl Present {
    /// Asks what there is in these keyspaces.
    pub(super) async fn read(session: &Session, names: Vec<String>) -> Result<Self, SchemaError> {
        let mut present = Self::default();
        type Keyspace = (String, BTreeMap<String, String>);
        let keyspaces = "SELECT keyspace_name, replication FROM system_schema.keyspaces";
        present.keyspaces = rows::<Keyspace>(session, "system_schema.keyspaces", keyspaces, &names)
            .await?
            .into_iter()
            .collect();
        let tables = "SELECT keyspace_name, table_name, id FROM system_schema.tables";
        type Table = (String, String, CqlValue);
        for (keyspace, name, id) in
            rows::<Table>(session, "system_schema.tables", tables, &names).await?
        {
            let id = id.as_uuid().map(|id| id.to_string()).unwrap_or_default();
            let table = PresentTable { id, ..PresentTable::default() };
            present.tables.insert((keyspace, name), table);
        }
        let columns = "SELECT keyspace_name, table_name, column_name, type, kind, position FROM \
             system_schema.columns";
        type Column = (String, String, String, String, String, i32);
        for (keyspace, table, name, kind, role, position) in
            rows::<Column>(session, "system_schema.columns", columns, &names).await?
        {
            let Some(table) = present.tables.get_mut(&(keyspace, table)) else { continue };
            match role.as_str() {
                "partition_key" => drop(table.partition.insert(position, name.clone())),
                "clustering" => drop(table.clustering.insert(position, name.clone())),
                _ => {}
            }
            table.columns.insert(name, kind);
        }
        Ok(present)
    }

    /// How a keyspace is replicated; `None` if it isn't there.
    pub(super) fn keyspace(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        self.keyspaces.get(name)
    }

    /// A table, if it is there.
    pub(super) fn table(&self, keyspace: &str, name: &str) -> Option<&PresentTable> {
        self.tables.get(&(keyspace.to_owned(), name.to_owned()))
    }
}

impl PresentTable {
    /// Whether no column is known of it.
    pub(super) fn is_bare(&self) -> bool {
        self.columns.is_empty()
    }

    /// What tells it from one of the same name that was there before, or is made later.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The type of a column, as Cassandra writes it; `None` if it isn't there.
    pub(super) fn kind(&self, column: &str) -> Option<&str> {
        self.columns.get(column).map(String::as_str)
    }

    /// The partition key, in order.
    pub(super) fn partition(&self) -> impl Iterator<Item = &str> {
        self.partition.values().map(String::as_str)
    }

    /// The clustering key, in order.
    pub(super) fn clustering(&self) -> impl Iterator<Item = &str> {
        self.clustering.values().map(String::as_str)
    }
}

/// Rows of a schema table; every node can tell them alone.
async fn rows<R>(
    session: &Session,
    table: &'static str,
    select: &str,
    keyspaces: &Vec<String>,
) -> Result<Vec<R>, SchemaError>
where
    R: for<'frame, 'metadata> DeserializeRow<'frame, 'metadata>,
{
    let failed = |reason: String| SchemaError { table, reason };
    let mut statement = Statement::new(format!("{select} WHERE keyspace_name IN ?"));
    statement.set_consistency(Consistency::One);
    statement.set_is_idempotent(true);
    let found = session
        .query_unpaged(statement, (keyspaces,))
        .await
        .map_err(|error| failed(error.to_string()))?
        .into_rows_result()
        .map_err(|error| failed(error.to_string()))?;
    let rows = found.rows::<R>().map_err(|error| failed(error.to_string()))?;
    rows.map(|row| row.map_err(|error| failed(error.to_string()))).collect()
}

//! CQL statements, generated from the descriptions of tables (contract §4.2, §4.5).
//!
//! Names are in mixed case and contain dashes, so they are quoted.

use super::replication::Replication;
use aqs_api::Table;
use aqs_api::table::{Column, ColumnType, Compression, Layout, TID, text};
use std::fmt::Write;

/// The prefix of RESTBase's keyspaces, and the name of the table in each.
const PREFIX: &str = "local_group_default_T_";
const DATA: &str = "data";
/// The columns that RESTBase's tables have in their keys.
pub(super) const DOMAIN_COLUMN: Column = text("_domain");
const TID_COLUMN: &str = "_tid";

/// The keyspace of a table, unquoted.
pub fn keyspace(table: &Table) -> String {
    match table.layout {
        Layout::Restbase => format!("{PREFIX}{}", table.name),
        Layout::Plain { keyspace } => keyspace.to_owned(),
    }
}

/// The name of a table in its keyspace, unquoted.
pub(super) fn table_name(table: &Table) -> &'static str {
    match table.layout {
        Layout::Restbase => DATA,
        Layout::Plain { .. } => table.name,
    }
}

/// The quoted name of a table, with its keyspace.
pub fn data(table: &Table) -> String {
    format!("{}.{}", quote(&keyspace(table)), quote(table_name(table)))
}

/// The names of the partition key, with what the layout adds.
pub(super) fn partition_key(table: &Table) -> Vec<&'static str> {
    let domain = has_domain(table).then_some(DOMAIN_COLUMN.name);
    domain.into_iter().chain(table.partition.iter().map(|column| column.name)).collect()
}

/// The names of the clustering key, with what the layout adds.
pub(super) fn clustering_key(table: &Table) -> Vec<&'static str> {
    let mut names: Vec<_> = table.clustering.iter().map(|column| column.name).collect();
    if let Some(position) = columns_before_tid(table) {
        names.insert(position, TID_COLUMN);
    }
    names
}

/// Whether the domain is the first value of every statement.
pub(super) fn has_domain(table: &Table) -> bool {
    table.layout == Layout::Restbase
}

/// The number of clustering columns before `_tid`; `None` if the table has no `_tid`.
pub(super) fn columns_before_tid(table: &Table) -> Option<usize> {
    match table.layout {
        // The period, if there is one.
        Layout::Restbase => Some(usize::from(table.is_series())),
        Layout::Plain { .. } => None,
    }
}

pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Selects a partition, whole or a range of timestamps, in clustering order.
///
/// Results: the columns of `Table::read_columns()` that the cluster's table `has`. Parameters: the
/// domain if the table has it, a value for each column of `Table::partition`, and the first and last
/// period if it is `ranged`. The domain is a parameter although it is constant: the driver routes
/// by token only if the whole partition key is bound.
pub fn select(table: &Table, has: impl Fn(&Column) -> bool, ranged: bool) -> String {
    let columns = table.read_columns().filter(|column| has(column)).map(|column| column.name);
    let mut cql = format!("SELECT {} FROM {}", quoted(columns), data(table));
    cql.push_str(&partition(table));
    if let Some(period) = table.period_column().filter(|_| ranged) {
        let period = quote(period.name);
        let _ = write!(cql, " AND {period} >= ? AND {period} <= ?");
    }
    cql
}

/// Selects the newest row of a partition: its period, or any column of a table without periods.
/// Parameters: those of [`select`].
pub fn newest(table: &Table) -> String {
    let (column, order) = match table.period_column() {
        Some(period) => (quote(period.name), format!(" ORDER BY {} DESC", quote(period.name))),
        None => (quoted(clustering_key(table).first().copied().into_iter()), String::new()),
    };
    let (data, partition) = (data(table), partition(table));
    format!("SELECT {column} FROM {data}{partition}{order} LIMIT 1")
}

/// Writes a row. Parameters: the domain if the table has it, a value for each of
/// `Table::columns()`, and the time in microseconds; an unset value leaves the column as it is. Rows
/// that were loaded before are overwritten, since `_tid` is constant.
pub fn insert(table: &Table) -> String {
    let mut names = partition_key(table);
    names.extend(table.clustering.iter().chain(table.values).map(|column| column.name));
    let mut values = vec!["?"; names.len()];
    if table.layout == Layout::Restbase {
        names.push(TID_COLUMN);
        values.push(TID);
    }
    let (data, names, values) = (data(table), quoted(names.into_iter()), values.join(", "));
    format!("INSERT INTO {data} ({names}) VALUES ({values}) USING TIMESTAMP ?")
}

pub fn create_keyspace(name: &str, replication: &Replication) -> String {
    format!("CREATE KEYSPACE IF NOT EXISTS {} WITH replication = {replication}", quote(name))
}

pub fn create_table(table: &Table) -> String {
    let is_restbase = table.layout == Layout::Restbase;
    let mut columns: Vec<_> = table.key_columns().map(define).collect();
    if is_restbase {
        columns.insert(0, define(&DOMAIN_COLUMN));
        columns.push(format!("{} timeuuid", quote(TID_COLUMN)));
        columns.push("\"_del\" timeuuid".to_owned());
    }
    columns.extend(table.values.iter().map(define));
    let partition = quoted(partition_key(table).into_iter());
    let clustering = clustering_key(table);
    let order = clustering.iter().map(|name| {
        let is_tid = is_restbase && *name == TID_COLUMN;
        format!("{} {}", quote(name), if is_tid { "DESC" } else { "ASC" })
    });
    let mut cql = format!(
        "CREATE TABLE IF NOT EXISTS {} (\n    {},\n    PRIMARY KEY (({partition}), {})\n) WITH \
         CLUSTERING ORDER BY ({})\n    AND compaction = {{'class': 'LeveledCompactionStrategy'}}",
        data(table),
        columns.join(",\n    "),
        quoted(clustering.iter().copied()),
        order.collect::<Vec<_>>().join(", "),
    );
    match table.compression {
        Compression::Default => {}
        Compression::Deflate => cql.push_str(
            "\n    AND compression = {'class': 'DeflateCompressor', 'chunk_length_in_kb': 256}",
        ),
    }
    cql
}

/// Adds a value column that an older version of the catalogue lacked.
pub fn add_column(table: &Table, column: &Column) -> String {
    format!("ALTER TABLE {} ADD {}", data(table), define(column))
}

pub fn grant(keyspace: &str, user: &str) -> String {
    format!("GRANT SELECT ON KEYSPACE {} TO {}", quote(keyspace), quote(user))
}

fn partition(table: &Table) -> String {
    let names = partition_key(table).into_iter();
    let conditions: Vec<_> = names.map(|name| format!("{} = ?", quote(name))).collect();
    format!(" WHERE {}", conditions.join(" AND "))
}

fn define(column: &Column) -> String {
    format!("{} {}", quote(column.name), type_name(column.kind))
}

fn type_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text | ColumnType::Json => "text",
        ColumnType::Int => "int",
        ColumnType::BigInt => "bigint",
        ColumnType::Double => "double",
        ColumnType::Timestamp => "timestamp",
        ColumnType::Date => "date",
    }
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quote).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;

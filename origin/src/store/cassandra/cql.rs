//! CQL statements, generated from the descriptions of tables (contract §4.2, §4.5).
//!
//! Every table is in a keyspace of its own and named `data`. Names are in mixed case and contain
//! dashes, so they are quoted.

use super::replication::Replication;
use aqs_api::Table;
use aqs_api::table::{Calendar, Column, ColumnType, Compression, TID, TIMESTAMP};
use std::fmt::Write;

/// The prefix of production's keyspaces.
const PREFIX: &str = "local_group_default_T_";
/// The name of every table in its keyspace.
pub(super) const DATA: &str = "data";

/// The keyspace of a table, unquoted.
pub fn keyspace(table: &Table) -> String {
    format!("{PREFIX}{}", table.name)
}

/// The quoted name of a table, with its keyspace.
pub fn data(table: &Table) -> String {
    format!("{}.{}", quote(&keyspace(table)), quote(DATA))
}

pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Selects a partition, whole or a range of timestamps, in clustering order.
///
/// Results: the columns of `Table::read_columns()` that the cluster's table `has`. Parameters: the
/// domain, a text for each column of `Table::partition`, and the first and last timestamp if it is
/// `ranged`. The domain is a parameter although it is constant: the driver routes by token only if
/// the whole partition key is bound.
pub fn select(table: &Table, has: impl Fn(&Column) -> bool, ranged: bool) -> String {
    let columns = table.read_columns().filter(|column| has(column)).map(|column| column.name);
    let mut cql = format!("SELECT {} FROM {}", quoted(columns), data(table));
    cql.push_str(&partition(table));
    if ranged {
        cql.push_str(r#" AND "timestamp" >= ? AND "timestamp" <= ?"#);
    }
    cql
}

/// Selects the newest row of a partition: its timestamp, or its `_tid` in a table without
/// timestamps. Parameters: those of [`select`].
pub fn newest(table: &Table) -> String {
    let (column, order) = match table.calendar {
        Calendar::Series(_) => (TIMESTAMP, r#" ORDER BY "timestamp" DESC"#),
        Calendar::YearMonthDay | Calendar::YearMonth => ("_tid", ""),
    };
    let (data, partition) = (data(table), partition(table));
    format!("SELECT {} FROM {data}{partition}{order} LIMIT 1", quote(column))
}

/// Writes a row. Parameters: the domain, a value for each of `Table::columns()`, and the time in
/// microseconds; an unset value leaves the column as it is. Rows that were loaded before are
/// overwritten, since `_tid` is constant.
pub fn insert(table: &Table) -> String {
    let keys = quoted(table.key_columns().map(|column| column.name));
    let placeholders = placeholders(table.key_columns().count());
    let mut cql = format!(r#"INSERT INTO {} ("_domain", {keys}, "_tid""#, data(table));
    for column in table.values {
        let _ = write!(cql, ", {}", quote(column.name));
    }
    let _ = write!(cql, ") VALUES (?, {placeholders}, {TID}");
    for _ in table.values {
        cql.push_str(", ?");
    }
    cql.push_str(") USING TIMESTAMP ?");
    cql
}

pub fn create_keyspace(name: &str, replication: &Replication) -> String {
    format!("CREATE KEYSPACE IF NOT EXISTS {} WITH replication = {replication}", quote(name))
}

pub fn create_table(table: &Table) -> String {
    let mut cql = format!("CREATE TABLE IF NOT EXISTS {} (\n    \"_domain\" text,\n", data(table));
    for column in table.key_columns() {
        let _ = writeln!(cql, "    {},", define(column));
    }
    cql.push_str("    \"_tid\" timeuuid,\n    \"_del\" timeuuid,\n");
    for column in table.values {
        let _ = writeln!(cql, "    {},", define(column));
    }
    let partition = quoted(table.partition.iter().map(|column| column.name));
    let _ = write!(cql, "    PRIMARY KEY ((\"_domain\", {partition})");
    let mut order = String::new();
    for column in table.clustering {
        let _ = write!(cql, ", {}", quote(column.name));
        let _ = write!(order, "{} ASC, ", quote(column.name));
    }
    let _ = write!(cql, ", \"_tid\")\n) WITH CLUSTERING ORDER BY ({order}\"_tid\" DESC)");
    cql.push_str("\n    AND compaction = {'class': 'LeveledCompactionStrategy'}");
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
    let mut cql = String::from(r#" WHERE "_domain" = ?"#);
    for column in table.partition {
        let _ = write!(cql, " AND {} = ?", quote(column.name));
    }
    cql
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
    }
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quote).collect::<Vec<_>>().join(", ")
}

fn placeholders(count: usize) -> String {
    vec!["?"; count].join(", ")
}

#[cfg(test)]
mod tests;

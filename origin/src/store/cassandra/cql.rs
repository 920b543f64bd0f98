//! CQL, made from the descriptions of tables (contract §4.2, §4.5).
//!
//! Every table lies in a keyspace of its own and is called `data` there. Names are mixed in case
//! and hold dashes, so that each one is quoted.

use super::replication::Replication;
use aqs_api::Table;
use aqs_api::table::{Calendar, Column, Kind, TID, TIMESTAMP};
use std::fmt::Write;

/// What the keyspaces of production begin with.
const PREFIX: &str = "local_group_default_T_";
/// What every table is called in its keyspace.
pub(super) const DATA: &str = "data";
/// Those whose rows are many and alike: worth large chunks and the slower packing.
const DEFLATED: [&str; 2] = ["pageviews_per_article_flat", "mediarequest_per_file"];

/// The keyspace of a table, unquoted.
pub fn keyspace(table: &Table) -> String {
    format!("{PREFIX}{}", table.name)
}

/// The table itself, as statements name it: keyspace and `data`.
pub fn data(table: &Table) -> String {
    format!("{}.{}", quote(&keyspace(table)), quote(DATA))
}

/// A name as CQL takes it, whatever is in it.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as CQL takes it.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The read of one partition, whole or from one timestamp to another, in clustering order.
///
/// It gives `Table::read_columns()`, those that the cluster's table lacks (`has`) left out. It
/// takes the domain, then a text for each column of `Table::partition`, then the first and the
/// last timestamp if it is `ranged`. The domain is a parameter although it is always the same:
/// only if all of the partition key is bound can the driver tell which nodes have the partition.
pub fn select(table: &Table, has: impl Fn(&Column) -> bool, ranged: bool) -> String {
    let columns = table.read_columns().filter(|column| has(column)).map(|column| column.name);
    let mut cql = format!("SELECT {} FROM {}", quoted(columns), data(table));
    cql.push_str(&partition(table));
    if ranged {
        cql.push_str(r#" AND "timestamp" >= ? AND "timestamp" <= ?"#);
    }
    cql
}

/// Looks for the newest row of a partition, and gives what it is about: its timestamp, or
/// nothing but that it is there (`_tid`). It takes what [`select`] takes.
pub fn newest(table: &Table) -> String {
    let (column, order) = match table.calendar {
        Calendar::Series(_) => (TIMESTAMP, r#" ORDER BY "timestamp" DESC"#),
        Calendar::YearMonthDay | Calendar::YearMonth => ("_tid", ""),
    };
    let (data, partition) = (data(table), partition(table));
    format!("SELECT {} FROM {data}{partition}{order} LIMIT 1", quote(column))
}

/// The write of a row. It takes the domain, then a value for each of `Table::columns()`, and then
/// the time in microseconds; a value that is unset leaves what is there. Rows that were loaded
/// before are overwritten, since `_tid` is always the same.
pub fn insert(table: &Table) -> String {
    let keys = quoted(table.key_columns().map(|column| column.name));
    let key_places = places(table.key_columns().count());
    let mut cql = format!(r#"INSERT INTO {} ("_domain", {keys}, "_tid""#, data(table));
    for column in table.values {
        let _ = write!(cql, ", {}", quote(column.name));
    }
    let _ = write!(cql, ") VALUES (?, {key_places}, {TID}");
    for _ in table.values {
        cql.push_str(", ?");
    }
    cql.push_str(") USING TIMESTAMP ?");
    cql
}

/// The statement that creates a keyspace.
pub fn create_keyspace(name: &str, replication: &Replication) -> String {
    format!("CREATE KEYSPACE IF NOT EXISTS {} WITH replication = {replication}", quote(name))
}

/// The statement that creates a table.
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
    if DEFLATED.contains(&table.name) {
        cql.push_str(
            "\n    AND compression = {'class': 'DeflateCompressor', 'chunk_length_in_kb': 256}",
        );
    }
    cql
}

/// The statement that adds a value column to a table of an older program.
pub fn add_column(table: &Table, column: &Column) -> String {
    format!("ALTER TABLE {} ADD {}", data(table), define(column))
}

/// The statement that lets a user read a keyspace, and no more.
pub fn grant(keyspace: &str, user: &str) -> String {
    format!("GRANT SELECT ON KEYSPACE {} TO {}", quote(keyspace), quote(user))
}

/// The conditions that name a partition.
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

fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Json => "text",
        Kind::Int => "int",
        Kind::BigInt => "bigint",
    }
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quote).collect::<Vec<_>>().join(", ")
}

fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}

#[cfg(test)]
mod tests;

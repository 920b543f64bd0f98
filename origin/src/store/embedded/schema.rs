//! What a store's file looks like: its marks, its tables, its versions.

use aqs_api::Table;
use aqs_api::table::{Column, ColumnType};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::fmt::Write;

/// What marks an SQLite file as a store of this program: `aqs1` in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x6171_7331;
/// The version of the layout. New tables and new value columns are no new version: a writer
/// adds them and a reader does without.
pub(super) const VERSION: i32 = 1;

/// What is loaded, by dataset; written with the rows that it sums up.
pub(super) const SUMMARY_DDL: &str = r#"CREATE TABLE IF NOT EXISTS "aqs_datasets" (
    "dataset" TEXT NOT NULL PRIMARY KEY,
    "first" TEXT,
    "last" TEXT,
    "series" INTEGER NOT NULL,
    "version" INTEGER NOT NULL
) STRICT, WITHOUT ROWID"#;

/// A name as SQL takes it, whatever is in it.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names as SQL takes them, with commas between.
pub(super) fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quote).collect::<Vec<_>>().join(", ")
}

/// The statement that creates a table.
pub(super) fn create(table: &Table) -> String {
    let mut sql = format!("CREATE TABLE IF NOT EXISTS {} (", quote(table.name));
    for column in table.key_columns() {
        let _ = write!(sql, "{} NOT NULL, ", define(column));
    }
    for column in table.values {
        let _ = write!(sql, "{}, ", define(column));
    }
    let key = quoted(table.key_columns().map(|column| column.name));
    let _ = write!(sql, "PRIMARY KEY ({key})) STRICT, WITHOUT ROWID");
    sql
}

/// The statement that adds a value column to a table of an older program.
pub(super) fn add(table: &Table, column: &Column) -> String {
    format!("ALTER TABLE {} ADD COLUMN {}", quote(table.name), define(column))
}

fn define(column: &Column) -> String {
    let kind = match column.kind {
        ColumnType::Text | ColumnType::Json => "TEXT",
        ColumnType::Int | ColumnType::BigInt => "INTEGER",
    };
    format!("{} {kind}", quote(column.name))
}

/// The columns that a table has in the file; none if there is no such table.
#[derive(Debug)]
pub(super) struct Present {
    names: BTreeSet<String>,
    key: Vec<String>,
}

impl Present {
    /// Asks the file.
    pub(super) fn read(conn: &Connection, table: &Table) -> rusqlite::Result<Self> {
        let mut statement = conn.prepare_cached(
            r#"SELECT "name", "pk" FROM pragma_table_info(?1) ORDER BY "pk", "cid""#,
        )?;
        let mut present = Self { names: BTreeSet::new(), key: Vec::new() };
        let mut rows = statement.query([table.name])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            if row.get::<_, i64>(1)? > 0 {
                present.key.push(name.clone());
            }
            present.names.insert(name);
        }
        Ok(present)
    }

    /// Whether there is no such table.
    pub(super) fn is_missing(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether the table has a column.
    pub(super) fn has(&self, column: &Column) -> bool {
        self.names.contains(column.name)
    }

    /// Whether the table's key is what its description says.
    pub(super) fn has_key_of(&self, table: &Table) -> bool {
        self.key.iter().map(String::as_str).eq(table.key_columns().map(|column| column.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::table::{Calendar, bigint, int, json, text};
    use aqs_api::tables::UNIQUE_DEVICES;

    #[test]
    fn keys_are_cassandras() {
        assert_eq!(
            create(&UNIQUE_DEVICES),
            r#"CREATE TABLE IF NOT EXISTS "unique_devices" ("project" TEXT NOT NULL, "access-site" TEXT NOT NULL, "granularity" TEXT NOT NULL, "timestamp" TEXT NOT NULL, "devices" INTEGER, "offset" INTEGER, "underestimate" INTEGER, PRIMARY KEY ("project", "access-site", "granularity", "timestamp")) STRICT, WITHOUT ROWID"#
        );
    }

    #[test]
    fn any_name_and_type_makes_a_table() -> rusqlite::Result<()> {
        static ODD: Table = Table {
            name: "odd \"name\"; DROP",
            partition: &[text("select"), text("a-b")],
            clustering: &[bigint("rank")],
            values: &[int("as"), json("JSON \"x\""), bigint("c")],
            calendar: Calendar::YearMonth,
        };
        let conn = Connection::open_in_memory()?;
        assert!(Present::read(&conn, &ODD)?.is_missing());
        conn.execute_batch(&create(&ODD))?;
        let present = Present::read(&conn, &ODD)?;
        assert!(ODD.columns().all(|column| present.has(column)));
        assert!(present.has_key_of(&ODD));
        assert!(!present.has_key_of(&UNIQUE_DEVICES));
        let late = int("late");
        assert!(!present.has(&late));
        conn.execute_batch(&add(&ODD, &late))?;
        assert!(Present::read(&conn, &ODD)?.has(&late));
        Ok(())
    }
}

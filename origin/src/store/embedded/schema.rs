//! The layout of a store's file.

use aqs_api::Table;
use aqs_api::table::{Column, ColumnType};
use rusqlite::Connection;

/// Marks an SQLite file as a store of this program: `aqs1` in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x6171_7331;
/// The version of the layout. New tables and new value columns don't change it: a writer adds
/// them and a reader does without.
pub(super) const VERSION: i32 = 1;

pub(super) const SUMMARY_DDL: &str = r#"CREATE TABLE IF NOT EXISTS "aqs_datasets" (
    "dataset" TEXT NOT NULL PRIMARY KEY,
    "first" TEXT,
    "last" TEXT,
    "series" INTEGER NOT NULL,
    "version" INTEGER NOT NULL
) STRICT, WITHOUT ROWID"#;

pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quote).collect::<Vec<_>>().join(", ")
}

pub(super) fn create(table: &Table) -> String {
    let keys = table.key_columns().map(|column| define(column) + " NOT NULL");
    let columns: Vec<_> = keys.chain(table.values.iter().map(define)).collect();
    format!(
        "CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY ({})) STRICT, WITHOUT ROWID",
        quote(table.name),
        columns.join(", "),
        quoted(table.key_columns().map(|column| column.name)),
    )
}

/// The statement that adds a value column to a table of an older program.
pub(super) fn add(table: &Table, column: &Column) -> String {
    format!("ALTER TABLE {} ADD COLUMN {}", quote(table.name), define(column))
}

fn define(column: &Column) -> String {
    let kind = match column.kind {
        // Periods are stored in digits, whatever their type.
        ColumnType::Text | ColumnType::Json | ColumnType::Timestamp | ColumnType::Date => "TEXT",
        ColumnType::Int | ColumnType::BigInt => "INTEGER",
        ColumnType::Double => "REAL",
    };
    format!("{} {kind}", quote(column.name))
}

/// The columns that a table has in the file, with their positions in its key: from 1, and 0
/// outside of the key. Empty if there is no such table.
#[derive(Debug)]
pub(super) struct ActualColumns(Vec<(String, i64)>);

impl ActualColumns {
    pub(super) fn read(conn: &Connection, table: &Table) -> rusqlite::Result<Self> {
        let sql = r#"SELECT "name", "pk" FROM pragma_table_info(?1) ORDER BY "pk", "cid""#;
        let mut statement = conn.prepare_cached(sql)?;
        let columns = statement.query_map([table.name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Self(columns.collect::<Result<_, _>>()?))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, column: &Column) -> bool {
        self.0.iter().any(|(name, _)| name == column.name)
    }

    /// Whether the table's key is as described.
    pub(super) fn has_key_of(&self, table: &Table) -> bool {
        let key = self.0.iter().filter(|(_, position)| *position > 0);
        key.map(|(name, _)| name.as_str()).eq(table.key_columns().map(|column| column.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::table::{Compression, Layout, bigint, int, json, text};
    use aqs_api::tables::UNIQUE_DEVICES;

    #[test]
    fn the_key_is_as_described() {
        assert_eq!(
            create(&UNIQUE_DEVICES),
            r#"CREATE TABLE IF NOT EXISTS "unique_devices" ("project" TEXT NOT NULL, "access-site" TEXT NOT NULL, "granularity" TEXT NOT NULL, "timestamp" TEXT NOT NULL, "devices" INTEGER, "offset" INTEGER, "underestimate" INTEGER, PRIMARY KEY ("project", "access-site", "granularity", "timestamp")) STRICT, WITHOUT ROWID"#
        );
    }

    #[test]
    fn a_table_can_have_any_name_and_type() -> rusqlite::Result<()> {
        static ODD: Table = Table {
            layout: Layout::Restbase,
            name: "odd \"name\"; DROP",
            partition: &[text("select"), text("a-b")],
            clustering: &[bigint("rank")],
            values: &[int("as"), json("JSON \"x\""), bigint("c")],
            compression: Compression::Default,
        };
        let conn = Connection::open_in_memory()?;
        assert!(ActualColumns::read(&conn, &ODD)?.is_empty());
        conn.execute_batch(&create(&ODD))?;
        let columns = ActualColumns::read(&conn, &ODD)?;
        assert!(ODD.columns().all(|column| columns.contains(column)));
        assert!(columns.has_key_of(&ODD));
        assert!(!columns.has_key_of(&UNIQUE_DEVICES));
        let late = int("late");
        assert!(!columns.contains(&late));
        conn.execute_batch(&add(&ODD, &late))?;
        assert!(ActualColumns::read(&conn, &ODD)?.contains(&late));
        Ok(())
    }
}

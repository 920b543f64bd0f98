//! Writes the rows of one table.

use super::error::QueryError;
use super::schema::{quote, quoted};
use super::summary::{Summary, SummaryWriter};
use crate::period::{BadPeriod, NoPeriod, PeriodColumns};
use crate::row::Cell;
use aqs_api::table::{Column, ColumnType};
use aqs_api::{Dataset, Table};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};
use std::collections::{BTreeMap, HashMap};
use thiserror::Error;

#[derive(Debug)]
pub(super) struct TableWriter {
    pub(super) table: &'static Table,
    period: PeriodColumns,
    summaries: Vec<SummaryWriter>,
    /// An upsert for each set of absent value columns.
    upserts: HashMap<AbsentColumns, String>,
}

/// The value columns that a row leaves as they are, a bit for each.
type AbsentColumns = u64;
const MAX_VALUE_COLUMNS: usize = AbsentColumns::BITS as usize;

#[derive(Debug, Error)]
pub(super) enum TableError {
    #[error(transparent)]
    Period(#[from] NoPeriod),
    #[error("has more than {MAX_VALUE_COLUMNS} value columns")]
    Wide,
    #[error("{0}")]
    Summary(#[from] QueryError),
}

#[derive(Debug, Error)]
pub(super) enum RowError {
    #[error("a row must have {expected} cells, not {found}")]
    Cells { expected: usize, found: usize },
    #[error("key column {0:?} must have a value")]
    NoKey(&'static str),
    #[error("column {column:?} takes {expected}, not {found}")]
    Type { column: &'static str, expected: &'static str, found: &'static str },
    #[error(transparent)]
    Period(#[from] BadPeriod),
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Cell::Absent | Cell::Null => ValueRef::Null,
            Cell::Int(number) => ValueRef::Integer(*number),
            Cell::Double(number) => ValueRef::Real(*number),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl TableWriter {
    pub(super) fn start(
        conn: &Connection,
        table: &'static Table,
        datasets: &[&'static Dataset],
        summaries: &BTreeMap<String, Summary>,
    ) -> Result<Self, TableError> {
        let period = PeriodColumns::of(table)?;
        if table.values.len() > MAX_VALUE_COLUMNS {
            return Err(TableError::Wide);
        }
        let datasets = datasets
            .iter()
            .filter(|dataset| dataset.table().is_some_and(|other| other.name == table.name));
        let summaries = datasets
            .map(|dataset| {
                SummaryWriter::start(conn, table, dataset, &period, summaries.get(dataset.name))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { table, period, summaries, upserts: HashMap::new() })
    }

    pub(super) fn row(&mut self, conn: &Connection, cells: &[Cell<'_>]) -> Result<(), RowError> {
        let absent = self.check(cells)?;
        let period = self.period.read(cells)?;
        for summary in self.summaries.iter_mut().filter(|summary| summary.matches(cells)) {
            summary.before_write(conn, cells, period)?;
        }
        let table = self.table;
        let sql = self.upserts.entry(absent).or_insert_with(|| upsert(table, absent));
        let present = cells.iter().filter(|cell| **cell != Cell::Absent);
        if conn.prepare_cached(sql)?.execute(params_from_iter(present))? > 0 {
            for summary in self.summaries.iter_mut().filter(|summary| summary.matches(cells)) {
                summary.set_changed();
            }
        }
        Ok(())
    }

    pub(super) fn summary(&mut self, dataset: &Dataset) -> Option<&mut SummaryWriter> {
        self.summaries.iter_mut().find(|summary| summary.dataset.name == dataset.name)
    }

    /// Writes the summaries of the datasets that changed, and returns their names.
    pub(super) fn finish(&mut self, conn: &Connection) -> rusqlite::Result<Vec<&'static str>> {
        let finished = self.summaries.iter_mut().map(|summary| summary.finish(conn));
        finished.filter_map(Result::transpose).collect()
    }

    /// Checks the types of cells, and returns which are absent. `STRICT` would accept `"12"` as a
    /// number, so it is not relied on.
    fn check(&self, cells: &[Cell<'_>]) -> Result<AbsentColumns, RowError> {
        let expected = self.table.columns().count();
        if cells.len() != expected {
            return Err(RowError::Cells { expected, found: cells.len() });
        }
        let keys = self.table.key_columns().count();
        let mut absent: AbsentColumns = 0;
        for (index, (column, cell)) in self.table.columns().zip(cells).enumerate() {
            match (index.checked_sub(keys), cell) {
                (None, Cell::Absent | Cell::Null) => return Err(RowError::NoKey(column.name)),
                (Some(value), Cell::Absent) => absent |= 1 << value,
                (_, Cell::Null | Cell::Int(_) | Cell::Double(_) | Cell::Text(_)) => {
                    check_type(column, cell)?;
                }
            }
        }
        Ok(absent)
    }
}

fn check_type(column: &Column, cell: &Cell<'_>) -> Result<(), RowError> {
    let expected = match (column.kind, cell) {
        (_, Cell::Absent | Cell::Null)
        | (
            ColumnType::Text | ColumnType::Json | ColumnType::Timestamp | ColumnType::Date,
            Cell::Text(_),
        )
        | (ColumnType::BigInt, Cell::Int(_))
        | (ColumnType::Double, Cell::Double(_)) => return Ok(()),
        (ColumnType::Int, Cell::Int(number)) if i32::try_from(*number).is_ok() => return Ok(()),
        (ColumnType::Text | ColumnType::Json, _) => "a text",
        (ColumnType::Timestamp | ColumnType::Date, _) => "a period in digits",
        (ColumnType::Int, _) => "an integer of 32 bits",
        (ColumnType::BigInt, _) => "an integer of 64 bits",
        (ColumnType::Double, _) => "a number",
    };
    let found = match cell {
        Cell::Text(_) => "a text",
        Cell::Double(_) => "this number",
        Cell::Int(_) | Cell::Absent | Cell::Null => "this integer",
    };
    Err(RowError::Type { column: column.name, expected, found })
}

/// Inserts a row, or updates its present cells if one of them differs: a load without changes
/// writes nothing.
fn upsert(table: &Table, absent: AbsentColumns) -> String {
    let values: Vec<_> = (table.values.iter().enumerate())
        .filter(|(index, _)| absent >> index & 1 == 0)
        .map(|(_, column)| column.name)
        .collect();
    let columns = || table.key_columns().map(|column| column.name).chain(values.iter().copied());
    let target = quote(table.name);
    let marks = vec!["?"; columns().count()].join(", ");
    let insert = format!("INSERT INTO {target} ({}) VALUES ({marks})", quoted(columns()));
    if values.is_empty() {
        return insert + " ON CONFLICT DO NOTHING";
    }
    let joined = |format: fn(&str, String) -> String, separator: &str| {
        let parts: Vec<_> = values.iter().map(|name| format(&target, quote(name))).collect();
        parts.join(separator)
    };
    let set = joined(|_, name| format!("{name} = excluded.{name}"), ", ");
    let differs = joined(|target, name| format!("{target}.{name} IS NOT excluded.{name}"), " OR ");
    format!("{insert} ON CONFLICT DO UPDATE SET {set} WHERE {differs}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::tables::{PAGEVIEWS_PER_PROJECT, TOP_PAGEVIEWS};

    #[test]
    fn an_upsert_has_the_present_columns() {
        assert_eq!(
            upsert(&PAGEVIEWS_PER_PROJECT, 0b10),
            r#"INSERT INTO "pageviews_per_project_v2" ("project", "access", "agent", "granularity", "timestamp", "v") VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "v" = excluded."v" WHERE "pageviews_per_project_v2"."v" IS NOT excluded."v""#
        );
        assert!(upsert(&TOP_PAGEVIEWS, 0b11).ends_with("(?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"));
    }
}

//! Writing the rows of one table.

use super::schema::{quote, quoted};
use super::summary::{Summary, SummaryError};
use super::tally::Tally;
use crate::load::period::{BadPeriod, When};
use crate::load::row::Cell;
use aqs_api::table::{Column, ColumnType};
use aqs_api::{Dataset, Table};
use rusqlite::Connection;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use thiserror::Error;

/// One table of a load.
#[derive(Debug)]
pub(super) struct TableWriter {
    pub(super) table: &'static Table,
    when: When,
    tallies: Vec<Tally>,
    /// An upsert for each set of value columns that rows had absent.
    upserts: HashMap<Absent, String>,
}

/// The value columns that a row leaves as they are, a bit for each.
type Absent = u64;
const MOST_VALUES: usize = Absent::BITS as usize;

/// A table that can't be written.
#[derive(Debug, Error)]
pub(super) enum TableError {
    #[error("has no column {0:?}, which its calendar asks for")]
    NoPeriod(&'static str),
    #[error("has more than {MOST_VALUES} value columns")]
    Wide,
    #[error("{0}")]
    Summary(#[from] SummaryError),
}

/// A row that can't be written.
#[derive(Debug, Error)]
pub(super) enum RowError {
    #[error("a row must have {expected} cells, not {found}")]
    Cells { expected: usize, found: usize },
    #[error("key column {0:?} must have a value")]
    NoKey(&'static str),
    #[error("column {column:?} takes {expected}, not {found}")]
    Kind { column: &'static str, expected: &'static str, found: &'static str },
    #[error(transparent)]
    Period(#[from] BadPeriod),
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl TableWriter {
    pub(super) fn start(
        conn: &Connection,
        table: &'static Table,
        datasets: &[&'static Dataset],
        summaries: &BTreeMap<String, Summary>,
    ) -> Result<Self, TableError> {
        let when = When::of(table).map_err(TableError::NoPeriod)?;
        if table.values.len() > MOST_VALUES {
            return Err(TableError::Wide);
        }
        let own = datasets.iter().filter(|dataset| dataset.table.name == table.name);
        let tallies =
            own.map(|dataset| Tally::start(conn, dataset, &when, summaries.get(dataset.name)));
        let tallies = tallies.collect::<Result<_, _>>()?;
        Ok(Self { table, when, tallies, upserts: HashMap::new() })
    }

    /// Writes a row.
    pub(super) fn row(&mut self, conn: &Connection, cells: &[Cell<'_>]) -> Result<(), RowError> {
        let absent = self.check(cells)?;
        let period = self.when.read(cells)?;
        for tally in self.tallies.iter_mut().filter(|tally| tally.holds(cells)) {
            tally.before(conn, cells, period)?;
        }
        let table = self.table;
        let sql = self.upserts.entry(absent).or_insert_with(|| upsert(table, absent));
        let mut statement = conn.prepare_cached(sql)?;
        let mut parameter = 0;
        for cell in cells {
            parameter += 1;
            match cell {
                Cell::Absent => parameter -= 1,
                Cell::Null => statement.raw_bind_parameter(parameter, rusqlite::types::Null)?,
                Cell::Int(number) => statement.raw_bind_parameter(parameter, number)?,
                Cell::Text(text) => statement.raw_bind_parameter(parameter, text.as_ref())?,
            }
        }
        if statement.raw_execute()? > 0 {
            for tally in self.tallies.iter_mut().filter(|tally| tally.holds(cells)) {
                tally.change();
            }
        }
        Ok(())
    }

    /// Writes the summaries of what has changed; tells which datasets have.
    pub(super) fn finish(&mut self, conn: &Connection) -> rusqlite::Result<Vec<&'static str>> {
        let mut changed = Vec::new();
        for tally in &mut self.tallies {
            changed.extend(tally.finish(conn)?);
        }
        Ok(changed)
    }

    /// Looks whether the cells fit their columns; tells which are absent. `STRICT` would take
    /// `"12"` for a number, so it is not relied on.
    fn check(&self, cells: &[Cell<'_>]) -> Result<Absent, RowError> {
        let (keys, values) = (self.table.key_columns(), self.table.values);
        let expected = self.table.columns().count();
        let mut absent: Absent = 0;
        let mut rest = cells.iter();
        for (column, cell) in keys.zip(&mut rest) {
            match cell {
                Cell::Absent | Cell::Null => return Err(RowError::NoKey(column.name)),
                cell => fits(column, cell)?,
            }
        }
        for (index, (column, cell)) in values.iter().zip(&mut rest).enumerate() {
            if *cell == Cell::Absent {
                absent |= 1 << index;
            }
            fits(column, cell)?;
        }
        if cells.len() != expected {
            return Err(RowError::Cells { expected, found: cells.len() });
        }
        Ok(absent)
    }
}

fn fits(column: &Column, cell: &Cell<'_>) -> Result<(), RowError> {
    let expected = match (column.kind, cell) {
        (_, Cell::Absent | Cell::Null)
        | (ColumnType::Text | ColumnType::Json, Cell::Text(_))
        | (ColumnType::BigInt, Cell::Int(_)) => return Ok(()),
        (ColumnType::Int, Cell::Int(number)) if i32::try_from(*number).is_ok() => return Ok(()),
        (ColumnType::Text | ColumnType::Json, _) => "a text",
        (ColumnType::Int, _) => "an integer of 32 bits",
        (ColumnType::BigInt, _) => "an integer of 64 bits",
    };
    let found = match cell {
        Cell::Text(_) => "a text",
        Cell::Int(_) => "this integer",
        Cell::Null | Cell::Absent => "nothing",
    };
    Err(RowError::Kind { column: column.name, expected, found })
}

/// Inserts a row, or changes the cells that it has and that are not the same already: a load
/// that brings nothing new writes nothing.
fn upsert(table: &Table, absent: Absent) -> String {
    let values: Vec<&str> = (table.values.iter().enumerate())
        .filter(|(index, _)| absent >> index & 1 == 0)
        .map(|(_, column)| column.name)
        .collect();
    let columns = || table.key_columns().map(|column| column.name).chain(values.iter().copied());
    let target = quote(table.name);
    let marks = vec!["?"; columns().count()].join(", ");
    let mut sql = format!("INSERT INTO {target} ({}) VALUES ({marks}) ", quoted(columns()));
    if values.is_empty() {
        sql.push_str("ON CONFLICT DO NOTHING");
        return sql;
    }
    sql.push_str("ON CONFLICT DO UPDATE SET ");
    for (index, name) in values.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(sql, "{comma}{0} = excluded.{0}", quote(name));
    }
    for (index, name) in values.iter().enumerate() {
        let word = if index == 0 { " WHERE" } else { " OR" };
        let _ = write!(sql, "{word} {target}.{0} IS NOT excluded.{0}", quote(name));
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::tables::{PAGEVIEWS_PER_PROJECT, TOP_PAGEVIEWS};

    #[test]
    fn an_upsert_names_what_the_row_has() {
        assert_eq!(
            upsert(&PAGEVIEWS_PER_PROJECT, 0b10),
            r#"INSERT INTO "pageviews_per_project_v2" ("project", "access", "agent", "granularity", "timestamp", "v") VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "v" = excluded."v" WHERE "pageviews_per_project_v2"."v" IS NOT excluded."v""#
        );
        assert!(upsert(&TOP_PAGEVIEWS, 0b11).ends_with("(?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"));
    }
}

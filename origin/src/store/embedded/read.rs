//! Reading one partition.

use super::error::names_what_is_missing;
use super::schema::{Present, quote};
use aqs_api::calendar::Digits;
use aqs_api::rows::{RowsBuilder, RowsError};
use aqs_api::table::{Calendar, Column, ColumnType};
use aqs_api::{Catalogue, Read, Rows, Table};
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;
use thiserror::Error;

/// A partition could not be read.
#[derive(Debug, Error)]
pub(super) enum ReadError {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error(
        "column {column:?} holds {found} where {expected} belongs (row {row}): the file was not \
         written by this program, or is damaged"
    )]
    Cell { column: &'static str, row: usize, found: &'static str, expected: &'static str },
    #[error("the table has no key column {0:?}; load the data into a new path")]
    NoKey(&'static str),
    #[error("its key has {expected} parts, and {found} were given")]
    Key { expected: usize, found: usize },
    #[error("a range was given, and the table has no timestamps")]
    NoTimestamps,
    #[error("{0}")]
    Rows(#[from] RowsError),
}

/// The statements that read the tables of a catalogue: of whole partitions and of ranges.
#[derive(Debug)]
pub(super) struct Selects(HashMap<&'static str, [String; 2]>);

impl Selects {
    pub(super) fn of(catalogue: &Catalogue) -> Self {
        let both = |table| [select(table, false, |_| true), select(table, true, |_| true)];
        Self(catalogue.tables().into_iter().map(|table| (table.name, both(table))).collect())
    }

    fn get(&self, table: &'static Table, ranged: bool) -> Cow<'_, str> {
        match self.0.get(table.name) {
            Some([whole, range]) => Cow::Borrowed(if ranged { range } else { whole }),
            None => Cow::Owned(select(table, ranged, |_| true)),
        }
    }
}

/// The rows of a partition; none if the table is not there yet.
pub(super) fn partition(
    conn: &Connection,
    selects: &Selects,
    read: &Read,
) -> Result<Rows, ReadError> {
    let table = read.dataset.table;
    let (expected, found) = (table.partition.len(), read.partition.len());
    if expected != found {
        return Err(ReadError::Key { expected, found });
    }
    if read.range.is_some() && !matches!(table.calendar, Calendar::Series(_)) {
        return Err(ReadError::NoTimestamps);
    }
    match prepare(conn, selects, table, read.range.is_some())? {
        Some(mut statement) => fetch(&mut statement, read),
        None => Ok(Rows::of(table).finish()),
    }
}

fn prepare<'c>(
    conn: &'c Connection,
    selects: &Selects,
    table: &'static Table,
    ranged: bool,
) -> Result<Option<CachedStatement<'c>>, ReadError> {
    let refused = match conn.prepare_cached(&selects.get(table, ranged)) {
        Ok(statement) => return Ok(Some(statement)),
        Err(error) => error,
    };
    // Perhaps an older program made the file, and no load has brought it up to date yet.
    if !names_what_is_missing(&refused) {
        return Err(refused.into());
    }
    let present = Present::read(conn, table)?;
    if present.is_missing() {
        return Ok(None);
    }
    if let Some(column) = table.key_columns().find(|column| !present.has(column)) {
        return Err(ReadError::NoKey(column.name));
    }
    Ok(Some(conn.prepare_cached(&select(table, ranged, |column| present.has(column)))?))
}

/// All that a read gives, with null for columns that are not there.
fn select(table: &Table, ranged: bool, has: impl Fn(&Column) -> bool) -> String {
    let mut sql = String::from("SELECT ");
    for (index, column) in table.read_columns().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let name = if has(column) { quote(column.name) } else { "NULL".to_owned() };
        let _ = write!(sql, "{comma}{name}");
    }
    let _ = write!(sql, " FROM {}", quote(table.name));
    for (index, column) in table.partition.iter().enumerate() {
        let word = if index == 0 { "WHERE" } else { "AND" };
        let _ = write!(sql, " {word} {} = ?", quote(column.name));
    }
    if ranged {
        sql.push_str(r#" AND "timestamp" >= ? AND "timestamp" <= ?"#);
    }
    for (index, column) in table.clustering.iter().enumerate() {
        let word = if index == 0 { " ORDER BY" } else { "," };
        let _ = write!(sql, "{word} {}", quote(column.name));
    }
    sql
}

fn fetch(statement: &mut CachedStatement<'_>, read: &Read) -> Result<Rows, ReadError> {
    let mut parameter = 0;
    let mut bind = |text: &str| {
        parameter += 1;
        statement.raw_bind_parameter(parameter, text)
    };
    read.partition.iter().try_for_each(&mut bind)?;
    if let Some((first, last)) = &read.range {
        [first, last].into_iter().map(Digits::as_str).try_for_each(bind)?;
    }
    let table = read.dataset.table;
    let mut builder = Rows::of(table);
    let mut count = 0;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        count += 1;
        for (index, column) in table.read_columns().enumerate() {
            cell(&mut builder, index, column, count, row.get_ref(index)?)?;
        }
        builder.end_row()?;
    }
    Ok(builder.finish())
}

fn cell(
    builder: &mut RowsBuilder,
    index: usize,
    column: &'static Column,
    row: usize,
    value: ValueRef<'_>,
) -> Result<(), ReadError> {
    let wrong = |found, expected| ReadError::Cell { column: column.name, row, found, expected };
    match column.kind {
        ColumnType::Int | ColumnType::BigInt => match value {
            ValueRef::Integer(number) => builder.int(index, Some(number))?,
            ValueRef::Null => builder.int(index, None)?,
            other => return Err(wrong(name(other), "an integer")),
        },
        ColumnType::Text | ColumnType::Json => match value {
            ValueRef::Text(bytes) => {
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| wrong("a text that is no UTF-8", "a text"))?;
                builder.text(index, Some(text))?;
            }
            ValueRef::Null => builder.text(index, None)?,
            other => return Err(wrong(name(other), "a text")),
        },
    }
    Ok(())
}

fn name(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Null => "null",
        ValueRef::Integer(_) => "an integer",
        ValueRef::Real(_) => "a fraction",
        ValueRef::Text(_) => "a text",
        ValueRef::Blob(_) => "bytes",
    }
}

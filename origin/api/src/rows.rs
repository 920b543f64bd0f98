//! The rows that a store returns: typed columns with nulls.

mod between;
mod column;

pub use column::{Cells, Texts};

use crate::calendar::Digits;
use crate::source::EventSource;
use crate::table::{ColumnType, Table};
use column::{Column, Timestamps};
use thiserror::Error;

/// Rows of one partition in clustering order, column by column.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    schema: Schema,
    columns: Vec<Column>,
    /// The columns that the store's table does not have, filled with nulls.
    absent: Vec<&'static str>,
    len: usize,
}

/// The columns of rows, in two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Schema {
    /// Of the table or metric, for messages.
    name: &'static str,
    keys: &'static [crate::table::Column],
    values: &'static [crate::table::Column],
}

impl Schema {
    fn columns(&self) -> impl Iterator<Item = &'static crate::table::Column> + use<> {
        self.keys.iter().chain(self.values)
    }
}

/// A column doesn't exist, has another type, or was filled wrongly.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RowsError {
    #[error("the rows have no column {0:?} of the wanted type")]
    NoColumn(String),
    #[error("the rows have no periods")]
    NoPeriods,
    #[error("column {0:?} was filled out of step with the others")]
    Ragged(&'static str),
    #[error("JSON has no number {0}")]
    NotFinite(String),
    #[error("table {table}: {text:?} is no timestamp")]
    Timestamp { table: &'static str, text: String },
}

impl Rows {
    /// Starts rows of a table: its clustering and value columns, in order.
    pub fn of(table: &'static Table) -> RowsBuilder {
        let Table { name, clustering: keys, values, .. } = *table;
        Self::over(Schema { name, keys, values })
    }

    /// Starts rows of aggregated events: the columns of the source, in order.
    pub fn of_events(source: &'static EventSource) -> RowsBuilder {
        let EventSource { metric: name, columns: keys, .. } = *source;
        Self::over(Schema { name, keys, values: &[] })
    }

    fn over(schema: Schema) -> RowsBuilder {
        let mut columns = Vec::with_capacity(schema.keys.len() + schema.values.len());
        columns.extend(schema.columns().map(|column| match column.kind {
            _ if column.form().is_some() => Column::Timestamps(Timestamps::default()),
            ColumnType::Timestamp | ColumnType::Date => Column::Timestamps(Timestamps::default()),
            ColumnType::Int | ColumnType::BigInt => Column::Ints(Cells::default()),
            ColumnType::Double => Column::Doubles(Cells::default()),
            ColumnType::Text | ColumnType::Json => Column::Texts(Texts::default()),
        }));
        let rows = Self { schema, columns, absent: Vec::new(), len: 0 };
        RowsBuilder { rows, filled: 0, text_bytes: 0 }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the store's table does not have a column of the description. Reading it is an
    /// error: its nulls would be taken for zeros.
    pub fn is_absent(&self, name: &str) -> bool {
        self.absent.contains(&name)
    }

    pub fn ints(&self, name: &str) -> Result<&Cells<i64>, RowsError> {
        let Some(Column::Ints(cells)) = self.column(name) else {
            return Err(RowsError::NoColumn(name.to_owned()));
        };
        Ok(cells)
    }

    pub fn doubles(&self, name: &str) -> Result<&Cells<f64>, RowsError> {
        let Some(Column::Doubles(cells)) = self.column(name) else {
            return Err(RowsError::NoColumn(name.to_owned()));
        };
        Ok(cells)
    }

    pub fn texts(&self, name: &str) -> Result<&Texts, RowsError> {
        let Some(Column::Texts(texts)) = self.column(name) else {
            return Err(RowsError::NoColumn(name.to_owned()));
        };
        Ok(texts)
    }

    /// The periods of a series, in row order; an error if one is no timestamp.
    pub fn timestamps(&self) -> Result<&[Digits], RowsError> {
        let timestamps = self.timestamp_column()?;
        match timestamps.broken.first() {
            None => Ok(&timestamps.digits),
            Some((_, text)) => {
                Err(RowsError::Timestamp { table: self.schema.name, text: text.to_string() })
            }
        }
    }

    pub fn weight(&self) -> usize {
        self.columns.iter().map(Column::weight).sum()
    }

    fn timestamp_column(&self) -> Result<&Timestamps, RowsError> {
        let timestamps = self.columns.iter().find_map(|column| match column {
            Column::Timestamps(timestamps) => Some(timestamps),
            Column::Ints(_) | Column::Doubles(_) | Column::Texts(_) => None,
        });
        timestamps.ok_or(RowsError::NoPeriods)
    }

    fn column(&self, name: &str) -> Option<&Column> {
        if self.is_absent(name) {
            return None;
        }
        let index = self.schema.columns().position(|held| held.name == name)?;
        self.columns.get(index)
    }
}

/// Fills [`Rows`] cell by cell. It is unusable after an error.
#[derive(Debug)]
pub struct RowsBuilder {
    rows: Rows,
    /// The number of cells in the unfinished row.
    filled: usize,
    /// The bytes that a column reserves at its first text: of several, often only one has any.
    text_bytes: usize,
}

impl RowsBuilder {
    /// Marks the column at a position of `Table::read_columns` as absent from the store's table.
    /// It is still filled, with nulls.
    pub fn absent(&mut self, column: usize) {
        self.rows.absent.extend(self.rows.schema.columns().nth(column).map(|column| column.name));
    }

    /// Appends an integer, or null, to the column at a position of `Table::read_columns`.
    #[inline]
    pub fn int(&mut self, column: usize, value: Option<i64>) -> Result<(), RowsError> {
        match self.rows.columns.get_mut(column) {
            Some(Column::Ints(cells)) if cells.values.len() == self.rows.len => {
                cells.push(value);
                self.filled += 1;
                Ok(())
            }
            _ => Err(self.misfit(column)),
        }
    }

    /// Appends a double, or null, to the column at a position of `Table::read_columns`. JSON has
    /// neither infinity nor NaN.
    pub fn double(&mut self, column: usize, value: Option<f64>) -> Result<(), RowsError> {
        if let Some(value) = value.filter(|value| !value.is_finite()) {
            return Err(RowsError::NotFinite(value.to_string()));
        }
        match self.rows.columns.get_mut(column) {
            Some(Column::Doubles(cells)) if cells.values.len() == self.rows.len => {
                cells.push(value);
                self.filled += 1;
                Ok(())
            }
            _ => Err(self.misfit(column)),
        }
    }

    /// Appends a text, or null, to the column at a position of `Table::read_columns`. In that of
    /// timestamps any text is taken: [`Rows::timestamps`] checks it.
    #[inline]
    pub fn text(&mut self, column: usize, value: Option<&str>) -> Result<(), RowsError> {
        match self.rows.columns.get_mut(column) {
            Some(Column::Texts(texts)) if texts.ends.len() == self.rows.len => {
                if value.is_none() {
                    texts.nulls.set(texts.ends.len());
                }
                if let Some(value) = value {
                    if texts.arena.is_empty() {
                        texts.arena.reserve(self.text_bytes);
                    }
                    texts.arena.push_str(value);
                }
                texts.ends.push(texts.arena.len());
            }
            Some(Column::Timestamps(timestamps)) if timestamps.digits.len() == self.rows.len => {
                timestamps.push_text(value);
            }
            _ => return Err(self.misfit(column)),
        }
        self.filled += 1;
        Ok(())
    }

    /// Appends a timestamp to the column of timestamps.
    #[inline]
    pub fn timestamp(&mut self, column: usize, value: Digits) -> Result<(), RowsError> {
        match self.rows.columns.get_mut(column) {
            Some(Column::Timestamps(timestamps)) if timestamps.digits.len() == self.rows.len => {
                timestamps.digits.push(value);
                self.filled += 1;
                Ok(())
            }
            _ => Err(self.misfit(column)),
        }
    }

    #[cold]
    fn misfit(&self, column: usize) -> RowsError {
        let Rows { schema, columns, len, .. } = &self.rows;
        match columns.get(column) {
            Some(held) if held.len() != *len => ragged(schema, column),
            _ => RowsError::NoColumn(format!("#{column}")),
        }
    }

    /// Ends a row; every column must have its cell.
    #[inline]
    pub fn end_row(&mut self) -> Result<(), RowsError> {
        // No column takes two cells of a row, so the right number of cells is one of each.
        if std::mem::take(&mut self.filled) != self.rows.columns.len() {
            return Err(self.lacking());
        }
        self.rows.len += 1;
        Ok(())
    }

    #[cold]
    fn lacking(&self) -> RowsError {
        let Rows { schema, columns, len, .. } = &self.rows;
        ragged(schema, columns.iter().position(|column| column.len() == *len).unwrap_or(0))
    }

    /// Reserves space for more rows and for the bytes of their texts.
    pub fn reserve(&mut self, rows: usize, text_bytes: usize) {
        self.text_bytes = text_bytes;
        self.rows.columns.iter_mut().for_each(|column| column.reserve(rows));
    }

    pub fn weight(&self) -> usize {
        self.rows.weight()
    }

    pub fn finish(self) -> Rows {
        self.rows
    }
}

fn ragged(schema: &Schema, column: usize) -> RowsError {
    RowsError::Ragged(schema.columns().nth(column).map_or("", |column| column.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::{LEGACY_PAGECOUNTS, TOP_PAGEVIEWS};

    #[test]
    fn nulls_are_not_zeros() -> Result<(), RowsError> {
        let mut builder = Rows::of(&LEGACY_PAGECOUNTS);
        for (timestamp, count) in
            [("2016010100", Some(0)), ("2016010200", None), ("2016010300", Some(7))]
        {
            builder.text(0, Some(timestamp))?;
            builder.int(1, count)?;
            builder.end_row()?;
        }
        let rows = builder.finish();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows.ints("count")?.iter().collect::<Vec<_>>(), [Some(0), None, Some(7)]);
        assert_eq!(rows.ints("count")?.or_zero(), [0, 0, 7]);
        let timestamps: Vec<_> = rows.timestamps()?.iter().map(Digits::as_str).collect();
        assert_eq!(timestamps, ["2016010100", "2016010200", "2016010300"]);
        assert_eq!(rows.ints("timestamp"), Err(RowsError::NoColumn("timestamp".to_owned())));
        Ok(())
    }

    #[test]
    fn an_empty_text_is_not_null() -> Result<(), RowsError> {
        let mut builder = Rows::of(&TOP_PAGEVIEWS);
        builder.text(0, Some(""))?;
        builder.text(1, None)?;
        builder.end_row()?;
        let rows = builder.finish();
        assert_eq!(rows.texts("articlesJSON")?.get(0), Some(""));
        assert_eq!(rows.texts("articles")?.get(0), None);
        Ok(())
    }

    #[test]
    fn a_text_that_is_no_timestamp_is_an_error_on_read() -> Result<(), RowsError> {
        let mut builder = Rows::of(&LEGACY_PAGECOUNTS);
        for timestamp in [Some("2016010100"), Some("soon"), None, Some("2016010300")] {
            builder.text(0, timestamp)?;
            builder.int(1, Some(1))?;
            builder.end_row()?;
        }
        let rows = builder.finish();
        let error = rows.timestamps().unwrap_err().to_string();
        assert_eq!(error, format!("table {}: \"soon\" is no timestamp", LEGACY_PAGECOUNTS.name));
        assert_eq!(rows.ints("count")?.or_zero(), [1; 4]);
        Ok(())
    }

    #[test]
    fn every_cell_has_weight() -> Result<(), RowsError> {
        let weight = |timestamp: &str| {
            let mut builder = Rows::of(&LEGACY_PAGECOUNTS);
            builder.text(0, Some(timestamp))?;
            builder.int(1, None)?;
            builder.end_row()?;
            Ok(builder.weight())
        };
        assert!(weight("2016010100")? >= 16);
        assert!(weight(&"x".repeat(5000))? > 5000);
        Ok(())
    }

    #[test]
    fn ragged_rows_are_rejected() {
        let mut builder = Rows::of(&LEGACY_PAGECOUNTS);
        assert_eq!(builder.text(0, Some("2016010100")), Ok(()));
        assert_eq!(builder.text(0, Some("2016010100")), Err(RowsError::Ragged("timestamp")));
        assert_eq!(builder.end_row(), Err(RowsError::Ragged("count")));
        assert!(builder.int(0, Some(1)).is_err());
        assert!(builder.int(9, Some(1)).is_err());
    }
}

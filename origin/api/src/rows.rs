//! What a store answers: columns, typed, with nulls apart from values.

mod between;

use crate::table::{Kind, Table};
use thiserror::Error;

/// Rows of one partition in clustering order, column by column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    table: &'static Table,
    columns: Vec<Column>,
    len: usize,
}

/// One column's cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// Integers of either width.
    Ints(Cells<i64>),
    /// Texts, laid end to end in one arena.
    Texts(Texts),
}

/// Fixed-width cells and a mask of those that are null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells<T> {
    values: Vec<T>,
    nulls: Nulls,
}

/// Texts in an arena and a mask of those that are null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    arena: String,
    ends: Vec<usize>,
    nulls: Nulls,
}

/// One bit a row; empty as long as no cell is null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Nulls(Vec<u64>);

/// A column was asked for that the rows don't have, or filled with what it doesn't hold.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RowsError {
    /// No such column, or none of that type.
    #[error("the rows have no column {0:?} of the wanted type")]
    NoColumn(String),
    /// A row was given a cell too few, too many or of another type.
    #[error("column {0:?} was filled out of step with the others")]
    Ragged(&'static str),
}

impl Rows {
    /// Starts rows of a table: its clustering and value columns, in order.
    pub fn of(table: &'static Table) -> RowsBuilder {
        let mut columns = Vec::with_capacity(table.clustering.len() + table.values.len());
        columns.extend(table.read_columns().map(|column| match column.kind {
            Kind::Int | Kind::BigInt => Column::Ints(Cells::default()),
            Kind::Text | Kind::Json => Column::Texts(Texts::default()),
        }));
        RowsBuilder { rows: Self { table, columns, len: 0 }, text_bytes: 0 }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A column of integers.
    pub fn ints(&self, name: &str) -> Result<&Cells<i64>, RowsError> {
        match self.column(name) {
            Some(Column::Ints(cells)) => Ok(cells),
            _ => Err(RowsError::NoColumn(name.to_owned())),
        }
    }

    /// A column of texts.
    pub fn texts(&self, name: &str) -> Result<&Texts, RowsError> {
        match self.column(name) {
            Some(Column::Texts(texts)) => Ok(texts),
            _ => Err(RowsError::NoColumn(name.to_owned())),
        }
    }

    /// About how many bytes the rows take in memory.
    pub fn weight(&self) -> usize {
        let column = |column: &Column| match column {
            Column::Ints(cells) => cells.values.capacity() * 8,
            Column::Texts(texts) => texts.arena.capacity() + texts.ends.capacity() * 8,
        };
        self.columns.iter().map(column).sum()
    }

    fn column(&self, name: &str) -> Option<&Column> {
        let index = self.table.read_columns().position(|held| held.name == name)?;
        self.columns.get(index)
    }
}

impl Cells<i64> {
    /// The cells in row order; `None` is null.
    pub fn iter(&self) -> impl Iterator<Item = Option<i64>> {
        self.values.iter().enumerate().map(|(row, value)| (!self.nulls.get(row)).then_some(*value))
    }

    /// The cells in row order; null is zero.
    pub fn or_zero(&self) -> &[i64] {
        &self.values
    }
}

impl Texts {
    /// The cell of a row; `None` if it is null or there is no such row.
    pub fn get(&self, row: usize) -> Option<&str> {
        let end = *self.ends.get(row)?;
        let start =
            row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        if self.nulls.get(row) { None } else { self.arena.get(start..end) }
    }

    /// The cells in row order; `None` is null.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        let mut start = 0;
        self.ends.iter().enumerate().map(move |(row, end)| {
            let text = self.arena.get(start..*end);
            start = *end;
            if self.nulls.get(row) { None } else { text }
        })
    }
}

impl Nulls {
    fn set(&mut self, row: usize) {
        let word = row / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << (row % 64);
        }
    }

    fn get(&self, row: usize) -> bool {
        self.0.get(row / 64).is_some_and(|bits| bits >> (row % 64) & 1 == 1)
    }
}

/// Fills [`Rows`] cell by cell.
#[derive(Debug)]
pub struct RowsBuilder {
    rows: Rows,
    /// How much room a column makes at its first text: of several, often one alone has any.
    text_bytes: usize,
}

impl RowsBuilder {
    /// Appends an integer, or null, to the column at a position of `Table::read_columns`.
    #[inline]
    pub fn int(&mut self, column: usize, value: Option<i64>) -> Result<(), RowsError> {
        match self.rows.columns.get_mut(column) {
            Some(Column::Ints(cells)) => {
                if value.is_none() {
                    cells.nulls.set(cells.values.len());
                }
                cells.values.push(value.unwrap_or(0));
                Ok(())
            }
            _ => Err(no_column(column)),
        }
    }

    /// Appends a text, or null, to the column at a position of `Table::read_columns`.
    #[inline]
    pub fn text(&mut self, column: usize, value: Option<&str>) -> Result<(), RowsError> {
        match self.rows.columns.get_mut(column) {
            Some(Column::Texts(texts)) => {
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
                Ok(())
            }
            _ => Err(no_column(column)),
        }
    }

    /// Ends a row; every column must have got its cell.
    pub fn end_row(&mut self) -> Result<(), RowsError> {
        self.rows.len += 1;
        let rows = &self.rows;
        for (index, column) in rows.columns.iter().enumerate() {
            let len = match column {
                Column::Ints(cells) => cells.values.len(),
                Column::Texts(texts) => texts.ends.len(),
            };
            if len != rows.len {
                let name = rows.table.read_columns().nth(index).map_or("", |column| column.name);
                return Err(RowsError::Ragged(name));
            }
        }
        Ok(())
    }

    /// Makes room for so many more rows, whose texts have about so many bytes.
    pub fn reserve(&mut self, rows: usize, text_bytes: usize) {
        self.text_bytes = text_bytes;
        for column in &mut self.rows.columns {
            match column {
                Column::Ints(cells) => cells.values.reserve(rows),
                Column::Texts(texts) => texts.ends.reserve(rows),
            }
        }
    }

    /// About how many bytes the rows take by now.
    pub fn weight(&self) -> usize {
        self.rows.weight()
    }

    /// The rows filled so far.
    pub fn finish(self) -> Rows {
        self.rows
    }
}

#[cold]
fn no_column(index: usize) -> RowsError {
    RowsError::NoColumn(format!("#{index}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::{LEGACY_PAGECOUNTS, TOP_PAGEVIEWS};

    #[test]
    fn nulls_are_no_zeros() -> Result<(), RowsError> {
        let mut builder = Rows::of(&LEGACY_PAGECOUNTS);
        for (stamp, count) in
            [("2016010100", Some(0)), ("2016010200", None), ("2016010300", Some(7))]
        {
            builder.text(0, Some(stamp))?;
            builder.int(1, count)?;
            builder.end_row()?;
        }
        let rows = builder.finish();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows.ints("count")?.iter().collect::<Vec<_>>(), [Some(0), None, Some(7)]);
        assert_eq!(rows.ints("count")?.or_zero(), [0, 0, 7]);
        assert_eq!(rows.texts("timestamp")?.get(1), Some("2016010200"));
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
    fn rows_out_of_step_are_refused() {
        let mut builder = Rows::of(&LEGACY_PAGECOUNTS);
        assert_eq!(builder.text(0, Some("2016010100")), Ok(()));
        assert_eq!(builder.end_row(), Err(RowsError::Ragged("count")));
        assert!(builder.int(0, Some(1)).is_err());
        assert!(builder.int(9, Some(1)).is_err());
    }
}

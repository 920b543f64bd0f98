//! From the cells of a frame to rows, without anything in between.

use super::cells::{CellBytes, Cells, PageRows};
use aqs_api::calendar::Digits;
use aqs_api::rows::{RowsBuilder, RowsError};
use aqs_api::table::{Column, Kind};
use aqs_api::{Rows, Table};
use scylla::deserialize::DeserializationError;
use smallvec::SmallVec;
use std::fmt::Display;
use thiserror::Error;

/// A row that can't be read.
#[derive(Debug, Error)]
pub(super) enum CellError {
    #[error("column {column:?} holds {found} where {expected} belongs")]
    Cell { column: &'static str, found: String, expected: &'static str },
    #[error("the rows have {found} columns where {expected} were asked for")]
    Columns { found: usize, expected: usize },
    #[error("the page is cut short in column {column:?} of row {row}: {cause}")]
    Cut { row: usize, column: &'static str, cause: String },
    #[error("the driver holds rows in another way than this program expects: a fault of its own")]
    Elsewhere,
    #[error("the page is cut short: {0}")]
    Frame(#[from] DeserializationError),
    #[error("{0}")]
    Rows(#[from] RowsError),
}

/// In a box: it is large, and each cell that is read well should not carry it around.
pub(super) type Broken = Box<CellError>;

impl From<DeserializationError> for Broken {
    fn from(error: DeserializationError) -> Self {
        Box::new(error.into())
    }
}

impl From<RowsError> for Broken {
    fn from(error: RowsError) -> Self {
        Box::new(error.into())
    }
}

impl CellError {
    #[cold]
    pub(super) fn cut(row: usize, column: &'static str, cause: &impl Display) -> Broken {
        Box::new(Self::Cut { row, column, cause: cause.to_string() })
    }
}

/// A column whose type can't be read as what it should hold.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("column {column:?} is of type {found} where {expected} belongs")]
pub(super) struct UnfitColumn {
    column: &'static str,
    found: String,
    expected: &'static str,
}

/// How the rows of a table's statements are read.
#[derive(Debug)]
pub(super) struct Plan {
    table: &'static Table,
    /// What is selected, in order.
    selected: Box<[Selected]>,
    /// How many of them, the first ones, are what rows cluster by.
    clustering: usize,
    /// What the table lacks: the positions of columns that are answered as null.
    lacking: Box<[(usize, Kind)]>,
}

#[derive(Debug)]
struct Selected {
    /// Its position in `Table::read_columns`.
    index: usize,
    column: &'static Column,
    cell: Cell,
}

/// Before each cell of a frame stands its length.
const LENGTH: usize = 4;

/// How a cell is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Text,
    /// A series' timestamp, a text.
    Epoch,
    /// An integer of so many bytes.
    Int(usize),
    /// An integer of as many bytes as it takes.
    Varint,
}

impl Plan {
    /// How the columns are read that a table has in fact, by their types.
    pub(super) fn of<'t>(
        table: &'static Table,
        type_of: impl Fn(&str) -> Option<&'t str>,
    ) -> Result<Self, UnfitColumn> {
        let (mut selected, mut lacking, mut clustering) = (Vec::new(), Vec::new(), 0);
        for (index, column) in table.read_columns().enumerate() {
            match type_of(column.name) {
                None => lacking.push((index, column.kind)),
                Some(kind) => {
                    let cell = match cell(column, kind)? {
                        Cell::Text if table.is_timestamp(column) => Cell::Epoch,
                        cell => cell,
                    };
                    clustering += usize::from(index < table.clustering.len());
                    selected.push(Selected { index, column, cell });
                }
            }
        }
        Ok(Self { table, selected: selected.into(), clustering, lacking: lacking.into() })
    }

    /// Whether columns are answered as null, since the table has none of that name.
    pub(super) fn lacks_columns(&self) -> bool {
        !self.lacking.is_empty()
    }

    /// Rows to be filled.
    pub(super) fn start(&self) -> Filling<'_> {
        let builder = Rows::of(self.table);
        Filling { plan: self, builder, count: 0, last: Vec::new() }
    }
}

fn cell(column: &'static Column, found: &str) -> Result<Cell, UnfitColumn> {
    let (fits, expected) = match column.kind {
        Kind::Text | Kind::Json => {
            (matches!(found, "text" | "ascii" | "varchar").then_some(Cell::Text), "text")
        }
        Kind::Int | Kind::BigInt => {
            let cell = match found {
                "tinyint" => Some(Cell::Int(1)),
                "smallint" => Some(Cell::Int(2)),
                "int" => Some(Cell::Int(4)),
                "bigint" | "counter" => Some(Cell::Int(8)),
                "varint" => Some(Cell::Varint),
                _ => None,
            };
            (cell, "an integer")
        }
    };
    fits.ok_or_else(|| UnfitColumn { column: column.name, found: found.to_owned(), expected })
}

/// Rows that are being filled, page by page.
pub(super) struct Filling<'p> {
    plan: &'p Plan,
    builder: RowsBuilder,
    count: usize,
    /// What the last row of the page before clusters by, if there was one.
    last: Vec<Option<Box<[u8]>>>,
}

/// What a row clusters by: seldom more than its timestamp.
type Key<'f> = SmallVec<[CellBytes<'f>; 2]>;

impl Filling<'_> {
    /// Says how many rows are about to come, and how many bytes they have in their frame.
    pub(super) fn expect(&mut self, rows: usize, bytes: usize) {
        let (mut row, mut text) = (0_usize, false);
        for selected in &self.plan.selected {
            row += LENGTH;
            match selected.cell {
                Cell::Int(width) => row += width,
                Cell::Varint | Cell::Epoch => {}
                Cell::Text => text = true,
            }
        }
        let text_bytes = if text { bytes.saturating_sub(rows * row) } else { 0 };
        self.builder.reserve(rows, text_bytes);
    }

    /// Takes the rows of a page, but those that are older versions of the one before: of rows that
    /// are alike but for their `_tid` the newest comes first. `goes_on` says whether another page
    /// may follow.
    pub(super) fn page(&mut self, rows: PageRows<'_, '_>, goes_on: bool) -> Result<(), Broken> {
        let plan = self.plan;
        let (expected, found) = (plan.selected.len(), rows.specs().len());
        let count = rows.rows_remaining();
        if count > 0 && found != expected {
            return Err(Box::new(CellError::Columns { found, expected }));
        }
        let mut cells = Cells::of(rows)?;
        let (clustering, others) = plan.selected.split_at(plan.clustering);
        let last = std::mem::take(&mut self.last);
        let mut key: Key<'_> = last.iter().map(Option::as_deref).collect();
        key.resize(clustering.len(), None);
        for row in 0..count {
            let mut again = self.count > 0;
            for (selected, before) in clustering.iter().zip(&mut key) {
                let cell = cells.next(row, selected.column.name)?;
                again &= cell == *before;
                *before = cell;
            }
            if again {
                // The next row begins behind them.
                for selected in others {
                    cells.next(row, selected.column.name)?;
                }
                continue;
            }
            for (selected, bytes) in clustering.iter().zip(&key) {
                self.cell(selected, *bytes)?;
            }
            for selected in others {
                self.cell(selected, cells.next(row, selected.column.name)?)?;
            }
            self.end_row()?;
        }
        if goes_on {
            self.last = key.into_iter().map(|cell| cell.map(Box::from)).collect();
        }
        Ok(())
    }

    // Of each cell little is to be done: calling it would be half of that.
    #[inline(always)]
    fn cell(&mut self, selected: &Selected, bytes: CellBytes<'_>) -> Result<(), Broken> {
        // What nearly all cells are first, by one load each.
        match (selected.cell, bytes) {
            (Cell::Int(8), Some(&[a, b, c, d, e, f, g, h])) => {
                let number = i64::from_be_bytes([a, b, c, d, e, f, g, h]);
                Ok(self.builder.int(selected.index, Some(number))?)
            }
            (Cell::Int(4), Some(&[a, b, c, d])) => {
                let number = i32::from_be_bytes([a, b, c, d]);
                Ok(self.builder.int(selected.index, Some(number.into()))?)
            }
            (Cell::Epoch, Some(bytes)) if let Some(timestamp) = Digits::from_bytes(bytes) => {
                Ok(self.builder.timestamp(selected.index, timestamp)?)
            }
            _ => self.other_cell(selected, bytes),
        }
    }

    fn other_cell(&mut self, selected: &Selected, bytes: CellBytes<'_>) -> Result<(), Broken> {
        match selected.cell {
            Cell::Text | Cell::Epoch => {
                let text = bytes.map(|bytes| selected.text(bytes)).transpose()?;
                self.builder.text(selected.index, text)?;
            }
            // Of no bytes at all is what old clients wrote for nothing.
            _ if bytes.is_some_and(<[u8]>::is_empty) => self.builder.int(selected.index, None)?,
            _ => {
                let number = bytes.map(|bytes| selected.int(bytes)).transpose()?;
                self.builder.int(selected.index, number)?;
            }
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Broken> {
        for (index, kind) in &self.plan.lacking {
            match kind {
                Kind::Text | Kind::Json => self.builder.text(*index, None)?,
                Kind::Int | Kind::BigInt => self.builder.int(*index, None)?,
            }
        }
        self.count += 1;
        Ok(self.builder.end_row()?)
    }

    /// Whether there are any by now.
    pub(super) fn has_rows(&self) -> bool {
        self.count > 0
    }

    /// About how many bytes they take by now.
    pub(super) fn weight(&self) -> usize {
        self.builder.weight()
    }

    /// The rows.
    pub(super) fn finish(self) -> Rows {
        self.builder.finish()
    }
}

impl Selected {
    fn text<'a>(&self, bytes: &'a [u8]) -> Result<&'a str, Broken> {
        std::str::from_utf8(bytes)
            .map_err(|_| self.unfit("bytes that are no UTF-8".to_owned(), "text"))
    }

    fn int(&self, bytes: &[u8]) -> Result<i64, Broken> {
        // The table may be another one by now than the one that the statement was made for.
        let width = match self.cell {
            Cell::Int(width) if width == bytes.len() => Some(width),
            Cell::Varint if bytes.len() <= 8 => Some(bytes.len()),
            _ => None,
        };
        match (width, bytes.split_first()) {
            (Some(_), Some((first, rest))) => {
                // The first byte has the sign.
                let start = i64::from(i8::from_ne_bytes([*first]));
                Ok(rest.iter().fold(start, |number, byte| number << 8 | i64::from(*byte)))
            }
            _ => Err(self.unfit(format!("a value of {} bytes", bytes.len()), "an integer")),
        }
    }

    #[cold]
    fn unfit(&self, found: String, expected: &'static str) -> Broken {
        Box::new(CellError::Cell { column: self.column.name, found, expected })
    }
}

#[cfg(test)]
mod tests;

//! Where the rows go, and how many went there.

use super::error::SampleError;
use crate::load::row::{Cell, Sink};
use aqs_api::Table;
use std::borrow::Cow;

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Tables in the order in which they were written, and how many rows each got.
    pub tables: Vec<(&'static str, u64)>,
}

impl Summary {
    /// How many rows there are in all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|(_, rows)| rows).sum()
    }
}

/// Passes rows on and counts them.
pub(super) struct Output<'a> {
    pub(super) sink: &'a mut dyn Sink,
    pub(super) summary: Summary,
}

impl Output<'_> {
    /// Writes a row.
    pub(super) fn row(
        &mut self,
        table: &'static Table,
        cells: &[Cell<'_>],
    ) -> Result<(), SampleError> {
        self.sink.row(table, cells)?;
        match self.summary.tables.last_mut() {
            Some((name, rows)) if *name == table.name => *rows += 1,
            _ => self.summary.tables.push((table.name, 1)),
        }
        Ok(())
    }
}

/// A text cell.
pub(super) fn text(text: &str) -> Cell<'_> {
    Cell::Text(Cow::Borrowed(text))
}

/// A number cell. What the sample counts stays far below 2^63.
pub(super) fn number(number: u64) -> Cell<'static> {
    Cell::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

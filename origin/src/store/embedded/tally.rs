//! Keeps a dataset's summary true while its rows are written, without reading them all again.

use super::part::{self, Part};
use super::summary::{self, Summary, SummaryError};
use crate::load::period::When;
use crate::load::row::Cell;
use aqs_api::Dataset;
use aqs_api::calendar::Digits;
use rusqlite::Connection;
use std::borrow::Cow;

/// One dataset's summary while a load runs. Loads never delete rows, so periods only get wider,
/// and a series is new if it has no row at the moment that its first is written.
#[derive(Debug)]
pub(super) struct Tally {
    name: &'static str,
    part: Part,
    series: Vec<usize>,
    probe: String,
    last: Vec<Cell<'static>>,
    summary: Summary,
    changed: bool,
}

impl Tally {
    /// Starts from the file's line, or from the rows if the file has no line yet.
    pub(super) fn start(
        conn: &Connection,
        dataset: &'static Dataset,
        when: &When,
        line: Option<&Summary>,
    ) -> Result<Self, SummaryError> {
        let series = part::series_columns(dataset, when);
        let summary = match line {
            Some(line) => *line,
            None => {
                let scanned = summary::scan(conn, dataset, &series)?;
                summary::write(conn, dataset.name, &scanned)?;
                scanned
            }
        };
        Ok(Self {
            name: dataset.name,
            part: Part::of(dataset),
            probe: part::probe_sql(dataset, &series),
            series,
            last: Vec::new(),
            summary,
            changed: false,
        })
    }

    /// Whether a row is of this dataset.
    pub(super) fn holds(&self, cells: &[Cell<'_>]) -> bool {
        self.part.holds(cells)
    }

    /// Notes a row that is about to be written.
    pub(super) fn before(
        &mut self,
        conn: &Connection,
        cells: &[Cell<'_>],
        period: Digits,
    ) -> rusqlite::Result<()> {
        self.summary.reach(period);
        // Rows mostly come series by series, and one look is enough for each.
        if !self.is_last(cells) {
            self.summary.series += u64::from(!self.has_row(conn, cells)?);
            self.remember(cells);
        }
        Ok(())
    }

    /// Notes that the row changed something.
    pub(super) fn change(&mut self) {
        self.changed = true;
    }

    /// Writes the line if a row changed something; tells the dataset's name then.
    pub(super) fn finish(&mut self, conn: &Connection) -> rusqlite::Result<Option<&'static str>> {
        if !self.changed {
            return Ok(None);
        }
        self.summary.version += 1;
        summary::write(conn, self.name, &self.summary)?;
        Ok(Some(self.name))
    }

    fn has_row(&self, conn: &Connection, cells: &[Cell<'_>]) -> rusqlite::Result<bool> {
        let mut statement = conn.prepare_cached(&self.probe)?;
        for (index, column) in self.series.iter().enumerate() {
            match cells.get(*column) {
                Some(Cell::Text(text)) => statement.raw_bind_parameter(index + 1, text.as_ref())?,
                Some(Cell::Int(number)) => statement.raw_bind_parameter(index + 1, number)?,
                // Key cells are neither null nor absent.
                Some(Cell::Null | Cell::Absent) | None => {}
            }
        }
        Ok(statement.raw_query().next()?.is_some())
    }

    fn is_last(&self, cells: &[Cell<'_>]) -> bool {
        let same = |(column, last): (&usize, &Cell<'_>)| cells.get(*column) == Some(last);
        self.last.len() == self.series.len() && self.series.iter().zip(&self.last).all(same)
    }

    fn remember(&mut self, cells: &[Cell<'_>]) {
        self.last.resize(self.series.len(), Cell::Null);
        for (column, last) in self.series.iter().zip(&mut self.last) {
            match (last, cells.get(*column)) {
                (Cell::Text(Cow::Owned(held)), Some(Cell::Text(text))) => {
                    held.clear();
                    held.push_str(text);
                }
                (last, Some(Cell::Text(text))) => *last = Cell::Text(text.to_string().into()),
                (last, Some(Cell::Int(number))) => *last = Cell::Int(*number),
                (last, _) => *last = Cell::Null,
            }
        }
    }
}

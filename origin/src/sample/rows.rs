//! Writes numbers and lists as rows.

use super::SampleError;
use super::bundled::World;
use super::cube::Cube;
use super::default_rows;
use super::lists;
use super::numbers::{self, BySubject, Period};
use super::tables;
use super::tables::{ARTICLES, DEVICES, LEGACY, LISTS, Series, VIEWS};
use crate::row::{Cell, Sink};
use aqs_api::calendar::Granularity;
use aqs_api::{Catalogue, Table};
use jiff::civil::Date;
use std::borrow::Cow;
use std::iter::repeat_n;

/// Tables in the order in which they were written, with their number of rows.
pub type Summary = Vec<(&'static str, u64)>;

/// Writes all rows of the catalogue's tables, table by table.
pub fn rows(catalogue: &Catalogue, sink: &mut dyn Sink) -> Result<Summary, SampleError> {
    let mut output = Output { sink, tables: catalogue.tables(), summary: Summary::new() };
    let world = World::read()?;
    if tables::all().any(|table| output.has(table)) {
        described(&mut output, &world)?;
    }
    for table in default_rows::tables_of(catalogue) {
        default_rows::write(catalogue, &world, table, |cells| output.row(table, cells))?;
    }
    Ok(output.summary)
}

/// Writes the tables that are described, keys ascending.
fn described(output: &mut Output<'_>, world: &World) -> Result<(), SampleError> {
    let none = BySubject::new();
    for content in [&LEGACY, &DEVICES] {
        output.series(content, &numbers::build(content, world, &none)?)?;
    }
    let views = numbers::build(&VIEWS, world, &none)?;
    output.series(&VIEWS, &views)?;
    let articles = numbers::build(&ARTICLES, world, &views)?;
    output.series(&ARTICLES, &articles)?;
    for content in &LISTS {
        for (key, json) in lists::build(content, world, &views, &articles)? {
            let key = key.iter().map(|part| text(part));
            output.row(content.table, key.chain([text(&json)]).collect())?;
        }
    }
    Ok(())
}

pub(super) fn has_rows(rows: &[(Granularity, Date)], (granularity, begin): &Period) -> bool {
    let of = |(known, first): &(Granularity, Date)| {
        known.as_str() == *granularity && begin.date() >= *first
    };
    rows.iter().any(of)
}

struct Output<'a> {
    sink: &'a mut dyn Sink,
    tables: Vec<&'static Table>,
    summary: Summary,
}

impl Output<'_> {
    fn has(&self, table: &Table) -> bool {
        self.tables.iter().any(|known| known.name == table.name)
    }

    /// Writes the rows of a table: those of its periods, and those that are published.
    fn series(&mut self, content: &Series, all: &BySubject) -> Result<(), SampleError> {
        let cube = Cube::new(content.dimensions);
        let names = content.key_names();
        let columns = cube.len() / names.len();
        let digits = content.table.form().len();
        for (subject, series) in all {
            for (place, names) in names.iter().enumerate() {
                for (period, cells) in &series.periods {
                    let known = series.published.get(period);
                    if known.is_none() && !has_rows(content.rows, period) {
                        continue;
                    }
                    let counters = place * columns..(place + 1) * columns;
                    // As in old rows, what was not counted is null, unless a zero is published.
                    let is_known = |counter| {
                        known.is_some_and(|known| known.iter().any(|(of, _)| *of == counter))
                    };
                    let value = |counter| match cube.sum(cells, counter) {
                        0 if !is_known(counter) => Cell::Null,
                        sum => Cell::Int(i64::try_from(sum).unwrap_or(i64::MAX)),
                    };
                    let values: Vec<Cell<'_>> = counters.map(value).collect();
                    if values.iter().all(|value| *value == Cell::Null) {
                        continue;
                    }
                    let timestamp = period.1.strftime("%Y%m%d%H").to_string();
                    let key = subject.iter().map(String::as_str).chain(names.iter().copied());
                    let key = key.chain([period.0, &timestamp[..digits]]).map(text);
                    self.row(content.table, key.chain(values).collect())?;
                }
            }
        }
        Ok(())
    }

    /// Writes a row. Value columns without a cell are absent.
    fn row(&mut self, table: &'static Table, mut cells: Vec<Cell<'_>>) -> Result<(), SampleError> {
        if !self.has(table) {
            return Ok(());
        }
        cells.extend(repeat_n(Cell::Absent, table.columns().count() - cells.len()));
        self.sink.row(table, &cells)?;
        match self.summary.last_mut() {
            Some((name, rows)) if *name == table.name => *rows += 1,
            _ => self.summary.push((table.name, 1)),
        }
        Ok(())
    }
}

fn text(text: &str) -> Cell<'_> {
    Cell::Text(Cow::Borrowed(text))
}

//! Loading a directory.

use super::bad_row::{BadRow, Reason};
use super::error::LoadError;
use super::file;
use super::find::{self, Source};
use super::lines::{Line, Lines};
use super::parse::Parser;
use super::progress::{Advance, Progress};
use super::report::Report;
use super::row::{Sink, SinkError};
use crate::store::embedded::{StoreWriter, WriterOptions};
use aqs_api::{Catalogue, Table};
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

/// How a directory is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether the first bad row ends the load.
    pub strict: bool,
    /// How many bad rows the report keeps.
    pub kept_bad_rows: usize,
    /// How many bytes a line may have.
    pub longest_line: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { strict: false, kept_bad_rows: 20, longest_line: 16 << 20 }
    }
}

/// Loads a directory into the store at a path, which is made if it isn't there. It is one
/// transaction: after an error the store is as before. If every row was bad, nothing is written.
pub fn into_store(
    directory: &Path,
    store: &Path,
    catalogue: &Catalogue,
    options: Options,
    progress: &mut dyn Progress,
) -> Result<Report, LoadError> {
    // A mistake in the directory's name must not cost a wait for another load, nor make a store.
    find::sources(directory, &catalogue.tables())?;
    let mut writer = StoreWriter::create_or_open(store, catalogue, WriterOptions::default())?;
    let mut report =
        self::directory(directory, &catalogue.tables(), &mut writer, options, progress)?;
    if report.rows() > 0 || report.bad() == 0 {
        report.changed = writer.commit()?.changed;
    }
    Ok(report)
}

/// Gives a sink the rows of a directory. What becomes of those before an error is the caller's
/// affair.
pub fn directory(
    directory: &Path,
    tables: &[&'static Table],
    sink: &mut dyn Sink,
    options: Options,
    progress: &mut dyn Progress,
) -> Result<Report, LoadError> {
    let sources = find::sources(directory, tables)?;
    let at =
        Advance { total: sources.iter().map(|source| source.bytes).sum(), ..Advance::default() };
    let mut load = Load { sink, options, progress, report: Report::default(), at };
    for source in &sources {
        load.file(source)?;
    }
    Ok(load.report)
}

struct Load<'a> {
    sink: &'a mut dyn Sink,
    options: Options,
    progress: &'a mut dyn Progress,
    report: Report,
    at: Advance,
}

impl Load<'_> {
    fn file(&mut self, source: &Source) -> Result<(), LoadError> {
        let table = source.table;
        self.progress.file(&source.path, table.name);
        self.report.tables.entry(table.name).or_default();
        let parser =
            Parser::of(table).map_err(|column| LoadError::Table { table: table.name, column })?;
        self.sink.begin(table, &source.path).map_err(|error| refused(source, 0, error))?;
        let read = Rc::new(Cell::new(0));
        let before = self.at.bytes;
        let mut lines = Lines::of(file::open(source, &read)?, self.options.longest_line);
        let mut told = 0;
        loop {
            let number = lines.number();
            let line = lines.next().map_err(|error| LoadError::File {
                path: source.path.clone(),
                line: number,
                source: error,
            })?;
            match line {
                None => break,
                Some(Line::Bytes(line)) if line.trim_ascii().is_empty() => {}
                Some(Line::Bytes(line)) => self.line(source, &parser, line, number + 1)?,
                Some(Line::TooLong) => {
                    let limit = self.options.longest_line;
                    self.bad(source, number + 1, Reason::TooLong { limit })?;
                }
            }
            // The file is read in large pieces, so this is now and then.
            if told != read.get() {
                told = read.get();
                self.at.bytes = before + told;
                self.progress.advanced(self.at);
            }
        }
        self.sink.end().map_err(|error| refused(source, lines.number(), error))?;
        // It may have grown since it was measured.
        self.at.bytes = before + source.bytes;
        self.progress.advanced(self.at);
        Ok(())
    }

    fn line(
        &mut self,
        source: &Source,
        parser: &Parser,
        line: &[u8],
        number: u64,
    ) -> Result<(), LoadError> {
        let cells = match parser.row(line) {
            Ok(cells) => cells,
            Err(reason) => return self.bad(source, number, reason),
        };
        self.sink.line(number);
        self.sink.row(source.table, &cells).map_err(|error| refused(source, number, error))?;
        self.at.rows += 1;
        self.report.tables.entry(source.table.name).or_default().rows += 1;
        Ok(())
    }

    fn bad(&mut self, source: &Source, line: u64, reason: Reason) -> Result<(), LoadError> {
        let row = BadRow { file: source.path.clone(), line, reason };
        self.at.bad += 1;
        self.report.tables.entry(source.table.name).or_default().bad += 1;
        self.progress.bad_row(&row);
        if self.options.strict {
            return Err(LoadError::BadRow(row));
        }
        if self.report.bad_rows.len() < self.options.kept_bad_rows {
            self.report.bad_rows.push(row);
        }
        Ok(())
    }
}

/// Why the sink takes no more, and at which row: that of this line, or an earlier one.
fn refused(source: &Source, number: u64, error: SinkError) -> LoadError {
    let line = match error {
        SinkError::Interrupted => return LoadError::Interrupted,
        SinkError::Late { line, .. } => line,
        SinkError::Store { .. } | SinkError::File { .. } => number,
    };
    LoadError::Sink { path: source.path.clone(), line, source: error }
}

//! Loads files.

use super::LoadError;
use super::csv::Header;
use super::parse::Parser;
use super::report::{Advance, BadRow, Progress, Reason, Report};
use super::source::{self, Content, Input, Line, Lines, Source};
use crate::row::{Cell, Sink, SinkError};
use crate::store::embedded::{StoreWriter, WriteError, WriterOptions};
use aqs_api::Catalogue;
use aqs_api::calendar::Digits;
use std::cell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub strict: bool,
    /// The limit of bad rows in the report.
    pub kept_bad_rows: usize,
    /// In bytes.
    pub longest_line: usize,
    /// The last day of which rows are taken, in 8 digits.
    pub not_after: Option<Digits>,
}

impl Default for Options {
    fn default() -> Self {
        Self { strict: false, kept_bad_rows: 20, longest_line: 16 << 20, not_after: None }
    }
}

/// Loads files into the store at a path, which is created if it does not exist. It is one
/// transaction: after an error the store is as before. If every row is bad, nothing is written.
pub fn into_store(
    input: &Input,
    store: &Path,
    catalogue: &Catalogue,
    options: Options,
    progress: &mut dyn Progress,
) -> Result<Report, LoadError> {
    // An error of a name needs no wait for another load, and must not create a store.
    source::find(input, &catalogue.tables())?;
    let waiting = WriterOptions::default();
    let at_once = WriterOptions { wait: Duration::ZERO };
    let mut writer = match StoreWriter::create_or_open(store, catalogue, at_once) {
        Err(WriteError::Busy { .. }) => {
            progress.waiting(store, waiting.wait);
            StoreWriter::create_or_open(store, catalogue, waiting)?
        }
        opened => opened?,
    };
    let mut report = self::files(input, catalogue, &mut writer, options, progress)?;
    if report.rows() > 0 || report.bad() == 0 {
        report.changed = writer.commit()?.changed;
    }
    Ok(report)
}

/// Passes the rows of files to a sink. After an error, the sink has all earlier rows.
pub fn files(
    input: &Input,
    catalogue: &Catalogue,
    sink: &mut dyn Sink,
    options: Options,
    progress: &mut dyn Progress,
) -> Result<Report, LoadError> {
    let sources = source::find(input, &catalogue.tables())?;
    let at =
        Advance { total: sources.iter().map(|source| source.bytes).sum(), ..Advance::default() };
    let mut load = Load { catalogue, sink, options, progress, report: Report::default(), at };
    for source in &sources {
        load.file(source)?;
    }
    Ok(load.report)
}

struct Load<'a> {
    catalogue: &'a Catalogue,
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
        let parser = Parser::of(table, self.catalogue, self.options.not_after)
            .map_err(|source| LoadError::Table { table: table.name, source })?;
        self.sink.begin(table);
        let bytes_read = Rc::new(cell::Cell::new(0));
        let bytes_before = self.at.bytes;
        let Content { reader, is_csv } = source.open(&bytes_read)?;
        let mut lines = Lines::new(reader, self.options.longest_line);
        let mut header: Option<Header> = None;
        loop {
            let number = lines.number;
            let line = lines.next().map_err(|error| LoadError::File {
                path: source.path.clone(),
                line: number,
                source: error,
            })?;
            if self.progress.is_stopped() {
                return Err(LoadError::Interrupted);
            }
            match line {
                None => break,
                Some(Line::Bytes(line)) if line.trim_ascii().is_empty() => {}
                Some(Line::Bytes(line)) if is_csv && header.is_none() => {
                    header = Some(parser.header(line).map_err(|reason| {
                        let (file, line) = (source.path.clone(), number + 1);
                        LoadError::Header(BadRow { file, line, reason })
                    })?);
                }
                Some(Line::Bytes(line)) => {
                    let cells = match &header {
                        Some(header) => parser.csv_row(header, line),
                        None => parser.row(line),
                    };
                    self.row(source, cells, number + 1)?;
                }
                Some(Line::TooLong) => {
                    let limit = self.options.longest_line;
                    self.bad_row(source, number + 1, Reason::TooLong { limit })?;
                }
            }
            // The file is read in large pieces, so this is not for each line.
            let bytes = bytes_before + bytes_read.get();
            if self.at.bytes != bytes {
                self.at.bytes = bytes;
                self.progress.advanced(self.at);
            }
        }
        self.sink.end().map_err(|error| sink_error(source, lines.number, error))?;
        // It may have grown since the total was summed up.
        self.at.bytes = bytes_before + source.bytes;
        self.progress.advanced(self.at);
        Ok(())
    }

    fn row(
        &mut self,
        source: &Source,
        cells: Result<Vec<Cell<'_>>, Reason>,
        number: u64,
    ) -> Result<(), LoadError> {
        let cells = match cells {
            Ok(cells) => cells,
            Err(reason) => return self.bad_row(source, number, reason),
        };
        self.sink.line(number);
        self.sink.row(source.table, &cells).map_err(|error| sink_error(source, number, error))?;
        self.at.rows += 1;
        self.report.tables.entry(source.table.name).or_default().rows += 1;
        Ok(())
    }

    fn bad_row(&mut self, source: &Source, line: u64, reason: Reason) -> Result<(), LoadError> {
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

/// The error of a sink, with the line of the row that it is about: this one, or an earlier one.
fn sink_error(source: &Source, number: u64, error: SinkError) -> LoadError {
    let line = match error {
        SinkError::Interrupted => return LoadError::Interrupted,
        SinkError::Late { line, .. } => line,
        SinkError::Store { .. } | SinkError::File { .. } => number,
    };
    LoadError::Sink { path: source.path.clone(), line, source: error }
}

//! The sample as a directory of NDJSON.

use super::SampleError;
use super::rows::{Summary, rows};
use crate::row::{Cell, Sink, SinkError};
use aqs_api::{Catalogue, Table};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes all rows of the catalogue's tables to a directory, one `<table>.ndjson` per table. The directory is created if it
/// does not exist, and must not hold tables.
pub fn write_directory(catalogue: &Catalogue, directory: &Path) -> Result<Summary, SampleError> {
    fs::create_dir_all(directory).map_err(|source| failed(directory, source))?;
    let path = |table: &Table| directory.join(format!("{}.ndjson", table.name));
    let tables = catalogue.tables();
    if let Some(path) =
        tables.iter().map(|table| path(table)).find(|path| path.symlink_metadata().is_ok())
    {
        return Err(SampleError::Occupied { path });
    }
    let mut sink = NdjsonSink::default();
    for table in tables {
        let path = path(table);
        let file = File::create_new(&path).map_err(|source| failed(&path, source))?;
        sink.files.insert(table.name, (path, BufWriter::with_capacity(1 << 18, file)));
    }
    let summary = rows(catalogue, &mut sink)?;
    for (path, mut file) in sink.files.into_values() {
        file.flush().map_err(|source| failed(&path, source))?;
    }
    Ok(summary)
}

#[derive(Debug, Default)]
struct NdjsonSink {
    files: BTreeMap<&'static str, (PathBuf, BufWriter<File>)>,
}

impl Sink for NdjsonSink {
    fn row(&mut self, table: &'static Table, cells: &[Cell<'_>]) -> Result<(), SinkError> {
        let Some((path, file)) = self.files.get_mut(table.name) else { return Ok(()) };
        write_line(file, table, cells).map_err(|source| failed(path, source))
    }
}

fn failed(path: &Path, source: io::Error) -> SinkError {
    SinkError::File { path: path.display().to_string(), source }
}

/// Writes a row as an object. An absent cell has no member.
fn write_line(file: &mut impl Write, table: &Table, cells: &[Cell<'_>]) -> io::Result<()> {
    let mut before = '{';
    for (column, cell) in table.columns().zip(cells).filter(|(_, cell)| **cell != Cell::Absent) {
        write!(file, "{before}\"{}\":", column.name)?;
        match cell {
            Cell::Absent | Cell::Null => file.write_all(b"null")?,
            Cell::Int(number) => write!(file, "{number}")?,
            Cell::Double(number) => write!(file, "{number}")?,
            Cell::Text(text) => serde_json::to_writer(&mut *file, text)?,
        }
        before = ',';
    }
    file.write_all(b"}\n")
}

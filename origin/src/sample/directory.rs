//! The sample as files: a directory of NDJSON, a file for each table.

use super::error::SampleError;
use crate::load::row::{Cell, Sink, SinkError};
use aqs_api::{Table, tables};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

static TABLES: [&Table; 7] = [
    &tables::UNIQUE_DEVICES,
    &tables::PAGEVIEWS_PER_ARTICLE,
    &tables::PAGEVIEWS_PER_PROJECT,
    &tables::TOP_PAGEVIEWS,
    &tables::TOP_BY_COUNTRY,
    &tables::TOP_PER_COUNTRY,
    &tables::LEGACY_PAGECOUNTS,
];

/// A sink that writes each table to `<table>.ndjson`, one object a line.
#[derive(Debug)]
pub struct NdjsonSink {
    directory: PathBuf,
    files: Vec<(&'static str, PathBuf, BufWriter<File>)>,
}

impl NdjsonSink {
    /// Writes to a directory, which is made if there is none and must not hold tables yet.
    pub fn new(directory: &Path) -> Result<Self, SampleError> {
        fs::create_dir_all(directory)
            .map_err(|source| SampleError::Directory { path: shown(directory), source })?;
        let path = |table: &&Table| directory.join(format!("{}.ndjson", table.name));
        let mut paths = TABLES.iter().map(path);
        match paths.find(|path| path.symlink_metadata().is_ok()) {
            Some(path) => Err(SampleError::Occupied { path: shown(&path) }),
            None => Ok(Self { directory: directory.to_owned(), files: Vec::new() }),
        }
    }

    /// Ends the files. Without it the last rows may be missing.
    pub fn finish(self) -> Result<(), SampleError> {
        for (_, path, file) in self.files {
            let ended = file.into_inner().map_err(io::IntoInnerError::into_error);
            ended.map_err(|source| SinkError::File { path: shown(&path), source })?;
        }
        Ok(())
    }

    fn file(
        &mut self,
        table: &'static Table,
    ) -> Result<&mut (&'static str, PathBuf, BufWriter<File>), SinkError> {
        // Rows come table by table, so it is nearly always the last.
        let place = match self.files.iter().rposition(|(name, _, _)| *name == table.name) {
            Some(place) => place,
            None => {
                let path = self.directory.join(format!("{}.ndjson", table.name));
                let file = File::create_new(&path)
                    .map_err(|source| SinkError::File { path: shown(&path), source })?;
                self.files.push((table.name, path, BufWriter::with_capacity(1 << 18, file)));
                self.files.len() - 1
            }
        };
        Ok(&mut self.files[place])
    }
}

impl Sink for NdjsonSink {
    fn row(&mut self, table: &'static Table, cells: &[Cell<'_>]) -> Result<(), SinkError> {
        let (_, path, file) = self.file(table)?;
        line(file, table, cells).map_err(|source| SinkError::File { path: shown(path), source })
    }
}

/// Writes a row as an object; an absent cell has no member.
fn line(file: &mut impl Write, table: &Table, cells: &[Cell<'_>]) -> io::Result<()> {
    let mut before = '{';
    for (column, cell) in table.columns().zip(cells) {
        if *cell == Cell::Absent {
            continue;
        }
        write!(file, "{before}\"{}\":", column.name)?;
        match cell {
            Cell::Absent | Cell::Null => file.write_all(b"null")?,
            Cell::Int(number) => write!(file, "{number}")?,
            Cell::Text(text) => serde_json::to_writer(&mut *file, text)?,
        }
        before = ',';
    }
    file.write_all(b"}\n")
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

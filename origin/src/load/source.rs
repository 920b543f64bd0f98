//! The files of a directory, and their lines.

use super::LoadError;
use crate::suggest;
use aqs_api::Table;
use flate2::bufread::MultiGzDecoder;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

const BUFFER_BYTES: usize = 128 << 10;
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
const PLAIN: &str = ".ndjson";
const GZIP: &str = ".gz";

#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) table: &'static Table,
    gzip: bool,
    pub(super) bytes: u64,
}

/// Returns the files of a directory that are named after tables, sorted by table.
pub(super) fn find(directory: &Path, tables: &[&'static Table]) -> Result<Vec<Source>, LoadError> {
    let unreadable = |source| LoadError::Directory { path: directory.to_owned(), source };
    let mut paths = fs::read_dir(directory)
        .map_err(unreadable)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>, _>>()
        .map_err(unreadable)?;
    paths.sort();
    let mut found: BTreeMap<&'static str, Source> = BTreeMap::new();
    for path in paths {
        let Some(source) = identify(path, tables)? else { continue };
        if let Some(first) = found.get(source.table.name) {
            return Err(LoadError::Twice {
                table: source.table.name,
                first: first.path.clone(),
                second: source.path,
            });
        }
        found.insert(source.table.name, source);
    }
    if found.is_empty() {
        let example = tables.first().map_or("unique_devices", |table| table.name);
        return Err(LoadError::Nothing { path: directory.to_owned(), example });
    }
    Ok(found.into_values().collect())
}

/// Identifies a file of the directory; `None` if it is not for a load.
fn identify(path: PathBuf, tables: &[&'static Table]) -> Result<Option<Source>, LoadError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (stem, gzip) = match name.strip_suffix(GZIP) {
        Some(stem) => (stem, true),
        None => (name.as_str(), false),
    };
    // Hidden files are those of editors and file managers.
    if name.starts_with('.') || !(gzip || stem.ends_with(PLAIN)) {
        return Ok(None);
    }
    let known = |stem: &str| tables.iter().find(|table| table.name == stem);
    let Some(table) = stem.strip_suffix(PLAIN).and_then(known) else {
        let bare = stem.strip_suffix(PLAIN).unwrap_or(stem);
        let ending = if gzip { ".ndjson.gz" } else { PLAIN };
        let nearest = suggest(bare, tables.iter().map(|table| table.name));
        let nearest = nearest.map(|name| format!("{name}{ending}"));
        return Err(LoadError::UnknownTable { path, nearest });
    };
    match path.metadata() {
        Ok(found) if found.is_file() => Ok(Some(Source { path, table, gzip, bytes: found.len() })),
        Ok(_) => Err(LoadError::NotAFile { path }),
        Err(source) => Err(LoadError::File { path, line: 0, source }),
    }
}

impl Source {
    /// Opens the file, and unpacks it. The number of bytes read from the disk is kept in
    /// `bytes_read`.
    pub(super) fn open(&self, bytes_read: &Rc<Cell<u64>>) -> Result<Box<dyn BufRead>, LoadError> {
        let failed = |source| LoadError::File { path: self.path.clone(), line: 0, source };
        let file = File::open(&self.path).map_err(failed)?;
        let file = CountingReader { file, bytes_read: Rc::clone(bytes_read) };
        let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
        if self.gzip {
            let unpacked = MultiGzDecoder::new(file);
            return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, unpacked)));
        }
        if file.fill_buf().map_err(failed)?.starts_with(GZIP_MAGIC) {
            return Err(LoadError::Compressed { path: self.path.clone() });
        }
        Ok(Box::new(file))
    }
}

struct CountingReader {
    file: File,
    bytes_read: Rc<Cell<u64>>,
}

impl Read for CountingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes_read.set(self.bytes_read.get() + count as u64);
        Ok(count)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Bytes(&'a [u8]),
    TooLong,
}

/// Reads line by line into one buffer of limited size.
#[derive(Debug)]
pub(super) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    limit: usize,
    /// The number of the last line, from 1.
    pub(super) number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(source: R, limit: usize) -> Self {
        Self { source, buffer: Vec::new(), limit, number: 0 }
    }

    /// Returns the next line; `None` after the last.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        // The limit does not include `\r\n` and the byte order mark.
        let room = self.limit.saturating_add(2 + BYTE_ORDER_MARK.len()) as u64;
        let read = self.source.by_ref().take(room).read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let line = self.buffer.as_slice();
        let Some(line) = line.strip_suffix(b"\n").or((read as u64 != room).then_some(line)) else {
            self.source.skip_until(b'\n')?;
            return Ok(Some(Line::TooLong));
        };
        let mut line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.number == 1 {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        Ok(Some(if line.len() > self.limit { Line::TooLong } else { Line::Bytes(line) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], limit: usize) -> Vec<Option<String>> {
        let mut lines = Lines::new(io::BufReader::with_capacity(3, text), limit);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(match line {
                Line::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
                Line::TooLong => None,
            });
        }
        assert_eq!(lines.number, found.len() as u64);
        found
    }

    fn some(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| Some((*text).to_owned())).collect()
    }

    #[test]
    fn line_ends_and_the_byte_order_mark_are_removed() {
        assert_eq!(lines(b"", 9), some(&[]));
        assert_eq!(lines(b"a\nb", 9), some(&["a", "b"]));
        assert_eq!(lines(b"a\r\n\r\n\nb\n", 9), some(&["a", "", "", "b"]));
        assert_eq!(lines("\u{feff}a\n\u{feff}b".as_bytes(), 9), some(&["a", "\u{feff}b"]));
        assert_eq!(lines(b"a\rb\r", 9), some(&["a\rb"]));
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped() {
        assert_eq!(lines(b"1234\n12345\n1", 4), [Some("1234".into()), None, Some("1".into())]);
        assert_eq!(lines(b"1234\r\n", 4), some(&["1234"]));
        assert_eq!(lines("\u{feff}1234\r\n12345\r\n".as_bytes(), 4), [Some("1234".into()), None]);
        assert_eq!(lines(&b"x".repeat(1000), 4), [None]);
        assert_eq!(
            lines(&[&b"x".repeat(1000)[..], b"\nok"].concat(), 4),
            [None, Some("ok".into())]
        );
    }
}

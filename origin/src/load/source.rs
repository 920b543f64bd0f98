//! The files of a load, and their lines.

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
const NDJSON: &str = ".ndjson";
const CSV: &str = ".csv";
const GZIP: &str = ".gz";
/// The path that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// What a load reads.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Files, directories or [`STANDARD_INPUT`].
    pub paths: Vec<PathBuf>,
    /// The table of a file that is not named after one, or of standard input.
    pub table: Option<String>,
}

impl From<&Path> for Input {
    fn from(path: &Path) -> Self {
        Self { paths: vec![path.to_owned()], table: None }
    }
}

#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) table: &'static Table,
    /// `None` if the content decides.
    named: Option<Named>,
    pub(super) bytes: u64,
}

/// What the name of a file says about its content.
#[derive(Clone, Copy, Debug)]
struct Named {
    csv: bool,
    gzip: bool,
}

impl Named {
    /// Returns the name without its endings, too.
    fn of(name: &str) -> Option<(&str, Self)> {
        let (stem, gzip) = match name.strip_suffix(GZIP) {
            Some(stem) => (stem, true),
            None => (name, false),
        };
        let plain = |ending, csv| Some((stem.strip_suffix(ending)?, Self { csv, gzip }));
        plain(NDJSON, false).or_else(|| plain(CSV, true))
    }

    fn ending(self) -> String {
        let plain = if self.csv { CSV } else { NDJSON };
        plain.to_owned() + if self.gzip { GZIP } else { "" }
    }
}

/// Returns the files of an input, sorted by table.
pub(super) fn find(input: &Input, tables: &[&'static Table]) -> Result<Vec<Source>, LoadError> {
    let table = input.table.as_deref().map(|name| table(name, tables)).transpose()?;
    let mut found: BTreeMap<&'static str, Source> = BTreeMap::new();
    for path in &input.paths {
        for source in sources(path, table, tables)? {
            if let Some(first) = found.get(source.table.name) {
                return Err(LoadError::Twice {
                    table: source.table.name,
                    first: first.path.clone(),
                    second: source.path,
                });
            }
            found.insert(source.table.name, source);
        }
    }
    Ok(found.into_values().collect())
}

fn table(name: &str, tables: &[&'static Table]) -> Result<&'static Table, LoadError> {
    tables.iter().find(|table| table.name == name).copied().ok_or_else(|| LoadError::NoTable {
        name: name.to_owned(),
        nearest: suggest(name, tables.iter().map(|table| table.name)).map(str::to_owned),
    })
}

fn sources(
    path: &Path,
    table: Option<&'static Table>,
    tables: &[&'static Table],
) -> Result<Vec<Source>, LoadError> {
    if path == Path::new(STANDARD_INPUT) {
        let table = table.ok_or(LoadError::NoTableOfInput)?;
        return Ok(vec![Source { path: path.to_owned(), table, named: None, bytes: 0 }]);
    }
    let unreadable = |source| LoadError::Directory { path: path.to_owned(), source };
    if !path.metadata().map_err(unreadable)?.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let source = match (table, Named::of(&name)) {
            (Some(table), named) => source(path.to_owned(), table, named.map(|(_, named)| named))?,
            (None, _) => identify(path.to_owned(), tables)?
                .ok_or_else(|| LoadError::UnknownTable { path: path.to_owned(), nearest: None })?,
        };
        return Ok(vec![source]);
    }
    if table.is_some() {
        return Err(LoadError::TableOfDirectory { path: path.to_owned() });
    }
    let mut paths = fs::read_dir(path)
        .map_err(unreadable)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>, _>>()
        .map_err(unreadable)?;
    paths.sort();
    let identified = paths.into_iter().map(|path| identify(path, tables));
    let found = identified.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() {
        let example = tables.first().map_or("unique_devices", |table| table.name);
        return Err(LoadError::Nothing { path: path.to_owned(), example });
    }
    Ok(found)
}

/// Identifies a file by its name; `None` if it is not for a load.
fn identify(path: PathBuf, tables: &[&'static Table]) -> Result<Option<Source>, LoadError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // Hidden files are those of editors and file managers.
    if name.starts_with('.') {
        return Ok(None);
    }
    let (stem, named) = match Named::of(&name) {
        Some(found) => found,
        None => match name.strip_suffix(GZIP) {
            Some(stem) => (stem, Named { csv: false, gzip: true }),
            None => return Ok(None),
        },
    };
    let known = |stem: &str| tables.iter().find(|table| table.name == stem);
    match known(stem).filter(|_| Named::of(&name).is_some()) {
        Some(table) => Ok(Some(source(path, table, Some(named))?)),
        None => {
            let nearest = suggest(stem, tables.iter().map(|table| table.name));
            let nearest = nearest.map(|name| name.to_owned() + &named.ending());
            Err(LoadError::UnknownTable { path, nearest })
        }
    }
}

fn source(path: PathBuf, table: &'static Table, named: Option<Named>) -> Result<Source, LoadError> {
    match path.metadata() {
        Ok(found) if found.is_dir() => Err(LoadError::NotAFile { path }),
        Ok(found) => Ok(Source { path, table, named, bytes: found.len() }),
        Err(source) => Err(LoadError::File { path, line: 0, source }),
    }
}

/// What a source holds.
pub(super) struct Content {
    pub(super) reader: Box<dyn BufRead>,
    pub(super) is_csv: bool,
}

impl Source {
    pub(super) fn is_standard_input(&self) -> bool {
        self.path == Path::new(STANDARD_INPUT)
    }

    /// Opens the file, and unpacks it. The number of bytes read from the disk is kept in
    /// `bytes_read`.
    pub(super) fn open(&self, bytes_read: &Rc<Cell<u64>>) -> Result<Content, LoadError> {
        let failed = |source| LoadError::File { path: self.path.clone(), line: 0, source };
        let file: Box<dyn Read> = if self.is_standard_input() {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(&self.path).map_err(failed)?)
        };
        let file = CountingReader { file, bytes_read: Rc::clone(bytes_read) };
        let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
        let packed = file.fill_buf().map_err(failed)?.starts_with(GZIP_MAGIC);
        if packed && self.named.is_some_and(|named| !named.gzip) {
            return Err(LoadError::Compressed { path: self.path.clone() });
        }
        let mut reader: Box<dyn BufRead> = if self.named.map_or(packed, |named| named.gzip) {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(file)))
        } else {
            Box::new(file)
        };
        let is_csv = match self.named {
            Some(named) => named.csv,
            None => {
                let begin = reader.fill_buf().map_err(failed)?;
                let begin = begin.strip_prefix(BYTE_ORDER_MARK).unwrap_or(begin);
                begin.trim_ascii_start().first().is_some_and(|byte| *byte != b'{')
            }
        };
        Ok(Content { reader, is_csv })
    }
}

struct CountingReader {
    file: Box<dyn Read>,
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

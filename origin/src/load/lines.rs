//! The lines of a file, within bounds.

use std::io::{self, BufRead, Read};

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Bytes(&'a [u8]),
    /// Longer than is taken; it was passed over.
    TooLong,
}

/// Reads line by line into one buffer.
#[derive(Debug)]
pub(super) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    limit: usize,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn of(source: R, limit: usize) -> Self {
        Self { source, buffer: Vec::new(), limit, number: 0 }
    }

    /// The number of the last line, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line; `None` after the last.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        // Room for `\r\n` and for a byte order mark, which the bound doesn't count.
        let room = self.limit.saturating_add(2 + BYTE_ORDER_MARK.len()) as u64;
        let read = self.source.by_ref().take(room).read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let mut line = self.buffer.as_slice();
        let whole = line.split_off_last_if(b'\n');
        if !whole && read as u64 == room {
            self.source.skip_until(b'\n')?;
            return Ok(Some(Line::TooLong));
        }
        line.split_off_last_if(b'\r');
        if self.number == 1 {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        Ok(Some(if line.len() > self.limit { Line::TooLong } else { Line::Bytes(line) }))
    }
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

trait SplitOff {
    /// Cuts a byte off the end if it is there; tells whether it was.
    fn split_off_last_if(&mut self, byte: u8) -> bool;
}

impl SplitOff for &[u8] {
    fn split_off_last_if(&mut self, byte: u8) -> bool {
        match self {
            [rest @ .., last] if *last == byte => {
                *self = rest;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], limit: usize) -> Vec<Option<String>> {
        let mut lines = Lines::of(io::BufReader::with_capacity(3, text), limit);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(match line {
                Line::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
                Line::TooLong => None,
            });
        }
        assert_eq!(lines.number(), found.len() as u64);
        found
    }

    fn some(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| Some((*text).to_owned())).collect()
    }

    #[test]
    fn ends_and_marks_are_no_part_of_a_line() {
        assert_eq!(lines(b"", 9), some(&[]));
        assert_eq!(lines(b"a\nb", 9), some(&["a", "b"]));
        assert_eq!(lines(b"a\r\n\r\n\nb\n", 9), some(&["a", "", "", "b"]));
        assert_eq!(lines("\u{feff}a\n\u{feff}b".as_bytes(), 9), some(&["a", "\u{feff}b"]));
        assert_eq!(lines(b"a\rb\r", 9), some(&["a\rb"]));
    }

    #[test]
    fn a_line_too_long_is_passed_over() {
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

//! An answer as typed content, and its one way to bytes.

use crate::calendar::Digits;
use crate::json;
use crate::problem::Problem;
use crate::query::Query;
use crate::representation::Representation;
use crate::response::{Field, Response};
use smallvec::SmallVec;
use std::borrow::Cow;

/// What a shape made of rows.
#[derive(Debug)]
pub enum Answer<'a> {
    /// Data.
    Content(Content<'a>),
    /// The absence of data, and why.
    Empty(Emptiness),
}

/// Why there is no data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Emptiness {
    /// The store was asked and has nothing.
    NoData,
    /// Everything asked for is newer than what is loaded.
    NotLoadedYet,
    /// Everything asked for is older than the first period there is.
    OutOfRange,
}

impl Emptiness {
    /// Every reason, in the order of their indices.
    pub const ALL: [Self; 3] = [Self::NoData, Self::NotLoadedYet, Self::OutOfRange];

    /// Its name in headers and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoData => "no-data",
            Self::NotLoadedYet => "not-loaded",
            Self::OutOfRange => "out-of-range",
        }
    }
}

/// Data, in the terms of the endpoint's [`Response`].
#[derive(Debug)]
pub struct Content<'a> {
    /// Whose parameters are echoed.
    pub query: &'a Query,
    /// The figures.
    pub figures: Figures<'a>,
}

/// The figures of an answer.
#[derive(Debug)]
pub enum Figures<'a> {
    /// For [`Response::Series`].
    Series {
        /// The periods, ascending.
        timestamps: Vec<Digits>,
        /// For each [`Field::Int`] of an item its values, one a period.
        values: SmallVec<[Vec<i64>; 3]>,
    },
    /// For [`Response::List`].
    List {
        /// The entries, in order.
        entries: Vec<Entry<'a>>,
    },
}

/// An entry of a list: a cell for each field of the response's entry.
pub type Entry<'a> = SmallVec<[Cell<'a>; 4]>;

/// One value of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// An integer.
    Int(i64),
    /// The entry lacks this key.
    Absent,
}

impl Answer<'_> {
    /// The bytes that are kept and sent.
    pub fn represent(&self) -> Representation {
        match self {
            Self::Empty(reason) => Representation::problem(Problem::no_data(*reason)),
            Self::Content(content) => Representation::body(content.to_json()),
        }
    }
}

impl Content<'_> {
    fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(b"{\"items\":[");
        match (&self.query.endpoint().response, &self.figures) {
            (Response::Series { item }, Figures::Series { timestamps, values }) => {
                self.series(&mut out, item, timestamps, values);
            }
            (Response::List { item, list, entry }, Figures::List { entries }) => {
                self.list(&mut out, item, list, entry, entries);
            }
            // A shape that doesn't fit its response: every endpoint's test would show it.
            (Response::Series { .. }, _) | (Response::List { .. }, _) => debug_assert!(false),
        }
        out.extend_from_slice(b"]}");
        // It is kept for long, and counted by its length.
        out.shrink_to_fit();
        out
    }

    /// Writes the items. All but timestamp and values is the same in each, so it is made once.
    fn series(
        &self,
        out: &mut Vec<u8>,
        item: &[Field],
        timestamps: &[Digits],
        values: &[Vec<i64>],
    ) {
        let pieces = self.pieces(item);
        let constant: usize = pieces.iter().map(|(text, _)| text.len()).sum();
        out.reserve(timestamps.len() * (constant + 12 + 12 * values.len()));
        for (row, timestamp) in timestamps.iter().enumerate() {
            if row > 0 {
                out.push(b',');
            }
            let mut columns = values.iter();
            for (text, then) in &pieces {
                out.extend_from_slice(text);
                match then {
                    Then::Timestamp => out.extend_from_slice(timestamp.as_str().as_bytes()),
                    Then::Value => {
                        let value = columns.next().and_then(|column| column.get(row));
                        json::integer(out, value.copied().unwrap_or(0));
                    }
                    Then::Nothing => {}
                }
            }
        }
    }

    fn pieces(&self, item: &[Field]) -> Vec<(Vec<u8>, Then)> {
        let mut pieces = Vec::new();
        let mut text = vec![b'{'];
        for (index, field) in item.iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            json::string(&mut text, field.name());
            text.push(b':');
            match field {
                Field::Param(name) => json::string(&mut text, self.query.value(name)),
                Field::Timestamp => {
                    text.push(b'"');
                    pieces.push((std::mem::take(&mut text), Then::Timestamp));
                    text.push(b'"');
                }
                Field::Int(_) | Field::Text(_) => {
                    pieces.push((std::mem::take(&mut text), Then::Value));
                }
            }
        }
        text.push(b'}');
        pieces.push((text, Then::Nothing));
        pieces
    }

    fn list(
        &self,
        out: &mut Vec<u8>,
        item: &[Field],
        list: &str,
        entry: &[Field],
        entries: &[Entry<'_>],
    ) {
        out.push(b'{');
        for field in item {
            json::string(out, field.name());
            out.push(b':');
            json::string(out, self.query.value(field.name()));
            out.push(b',');
        }
        json::string(out, list);
        out.extend_from_slice(b":[");
        for (row, cells) in entries.iter().enumerate() {
            out.extend_from_slice(if row > 0 { b",{" } else { b"{" });
            let mut first = true;
            for (field, cell) in entry.iter().zip(cells) {
                if *cell == Cell::Absent {
                    continue;
                }
                if !std::mem::take(&mut first) {
                    out.push(b',');
                }
                json::string(out, field.name());
                out.push(b':');
                match cell {
                    Cell::Text(text) => json::string(out, text),
                    Cell::Int(value) => json::integer(out, *value),
                    Cell::Absent => {}
                }
            }
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
    }
}

/// What follows a constant piece of an item.
enum Then {
    Timestamp,
    Value,
    Nothing,
}

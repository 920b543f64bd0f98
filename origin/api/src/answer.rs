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
        match (&self.query.endpoint().response, &self.figures) {
            (Response::Series { item }, Figures::Series { timestamps, values }) => {
                self.series(item, timestamps, values)
            }
            (Response::List { item, list, entry }, Figures::List { entries }) => {
                let mut out = BEGIN.to_vec();
                self.list(&mut out, item, list, entry, entries);
                out.extend_from_slice(END);
                // It is kept for long, and counted by its length.
                out.shrink_to_fit();
                out
            }
            // A shape that doesn't fit its response: every endpoint's test would show it.
            (Response::Series { .. }, _) | (Response::List { .. }, _) => {
                debug_assert!(false);
                [BEGIN, END].concat()
            }
        }
    }

    /// Writes the items into as many bytes as they take: it is kept for long, and counted by its
    /// length. All but timestamp and values is the same in each, so it is made once.
    fn series(&self, item: &[Field], timestamps: &[Digits], values: &[Vec<i64>]) -> Vec<u8> {
        let template = Template::of(self.query, item);
        let digits = timestamps.iter().map(|timestamp| timestamp.as_bytes().len());
        let figures = values.iter().flatten().map(|value| json::integer_length(*value));
        let items = timestamps.len() * template.text.len() + digits.chain(figures).sum::<usize>();
        let commas = timestamps.len().saturating_sub(1);
        let mut out = Vec::with_capacity(BEGIN.len() + items + commas + END.len());
        out.extend_from_slice(BEGIN);
        for (row, timestamp) in timestamps.iter().enumerate() {
            if row > 0 {
                out.push(b',');
            }
            let mut columns = values.iter();
            let mut written = 0;
            for (end, then) in &template.gaps {
                out.extend_from_slice(template.text.get(written..*end).unwrap_or_default());
                written = *end;
                match then {
                    Then::Timestamp => out.extend_from_slice(timestamp.as_bytes()),
                    Then::Value => {
                        let value = columns.next().and_then(|column| column.get(row));
                        json::integer(&mut out, value.copied().unwrap_or(0));
                    }
                }
            }
            out.extend_from_slice(template.text.get(written..).unwrap_or_default());
        }
        out.extend_from_slice(END);
        out
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

/// What stands before and after the items.
const BEGIN: &[u8] = b"{\"items\":[";
const END: &[u8] = b"]}";

/// An item of a series without what differs from item to item.
struct Template {
    text: Vec<u8>,
    /// Where in the text something is left out, and what.
    gaps: SmallVec<[(usize, Then); 6]>,
}

/// What is left out of a [`Template`].
enum Then {
    Timestamp,
    Value,
}

impl Template {
    /// About how long the text is: mostly it fits.
    const TYPICAL: usize = 256;

    fn of(query: &Query, item: &[Field]) -> Self {
        let mut text = Vec::with_capacity(Self::TYPICAL);
        let mut gaps = SmallVec::new();
        text.push(b'{');
        for (index, field) in item.iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            json::string(&mut text, field.name());
            text.push(b':');
            match field {
                Field::Param(name) => json::string(&mut text, query.value(name)),
                Field::Timestamp => {
                    text.push(b'"');
                    gaps.push((text.len(), Then::Timestamp));
                    text.push(b'"');
                }
                Field::Int(_) | Field::Text(_) => gaps.push((text.len(), Then::Value)),
            }
        }
        text.push(b'}');
        Self { text, gaps }
    }
}

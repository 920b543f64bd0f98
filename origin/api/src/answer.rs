//! An answer as typed content, and its one way to bytes.

use crate::calendar::Digits;
use crate::json;
use crate::problem::Problem;
use crate::query::Query;
use crate::representation::Representation;
use crate::response::{Field, Response};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::ops::Range;

/// What a shape made of rows.
#[derive(Debug)]
pub enum Answer<'a> {
    /// Data.
    Content(Content<'a>),
    /// The absence of data, and why.
    Empty(NoDataReason),
}

/// Why there is no data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoDataReason {
    /// The store was asked and has nothing.
    NoData,
    /// Everything asked for is newer than what is loaded.
    NotLoadedYet,
    /// Everything asked for is older than the first period there is.
    OutOfRange,
}

impl NoDataReason {
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
        timestamps: Cow<'a, [Digits]>,
        /// For each [`Field::Int`] of an item its values, one a period.
        values: SmallVec<[Values<'a>; 3]>,
    },
    /// For [`Response::List`].
    List {
        /// The entries, in order.
        entries: Vec<Entry<'a>>,
    },
}

/// A column of a series: as the store has it, or reckoned from several.
pub type Values<'a> = Cow<'a, [i64]>;

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
    pub fn to_representation(&self) -> Representation {
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

    /// Writes the items into about as many bytes as they take: it is kept for long, and counted by
    /// its length. Most of an item is the same as in the one before, so that is copied whole.
    fn series(&self, item: &[Field], timestamps: &[Digits], values: &[Values<'_>]) -> Vec<u8> {
        let mut line = Line::of(self.query, item, values);
        let timestamp =
            timestamps.iter().map(|timestamp| timestamp.as_bytes().len()).max().unwrap_or(0);
        let figures = values.iter().map(|column| json::longest_integer(column)).sum::<usize>();
        let most = line.text.len() + timestamp + figures;
        let separators = timestamps.len().saturating_sub(1);
        let items = timestamps.len() * most + separators;
        let mut out = Vec::with_capacity(BEGIN.len() + items + END.len());
        out.extend_from_slice(BEGIN);
        for (row, timestamp) in timestamps.iter().enumerate() {
            if row > 0 {
                out.push(b',');
            }
            line.fill(row, timestamp);
            out.extend_from_slice(&line.text);
        }
        out.extend_from_slice(END);
        out.shrink_to_fit();
        out
    }

    fn list(
        &self,
        out: &mut Vec<u8>,
        item: &[Field],
        list: &'static str,
        entry: &[Field],
        entries: &[Entry<'_>],
    ) {
        out.push(b'{');
        for field in item {
            json::name(out, field.name());
            json::string(out, self.query.value(field.name()));
            out.push(b',');
        }
        json::name(out, list);
        out.push(b'[');
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
                json::name(out, field.name());
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

/// An item of a series, made once and changed from item to item where they differ.
struct Line<'a> {
    text: Vec<u8>,
    /// What that is, in order.
    gaps: SmallVec<[Gap<'a>; 6]>,
}

/// Where items differ.
struct Gap<'a> {
    /// Its place in the text.
    at: Range<usize>,
    /// The column that fills it; none for the timestamp.
    column: Option<&'a [i64]>,
}

impl<'a> Line<'a> {
    /// About how long the text is: mostly it fits.
    const TYPICAL: usize = 256;

    /// An item whose gaps are still empty; each that is no timestamp takes the next column.
    fn of(query: &Query, item: &[Field], columns: &'a [Values<'_>]) -> Self {
        let mut text = Vec::with_capacity(Self::TYPICAL);
        let mut gaps = SmallVec::new();
        let mut columns = columns.iter().map(AsRef::as_ref);
        text.push(b'{');
        for (index, field) in item.iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            json::name(&mut text, field.name());
            match field {
                Field::Param(name) => json::string(&mut text, query.value(name)),
                Field::Timestamp => {
                    text.push(b'"');
                    gaps.push(Gap { at: text.len()..text.len(), column: None });
                    text.push(b'"');
                }
                Field::Int(_) | Field::Text(_) => {
                    let column = columns.next().unwrap_or_default();
                    gaps.push(Gap { at: text.len()..text.len(), column: Some(column) });
                }
            }
        }
        text.push(b'}');
        Self { text, gaps }
    }

    /// Makes it the item of a row.
    fn fill(&mut self, row: usize, timestamp: &Digits) {
        let mut digits = itoa::Buffer::new();
        // How much longer the text has become before the gap that is filled.
        let mut shift = 0_isize;
        for gap in &mut self.gaps {
            let with = match gap.column {
                None => timestamp.as_bytes(),
                Some(column) => digits.format(column.get(row).copied().unwrap_or(0)).as_bytes(),
            };
            if shift != 0 {
                gap.at = gap.at.start.saturating_add_signed(shift)
                    ..gap.at.end.saturating_add_signed(shift);
            }
            match self.text.get_mut(gap.at.clone()) {
                // Nearly always it is as long as in the item before.
                Some(held) if held.len() == with.len() => held.copy_from_slice(with),
                _ => {
                    shift += with.len() as isize - gap.at.len() as isize;
                    self.text.splice(gap.at.clone(), with.iter().copied());
                    gap.at.end = gap.at.start + with.len();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::target::Target;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Figures of every length: shifted to the right by so many bits.
    fn figure() -> impl Strategy<Value = i64> {
        (any::<i64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift)
    }

    proptest! {
        #[test]
        fn a_series_is_written_as_it_is_whatever_its_lengths(
            rows in proptest::collection::vec((any::<bool>(), figure(), figure(), figure()), 1..9)
        ) {
            let target = "/metrics/unique-devices/a-b.x/all-sites/daily/20240101/20240102";
            let catalogue = Catalogue::standard().unwrap();
            let query = catalogue.resolve(Target::parse(target).unwrap()).unwrap();
            let timestamp = |long: bool| if long { "2024010100" } else { "20240101" };
            let column = |of: fn(&(bool, i64, i64, i64)) -> i64| -> Values<'_> {
                rows.iter().map(of).collect::<Vec<_>>().into()
            };
            let figures = Figures::Series {
                timestamps: rows.iter().map(|row| Digits::from_text(timestamp(row.0)).unwrap()).collect(),
                values: [column(|row| row.1), column(|row| row.2), column(|row| row.3)].into(),
            };
            let written = Content { query: &query, figures }.to_json();
            let items = rows.iter().map(|(long, devices, offset, underestimate)| json!({
                "project": "a-b.x", "access-site": "all-sites", "granularity": "daily",
                "timestamp": timestamp(*long), "devices": devices, "offset": offset,
                "underestimate": underestimate,
            }));
            let expected = json!({ "items": items.collect::<Vec<_>>() });
            prop_assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), expected);
            prop_assert_eq!(written.len(), written.capacity());
        }
    }
}

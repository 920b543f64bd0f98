//! Renders answers as bytes.

use crate::answer::{Answer, Column, FieldValue, ListEntry};
use crate::calendar::Digits;
use crate::endpoint::{Field, Query, Response};
use crate::json;
use crate::problem::Problem;
use crate::representation::Representation;
use smallvec::SmallVec;
use std::ops::Range;

/// Renders the answer to a query. Bodies are kept for long and counted by their length, so they
/// have no spare capacity.
pub fn render(query: &Query, answer: &Answer<'_>) -> Representation {
    let mut body = match (&query.endpoint().response, answer) {
        (_, Answer::Empty(reason)) => return Representation::problem(Problem::no_data(*reason)),
        (Response::Series { item }, Answer::Series { timestamps, columns }) => {
            series(query, item, timestamps, columns)
        }
        (Response::List { item, list, entry }, Answer::List(entries)) => {
            self::list(query, item, list, entry, entries)
        }
        // A shape that doesn't fit its response: every endpoint's test would show it.
        (Response::Series { .. }, Answer::List(_))
        | (Response::List { .. }, Answer::Series { .. }) => {
            debug_assert!(false, "{} has a misfitting shape", query.endpoint().name);
            [BEGIN, END].concat()
        }
    };
    body.shrink_to_fit();
    Representation::body(body)
}

/// Writes the items into about as many bytes as they take. Most of an item is the same as in the
/// one before, so that is copied whole.
fn series(query: &Query, item: &[Field], timestamps: &[Digits], columns: &[Column<'_>]) -> Vec<u8> {
    let mut template = ItemTemplate::new(query, item, columns);
    let timestamp = timestamps.iter().map(|digits| digits.as_bytes().len()).max().unwrap_or(0);
    let integers = columns.iter().map(|column| json::longest_integer(column)).sum::<usize>();
    // With a comma.
    let longest = template.text.len() + timestamp + integers + 1;
    let mut out = Vec::with_capacity(BEGIN.len() + timestamps.len() * longest + END.len());
    out.extend_from_slice(BEGIN);
    for (row, timestamp) in timestamps.iter().enumerate() {
        if row > 0 {
            out.push(b',');
        }
        template.fill(row, timestamp);
        out.extend_from_slice(&template.text);
    }
    out.extend_from_slice(END);
    out
}

fn list(
    query: &Query,
    item: &[Field],
    list: &'static str,
    entry: &[Field],
    entries: &[ListEntry<'_>],
) -> Vec<u8> {
    let mut out = BEGIN.to_vec();
    out.push(b'{');
    for field in item {
        json::name(&mut out, field.name());
        json::string(&mut out, query.value(field.name()));
        out.push(b',');
    }
    json::name(&mut out, list);
    out.push(b'[');
    for (row, values) in entries.iter().enumerate() {
        out.extend_from_slice(if row > 0 { b",{" } else { b"{" });
        let mut first = true;
        for (field, value) in entry.iter().zip(values) {
            if *value == FieldValue::Absent {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            json::name(&mut out, field.name());
            match value {
                FieldValue::Text(text) => json::string(&mut out, text),
                FieldValue::Int(value) => json::integer(&mut out, *value),
                FieldValue::Absent => {}
            }
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out.extend_from_slice(END);
    out
}

const BEGIN: &[u8] = b"{\"items\":[";
const END: &[u8] = b"]}";

/// The text of an item of a series, rewritten from item to item where they differ.
struct ItemTemplate<'a> {
    text: Vec<u8>,
    /// In order.
    gaps: SmallVec<[Gap<'a>; 6]>,
}

/// A place where items differ.
struct Gap<'a> {
    at: Range<usize>,
    /// Fills it; `None` for the timestamp.
    column: Option<&'a [i64]>,
}

impl<'a> ItemTemplate<'a> {
    /// Most texts fit.
    const TYPICAL_LENGTH: usize = 256;

    /// An item whose gaps are still empty; each that is no timestamp takes the next column.
    fn new(query: &Query, item: &[Field], columns: &'a [Column<'_>]) -> Self {
        let mut text = Vec::with_capacity(Self::TYPICAL_LENGTH);
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

    /// Rewrites it to the item of a row.
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

    /// Integers of every length.
    fn integer() -> impl Strategy<Value = i64> {
        (any::<i64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift)
    }

    proptest! {
        #[test]
        fn series_of_any_lengths_are_written_as_they_are(
            rows in proptest::collection::vec((any::<bool>(), integer(), integer(), integer()), 1..9)
        ) {
            let target = "/metrics/unique-devices/a-b.x/all-sites/daily/20240101/20240102";
            let catalogue = Catalogue::standard().unwrap();
            let query = catalogue.resolve(Target::parse(target).unwrap()).unwrap();
            let timestamp = |long: bool| if long { "2024010100" } else { "20240101" };
            let column = |of: fn(&(bool, i64, i64, i64)) -> i64| -> Column<'_> {
                rows.iter().map(of).collect::<Vec<_>>().into()
            };
            let answer = Answer::Series {
                timestamps: rows.iter().map(|row| Digits::from_text(timestamp(row.0)).unwrap()).collect(),
                columns: [column(|row| row.1), column(|row| row.2), column(|row| row.3)].into(),
            };
            let Representation::Body(body) = render(&query, &answer) else { panic!("no body") };
            let written = body.identity;
            let items = rows.iter().map(|(long, devices, offset, underestimate)| json!({
                "project": "a-b.x", "access-site": "all-sites", "granularity": "daily",
                "timestamp": timestamp(*long), "devices": devices, "offset": offset,
                "underestimate": underestimate,
            }));
            let expected = json!({ "items": items.collect::<Vec<_>>() });
            prop_assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), expected);
        }
    }
}

//! Made-up rows of an endpoint, in order to see which bodies it makes of them.

use crate::endpoint::{Endpoint, Query, Segment};
use crate::param::{Param, Role};
use crate::percent;
use crate::rows::{Rows, RowsError};
use crate::source::{JsonList, MemberType};
use crate::table::{ALL_DAYS, ColumnType};
use serde_json::{Map, Value};

/// Timestamps of the sample rows: two in one month, one in the next.
const TIMESTAMPS: [&str; 3] = ["2026100100", "2026103100", "2026110100"];
/// Texts of the sample lists: plain, to be escaped in JSON, and codes of countries of which one is
/// protected.
const TEXTS: [&str; 4] = ["Main_Page", "C\"a\\f/é\u{1}", "FR", "RU"];
/// Numbers of the sample rows and lists: on both sides of the steps that shapes round at.
const NUMBERS: [i64; 4] = [1, 1000, 1001, 32_015_000];

/// How the sample rows of a table are filled.
#[derive(Clone, Copy)]
pub(crate) enum Filling {
    Empty,
    Full,
    /// As `Full`, but lists have numbers wherever old and new rows may differ in type.
    Numeric,
    /// As `Full`, but the first value column is null.
    FirstNull,
    Nulls,
}

/// The paths of an endpoint's examples with every combination of its closed parameters.
pub(crate) fn sample_paths(endpoint: &Endpoint) -> Vec<String> {
    let mut paths = vec![String::new()];
    for segment in endpoint.segments {
        let values = match segment {
            Segment::Word(word) => vec![*word],
            Segment::Param(param) => sample_values(param),
        };
        let extended = |path: &String| -> Vec<String> {
            let with = |value: &&str| {
                let mut path = format!("{path}/");
                percent::encode_into(&mut path, value);
                path
            };
            values.iter().map(with).collect()
        };
        paths = paths.iter().flat_map(extended).collect();
    }
    paths
}

/// A few of these paths: each value of each closed parameter is in one of them.
pub(super) fn few_sample_paths(endpoint: &Endpoint) -> Vec<String> {
    let values: Vec<_> = endpoint.params().map(|param| (param, sample_values(param))).collect();
    let count = values.iter().map(|(_, values)| values.len()).max().unwrap_or(1);
    let path = |index: usize| {
        endpoint.path(|param| {
            let (_, values) = values.iter().find(|(known, _)| known.is(param))?;
            values.get(index % values.len().max(1)).copied()
        })
    };
    (0..count).filter_map(path).collect()
}

fn sample_values(param: &'static Param) -> Vec<&'static str> {
    if let Role::Day { .. } = param.role {
        return vec![param.example, ALL_DAYS];
    }
    param.role.closed_values().unwrap_or_else(|| vec![param.example])
}

/// Sample rows of a query: one for each timestamp of a series, else one.
pub(crate) fn sample_rows(query: &Query, filling: Filling) -> Result<Rows, RowsError> {
    let source = &query.endpoint().source;
    let (keys, values) = source.columns();
    let mut builder = query.lookup().rows();
    let count = match filling {
        Filling::Empty => 0,
        Filling::Full | Filling::Numeric | Filling::FirstNull | Filling::Nulls => {
            let is_series = keys.iter().any(|column| column.form().is_some());
            if is_series { TIMESTAMPS.len() } else { 1 }
        }
    };
    for (row, timestamp) in TIMESTAMPS.iter().enumerate().take(count) {
        for (index, column) in keys.iter().chain(values).enumerate() {
            let value = index.checked_sub(keys.len());
            let null = match filling {
                Filling::FirstNull => value == Some(0),
                Filling::Nulls => value.is_some(),
                Filling::Empty | Filling::Full | Filling::Numeric => false,
            };
            if let Some(form) = column.form() {
                builder.text(index, timestamp.get(..form.len()))?;
                continue;
            }
            match column.kind {
                ColumnType::Timestamp | ColumnType::Date => builder.text(index, Some(timestamp))?,
                ColumnType::Text => {
                    builder.text(index, TEXTS.get(row).filter(|_| !null).copied())?;
                }
                ColumnType::Json => {
                    let list = source.list().map(|list| sample_list(list, filling));
                    let list = list.filter(|_| !null).map(|list| list.to_string());
                    builder.text(index, list.as_deref())?;
                }
                ColumnType::Double => {
                    builder.double(index, (!null).then_some(row as f64 + index as f64 / 8.0))?;
                }
                // Columns differ, so that one is not mistaken for another.
                ColumnType::Int | ColumnType::BigInt => {
                    let number = (row * 100 + index) as i64;
                    builder.int(index, (!null).then_some(number))?;
                }
            }
        }
        builder.end_row()?;
    }
    Ok(builder.finish())
}

/// A stored list of objects, last rank first.
fn sample_list(list: &JsonList, filling: Filling) -> Value {
    let objects = TEXTS.iter().zip(NUMBERS).enumerate().map(|(row, (text, number))| {
        let members = list.members.iter().map(|member| {
            let value = match member.kind {
                MemberType::Int if member.name == "rank" => (TEXTS.len() - row).into(),
                MemberType::Int | MemberType::OptionalInt => number.into(),
                MemberType::IntOrText if matches!(filling, Filling::Numeric) => number.into(),
                MemberType::Text | MemberType::IntOrText => (*text).into(),
            };
            (member.name.to_owned(), value)
        });
        Value::Object(members.collect::<Map<_, _>>())
    });
    objects.collect()
}

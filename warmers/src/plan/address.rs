//! Addresses, from an endpoint's segments and the values that are chosen.

use aqs_api::endpoint::Segment;
use aqs_api::param::{Kind, Param};
use aqs_api::{Endpoint, percent};

/// A parameter and its value.
pub(super) type Chosen = (&'static Param, String);

/// The dates in a path.
#[derive(Clone, Copy)]
pub(super) struct Dates<'a> {
    pub(super) start: &'a str,
    pub(super) end: &'a str,
    pub(super) year: &'a str,
    pub(super) month: &'a str,
    pub(super) day: &'a str,
}

/// Some dates that every rule takes, to learn what a path is about.
pub(super) const ANY_DATES: Dates<'static> =
    Dates { start: "2000010100", end: "2000123123", year: "2000", month: "01", day: "01" };

/// The path of an endpoint with these values and dates.
pub(super) fn path(endpoint: &Endpoint, chosen: &[Chosen], dates: Dates<'_>) -> String {
    let mut path = String::new();
    for segment in endpoint.segments {
        path.push('/');
        match segment {
            Segment::Word(word) => path.push_str(word),
            Segment::Param(param) => percent::encode_into(&mut path, value(param, chosen, dates)),
        }
    }
    path
}

fn value<'a>(param: &Param, chosen: &'a [Chosen], dates: Dates<'a>) -> &'a str {
    match param.kind {
        Kind::Start => dates.start,
        Kind::End => dates.end,
        Kind::Year => dates.year,
        Kind::Month { .. } => dates.month,
        Kind::Day => dates.day,
        _ => {
            let value = chosen.iter().find(|(other, _)| other.name == param.name);
            value.map(|(_, value)| value.as_str()).unwrap_or_default()
        }
    }
}

//! The countries that a project is read from (contract §1.7).

use super::{ShapeError, parse_list};
use crate::answer::{Answer, Cell, Content, Entry, Figures, NoDataReason};
use crate::endpoint::Rules;
use crate::query::Query;
use crate::rows::Rows;
use crate::tables::TOP_BY_COUNTRY;
use serde::Deserialize;
use smallvec::smallvec;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Country<'a> {
    #[serde(borrow)]
    country: Cow<'a, str>,
    #[serde(borrow)]
    views: Views<'a>,
    rank: i64,
}

/// A count that is rounded up to thousands, or the interval text of old rows.
#[derive(Deserialize)]
#[serde(untagged)]
enum Views<'a> {
    Ceiled(i64),
    #[serde(borrow)]
    Interval(Cow<'a, str>),
}

/// Countries by rank, without the protected ones, so that ranks have gaps.
pub fn by_country<'a>(
    query: &'a Query,
    rows: &'a Rows,
    rules: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    let Some(cell) = rows.texts("countriesJSON")?.get(0) else {
        return Ok(Answer::Empty(NoDataReason::NoData));
    };
    let mut countries: Vec<Country<'a>> = parse_list(cell, TOP_BY_COUNTRY.name, "countriesJSON")?;
    countries.retain(|country| !rules.protected.contains(&country.country));
    countries.sort_by_key(|country| country.rank);
    let entry = |country: Country<'a>| -> Entry<'a> {
        let (views, ceiled) = match country.views {
            Views::Ceiled(views) => (Cow::Owned(interval(views)), Cell::Int(views)),
            Views::Interval(text) => (text, Cell::Absent),
        };
        smallvec![Cell::Text(country.country), Cell::Text(views), Cell::Int(country.rank), ceiled]
    };
    let entries = countries.into_iter().map(entry).collect();
    Ok(Answer::Content(Content { query, figures: Figures::List { entries } }))
}

/// The power-of-ten interval that a ceiled count is published as: a power of ten itself belongs
/// to the interval below, and the lowest interval is `100-999`.
fn interval(views: i64) -> String {
    let below = views.saturating_sub(1);
    if below < 100 {
        return "100-999".to_owned();
    }
    // 1000 is 999 below, so that counting the digits of `views - 1` is upstream's rule for powers
    // of ten and changes no other count's digits.
    let digits = below.ilog10();
    let low = 10_u128.pow(digits);
    format!("{low}-{}", low * 10 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_the_contracts() {
        for (views, expected) in [
            (-1, "100-999"),
            (0, "100-999"),
            (99, "100-999"),
            (100, "100-999"),
            (101, "100-999"),
            (999, "100-999"),
            (1000, "100-999"),
            (1001, "1000-9999"),
            (2000, "1000-9999"),
            (10_000, "1000-9999"),
            (30_000, "10000-99999"),
            (32_015_000, "10000000-99999999"),
            (i64::MAX, "1000000000000000000-9999999999999999999"),
        ] {
            assert_eq!(interval(views), expected, "{views}");
        }
    }
}

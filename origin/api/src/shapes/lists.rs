//! Top lists, stored as JSON in one cell (contract §1.7, §4.4).

use crate::answer::{Answer, FieldValue, ListEntry, ShapeError};
use crate::endpoint::{Query, Rules};
use crate::problem::NoDataReason;
use crate::rows::Rows;
use crate::table::Table;
use crate::tables::{TOP_BY_COUNTRY, TOP_PAGEVIEWS, TOP_PER_COUNTRY};
use serde::Deserialize;
use smallvec::smallvec;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Viewed<'a> {
    #[serde(borrow)]
    article: Cow<'a, str>,
    views: i64,
    rank: i64,
}

#[derive(Deserialize)]
struct Read<'a> {
    #[serde(borrow)]
    article: Cow<'a, str>,
    #[serde(borrow)]
    project: Cow<'a, str>,
    views_ceil: i64,
    rank: i64,
}

#[derive(Deserialize)]
struct Country<'a> {
    #[serde(borrow)]
    country: Cow<'a, str>,
    #[serde(borrow)]
    views: CountryViews<'a>,
    rank: i64,
}

/// A count that is rounded up to thousands, or the interval text of old rows.
#[derive(Deserialize)]
#[serde(untagged)]
enum CountryViews<'a> {
    Ceiled(i64),
    #[serde(borrow)]
    Interval(Cow<'a, str>),
}

/// The most viewed articles of a project; old rows have them in `articles`.
pub fn most_viewed<'a>(_: &'a Query, rows: &'a Rows, _: &Rules) -> Result<Answer<'a>, ShapeError> {
    let column = match rows.texts("articlesJSON")?.get(0) {
        Some(_) => "articlesJSON",
        None => "articles",
    };
    let rank = |article: &Viewed<'a>| article.rank;
    list(rows, &TOP_PAGEVIEWS, column, rank, |article| {
        let (text, views) = (FieldValue::Text(article.article), FieldValue::Int(article.views));
        Some(smallvec![text, views, FieldValue::Int(article.rank)])
    })
}

/// What a country reads; nothing of a protected one, even if the store has it.
pub fn most_read_in_country<'a>(
    query: &'a Query,
    rows: &'a Rows,
    rules: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    if rules.protected.contains(query.value("country")) {
        return Ok(Answer::Empty(NoDataReason::NoData));
    }
    let rank = |article: &Read<'a>| article.rank;
    list(rows, &TOP_PER_COUNTRY, "articles", rank, |article| {
        let texts = [article.article, article.project].map(FieldValue::Text);
        let numbers = [article.views_ceil, article.rank].map(FieldValue::Int);
        Some(texts.into_iter().chain(numbers).collect())
    })
}

/// The countries that a project is read from, by rank, without the protected ones, so that ranks
/// have gaps.
pub fn by_country<'a>(
    _: &'a Query,
    rows: &'a Rows,
    rules: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    let rank = |country: &Country<'a>| country.rank;
    list(rows, &TOP_BY_COUNTRY, "countriesJSON", rank, |country| {
        if rules.protected.contains(&country.country) {
            return None;
        }
        let (views, ceiled) = match country.views {
            CountryViews::Ceiled(views) => (interval(views).into(), FieldValue::Int(views)),
            CountryViews::Interval(text) => (text, FieldValue::Absent),
        };
        let texts = [country.country, views].map(FieldValue::Text);
        let numbers = [FieldValue::Int(country.rank), ceiled];
        Some(texts.into_iter().chain(numbers).collect())
    })
}

/// The list in the first row's cell of a column, by rank. `entry` returns the fields of an entry, or
/// `None` to leave it out.
fn list<'a, T: Deserialize<'a>>(
    rows: &'a Rows,
    table: &Table,
    column: &'static str,
    rank: impl Fn(&T) -> i64,
    entry: impl Fn(T) -> Option<ListEntry<'a>>,
) -> Result<Answer<'a>, ShapeError> {
    let Some(cell) = rows.texts(column)?.get(0) else {
        return Ok(Answer::Empty(NoDataReason::NoData));
    };
    let table = table.name;
    let mut parsed: Vec<T> = serde_json::from_str(cell)
        .map_err(|source| ShapeError::BrokenJson { table, column, source })?;
    parsed.sort_by_key(rank);
    Ok(Answer::List(parsed.into_iter().filter_map(entry).collect()))
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
    fn intervals_are_those_of_the_contract() {
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

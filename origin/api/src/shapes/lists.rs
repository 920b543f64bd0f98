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
    let Some(mut articles) = parse::<Viewed<'a>>(rows, &TOP_PAGEVIEWS, column)? else {
        return Ok(Answer::Empty(NoDataReason::NoData));
    };
    articles.sort_by_key(|article| article.rank);
    let entry = |article: Viewed<'a>| -> ListEntry<'a> {
        smallvec![
            FieldValue::Text(article.article),
            FieldValue::Int(article.views),
            FieldValue::Int(article.rank)
        ]
    };
    Ok(Answer::List(articles.into_iter().map(entry).collect()))
}

/// What a country reads; nothing of a protected one, even if the store has it.
pub fn most_read_in_country<'a>(
    query: &'a Query,
    rows: &'a Rows,
    rules: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    let protected = rules.protected.contains(query.value("country"));
    let parsed =
        if protected { None } else { parse::<Read<'a>>(rows, &TOP_PER_COUNTRY, "articles")? };
    let Some(mut articles) = parsed else { return Ok(Answer::Empty(NoDataReason::NoData)) };
    articles.sort_by_key(|article| article.rank);
    let entry = |article: Read<'a>| -> ListEntry<'a> {
        smallvec![
            FieldValue::Text(article.article),
            FieldValue::Text(article.project),
            FieldValue::Int(article.views_ceil),
            FieldValue::Int(article.rank)
        ]
    };
    Ok(Answer::List(articles.into_iter().map(entry).collect()))
}

/// The countries that a project is read from, by rank, without the protected ones, so that ranks
/// have gaps.
pub fn by_country<'a>(
    _: &'a Query,
    rows: &'a Rows,
    rules: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    let Some(mut countries) = parse::<Country<'a>>(rows, &TOP_BY_COUNTRY, "countriesJSON")? else {
        return Ok(Answer::Empty(NoDataReason::NoData));
    };
    countries.retain(|country| !rules.protected.contains(&country.country));
    countries.sort_by_key(|country| country.rank);
    let entry = |country: Country<'a>| -> ListEntry<'a> {
        let (views, ceiled) = match country.views {
            CountryViews::Ceiled(views) => (interval(views).into(), FieldValue::Int(views)),
            CountryViews::Interval(text) => (text, FieldValue::Absent),
        };
        smallvec![
            FieldValue::Text(country.country),
            FieldValue::Text(views),
            FieldValue::Int(country.rank),
            ceiled
        ]
    };
    Ok(Answer::List(countries.into_iter().map(entry).collect()))
}

/// Parses the JSON list in the first row's cell of a column; `None` if there is none.
fn parse<'a, T: Deserialize<'a>>(
    rows: &'a Rows,
    table: &Table,
    column: &'static str,
) -> Result<Option<Vec<T>>, ShapeError> {
    let Some(cell) = rows.texts(column)?.get(0) else { return Ok(None) };
    let table = table.name;
    let parsed = serde_json::from_str(cell);
    parsed.map(Some).map_err(|source| ShapeError::BrokenJson { table, column, source })
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

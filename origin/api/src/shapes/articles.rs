//! Top lists of articles, kept as JSON in one cell (contract §1.7, §4.4).

use super::{ShapeError, parse_list};
use crate::answer::{Answer, Cell, Content, Entry, Figures, NoDataReason};
use crate::endpoint::Rules;
use crate::query::Query;
use crate::rows::Rows;
use crate::tables::{TOP_PAGEVIEWS, TOP_PER_COUNTRY};
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

/// The most viewed articles of a project; `articles` is where old rows have them.
pub fn most_viewed<'a>(
    query: &'a Query,
    rows: &'a Rows,
    _: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    let (column, cell) = match rows.texts("articlesJSON")?.get(0) {
        Some(cell) => ("articlesJSON", Some(cell)),
        None => ("articles", rows.texts("articles")?.get(0)),
    };
    let Some(cell) = cell else { return Ok(Answer::Empty(NoDataReason::NoData)) };
    let mut articles: Vec<Viewed<'a>> = parse_list(cell, TOP_PAGEVIEWS.name, column)?;
    articles.sort_by_key(|article| article.rank);
    let entry = |article: Viewed<'a>| -> Entry<'a> {
        smallvec![Cell::Text(article.article), Cell::Int(article.views), Cell::Int(article.rank)]
    };
    let entries = articles.into_iter().map(entry).collect();
    Ok(Answer::Content(Content { query, figures: Figures::List { entries } }))
}

/// What a country reads; nothing of a protected one, whatever the store holds.
pub fn most_read_in_country<'a>(
    query: &'a Query,
    rows: &'a Rows,
    rules: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    let cell = rows.texts("articles")?.get(0);
    let Some(cell) = cell.filter(|_| !rules.protected.contains(query.value("country"))) else {
        return Ok(Answer::Empty(NoDataReason::NoData));
    };
    let mut articles: Vec<Read<'a>> = parse_list(cell, TOP_PER_COUNTRY.name, "articles")?;
    articles.sort_by_key(|article| article.rank);
    let entry = |article: Read<'a>| -> Entry<'a> {
        smallvec![
            Cell::Text(article.article),
            Cell::Text(article.project),
            Cell::Int(article.views_ceil),
            Cell::Int(article.rank)
        ]
    };
    let entries = articles.into_iter().map(entry).collect();
    Ok(Answer::Content(Content { query, figures: Figures::List { entries } }))
}

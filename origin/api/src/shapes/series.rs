//! Series that are answered as they are stored.

use super::ShapeError;
use crate::answer::{Answer, Content, Emptiness, Figures, Values};
use crate::calendar::Digits;
use crate::endpoint::Rules;
use crate::query::Query;
use crate::rows::Rows;
use crate::table::Table;
use crate::tables;
use smallvec::{SmallVec, smallvec};
use std::borrow::Cow;

/// Unique devices: three figures a period, null as 0 (contract §1.4).
pub fn unique_devices<'a>(
    query: &'a Query,
    rows: &'a Rows,
    _: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    let values = ["devices", "offset", "underestimate"]
        .into_iter()
        .map(|name| Ok(Cow::Borrowed(rows.ints(name)?.or_zero())))
        .collect::<Result<_, ShapeError>>()?;
    answer(query, timestamps(rows, &tables::UNIQUE_DEVICES)?, values)
}

/// Views of a project: `v`, or `views` in old rows (contract §1.7).
pub fn project_views<'a>(
    query: &'a Query,
    rows: &'a Rows,
    _: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    let new = rows.ints("v")?.iter();
    let old = rows.ints("views")?.iter();
    let views = new.zip(old).map(|(new, old)| new.or(old).unwrap_or(0)).collect();
    answer(query, timestamps(rows, &tables::PAGEVIEWS_PER_PROJECT)?, smallvec![Cow::Owned(views)])
}

/// Legacy page counts (contract §1.7).
pub fn pagecounts<'a>(
    query: &'a Query,
    rows: &'a Rows,
    _: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    let counts = Cow::Borrowed(rows.ints("count")?.or_zero());
    answer(query, timestamps(rows, &tables::LEGACY_PAGECOUNTS)?, smallvec![counts])
}

/// The timestamps of rows.
pub(super) fn timestamps(rows: &Rows, table: &'static Table) -> Result<Vec<Digits>, ShapeError> {
    let read = |text: Option<&str>| {
        let text = text.unwrap_or("");
        let broken = || ShapeError::Timestamp { table: table.name, text: text.to_owned() };
        Digits::from_text(text).ok_or_else(broken)
    };
    // `collect` would not know how many there are, since any may be broken.
    let mut timestamps = Vec::with_capacity(rows.len());
    for text in rows.texts("timestamp")?.iter() {
        timestamps.push(read(text)?);
    }
    Ok(timestamps)
}

/// A series, or no data if it has no period.
pub(super) fn answer<'a>(
    query: &'a Query,
    timestamps: Vec<Digits>,
    values: SmallVec<[Values<'a>; 3]>,
) -> Result<Answer<'a>, ShapeError> {
    if timestamps.is_empty() {
        return Ok(Answer::Empty(Emptiness::NoData));
    }
    Ok(Answer::Content(Content { query, figures: Figures::Series { timestamps, values } }))
}

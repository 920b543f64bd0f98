//! Series that are answered as they are stored.

use super::ShapeError;
use crate::answer::{Answer, Content, Figures, NoDataReason, Values};
use crate::calendar::Digits;
use crate::endpoint::Rules;
use crate::query::Query;
use crate::rows::Rows;
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
    answer(query, rows.timestamps()?.into(), values)
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
    answer(query, rows.timestamps()?.into(), smallvec![Cow::Owned(views)])
}

/// Legacy page counts (contract §1.7).
pub fn pagecounts<'a>(
    query: &'a Query,
    rows: &'a Rows,
    _: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    let counts = Cow::Borrowed(rows.ints("count")?.or_zero());
    answer(query, rows.timestamps()?.into(), smallvec![counts])
}

/// A series, or no data if it has no period.
pub(super) fn answer<'a>(
    query: &'a Query,
    timestamps: Cow<'a, [Digits]>,
    values: SmallVec<[Values<'a>; 3]>,
) -> Result<Answer<'a>, ShapeError> {
    if timestamps.is_empty() {
        return Ok(Answer::Empty(NoDataReason::NoData));
    }
    Ok(Answer::Content(Content { query, figures: Figures::Series { timestamps, values } }))
}

//! Time series (contract §1.4, §1.7).

use crate::answer::{Answer, Column, ShapeError};
use crate::calendar::{Digits, Granularity};
use crate::endpoint::{Query, Rules};
use crate::problem::NoDataReason;
use crate::rows::Rows;
use smallvec::{SmallVec, smallvec};
use std::borrow::Cow;

/// Unique devices: three integers a period, null as 0.
pub fn unique_devices<'a>(
    _: &'a Query,
    rows: &'a Rows,
    _: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    let columns = ["devices", "offset", "underestimate"]
        .into_iter()
        .map(|name| Ok(Cow::Borrowed(rows.ints(name)?.or_zero())))
        .collect::<Result<_, ShapeError>>()?;
    Ok(series(rows.timestamps()?.into(), columns))
}

/// Views of a project: `v`, or `views` in old rows.
pub fn project_views<'a>(
    _: &'a Query,
    rows: &'a Rows,
    _: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    let new = rows.ints("v")?.iter();
    let old = rows.ints("views")?.iter();
    let views = new.zip(old).map(|(new, old)| new.or(old).unwrap_or(0)).collect();
    Ok(series(rows.timestamps()?.into(), smallvec![Cow::Owned(views)]))
}

pub fn pagecounts<'a>(_: &'a Query, rows: &'a Rows, _: &Rules) -> Result<Answer<'a>, ShapeError> {
    let counts = Cow::Borrowed(rows.ints("count")?.or_zero());
    Ok(series(rows.timestamps()?.into(), smallvec![counts]))
}

/// Views of an article: one of 16 counters (contract §4.3), by day as stored, by month as the sum
/// of the days of the query; null is 0, and days without a row are left out.
pub fn per_article<'a>(
    query: &'a Query,
    rows: &'a Rows,
    _: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    let column = counter(query.value("access"), query.value("agent"));
    let views = rows.ints(&column)?.iter().map(Option::unwrap_or_default);
    let days = rows.timestamps()?;
    if query.granularity() != Some(Granularity::Monthly) {
        return Ok(series(days.into(), smallvec![views.collect()]));
    }
    let mut months: Vec<Digits> = Vec::new();
    let mut sums: Vec<i64> = Vec::new();
    for (day, views) in days.iter().zip(views) {
        let month = day.month_start();
        match sums.last_mut() {
            Some(sum) if months.last() == Some(&month) => *sum = sum.saturating_add(views),
            _ => {
                months.push(month);
                sums.push(views);
            }
        }
    }
    Ok(series(months.into(), smallvec![Cow::Owned(sums)]))
}

/// A series, or no data if it has no period.
fn series<'a>(timestamps: Cow<'a, [Digits]>, columns: SmallVec<[Column<'a>; 3]>) -> Answer<'a> {
    if timestamps.is_empty() {
        return Answer::Empty(NoDataReason::NoData);
    }
    Answer::Series { timestamps, columns }
}

/// The column of an access and an agent. Any other value names no column, which the rows report.
fn counter(access: &str, agent: &str) -> String {
    let access = match access {
        "all-access" => "a",
        "desktop" => "d",
        "mobile-app" => "ma",
        "mobile-web" => "mw",
        other => other,
    };
    let agent = match agent {
        "all-agents" => "a",
        "automated" => "b",
        "spider" => "s",
        "user" => "u",
        other => other,
    };
    format!("{access}{agent}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::{ACCESS, AGENT};
    use crate::tables::PAGEVIEWS_PER_ARTICLE;

    #[test]
    fn every_access_and_agent_has_its_own_counter() {
        let mut names: Vec<String> = Vec::new();
        for access in ACCESS {
            for agent in AGENT {
                let name = counter(access, agent);
                assert!(
                    PAGEVIEWS_PER_ARTICLE.values.iter().any(|column| column.name == name),
                    "{name}"
                );
                assert!(!names.contains(&name), "{name}");
                names.push(name);
            }
        }
        assert_eq!(names.len(), PAGEVIEWS_PER_ARTICLE.values.len());
    }
}

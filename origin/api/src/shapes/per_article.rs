//! Views of an article: one of 16 counters, by day or summed by month (contract §1.7, §4.3).

use super::ShapeError;
use super::series::answer;
use crate::answer::Answer;
use crate::calendar::Digits;
use crate::endpoint::Rules;
use crate::granularity::Granularity;
use crate::query::Query;
use crate::rows::Rows;
use smallvec::smallvec;
use std::borrow::Cow;

/// Views by day as stored, by month as the sum of the days that are asked for; null is 0, and
/// days without a row are left out.
pub fn per_article<'a>(
    query: &'a Query,
    rows: &'a Rows,
    _: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    let column = counter(query.value("access"), query.value("agent"));
    let views = rows.ints(&column)?.iter().map(Option::unwrap_or_default);
    let days = rows.timestamps()?;
    if query.granularity() != Some(Granularity::Monthly) {
        return answer(query, days.into(), smallvec![views.collect()]);
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
    answer(query, months.into(), smallvec![Cow::Owned(sums)])
}

/// The counter of an access and an agent. Anything else names no column, and the rows say so.
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
    use crate::enumeration::{ACCESS, AGENT};
    use crate::tables::PAGEVIEWS_PER_ARTICLE;

    #[test]
    fn every_access_and_agent_has_its_own_counter() {
        let mut names: Vec<String> = Vec::new();
        for access in ACCESS.values {
            for agent in AGENT.values {
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

//! Rows of `top_pageviews`: the most viewed articles.

use super::counted::{Counted, Counts, Order, list};
use super::counters::ACCESSES;
use super::days::{self, Month};
use super::error::SampleError;
use super::list_json::Style;
use super::noise::Noise;
use super::output::{Output, text};
use super::plan::Plan;
use super::projects::Project;
use crate::load::row::Cell;
use aqs_api::tables::TOP_PAGEVIEWS;

/// The first day of the newest ones that have a list.
const NEWEST: usize = days::index(2026, 9, 1);
/// Older days that have a list, on English Wikipedia.
const OLDER: [usize; 6] = [
    days::index(2020, 1, 1),
    days::index(2021, 1, 1),
    days::index(2022, 1, 1),
    days::index(2023, 1, 1),
    days::index(2024, 2, 29),
    days::index(2025, 12, 25),
];
/// Before this month the lists stand in the column of old rows.
const OLD_COLUMN_UNTIL: Month = Month::new(2019, 7);

/// Which lists a project has.
#[derive(Debug)]
struct Scope {
    project: &'static str,
    first: Month,
    days: Vec<usize>,
    /// How long a list may be: of all accesses, of one.
    limits: [usize; 2],
}

impl Scope {
    fn of(project: &Project) -> Self {
        let newest = NEWEST..days::AFTER;
        if project.name == "en.wikipedia" {
            let days = OLDER.into_iter().chain(newest).collect();
            let first = Month::new(2019, 1);
            return Self { project: project.name, first, days, limits: [1000, 250] };
        }
        let first = Month::new(2024, 1);
        Self { project: project.name, first, days: newest.collect(), limits: [100, 100] }
    }

    /// Every list of the scope, in the order of months, days before their month's whole.
    fn lists<'a>(
        &'a self,
        counted: &'a Counted,
    ) -> impl Iterator<Item = (Month, &'static str, &'a Counts)> {
        days::months(self.first).zip(&counted.months).flat_map(move |(month, whole)| {
            let days = self.days.iter().zip(&counted.days);
            let days = days.filter(move |(day, _)| month.days().contains(day));
            let days =
                days.map(move |(day, counts)| (month, days::days()[*day].of_month(), counts));
            days.chain([(month, "all-days", whole)])
        })
    }
}

/// Writes all of them.
pub(super) fn write(plan: &Plan, output: &mut Output<'_>) -> Result<(), SampleError> {
    for project in plan.projects.iter().filter(|project| project.top > 0) {
        let scope = Scope::of(project);
        let counted = Counted::of(plan.articles_of(project.name), scope.first, &scope.days);
        for access in 0..ACCESSES.len() {
            for (month, day, counts) in scope.lists(&counted) {
                row(&scope, access, month, day, counts, plan, output)?;
            }
        }
    }
    Ok(())
}

fn row(
    scope: &Scope,
    access: usize,
    month: Month,
    day: &str,
    counts: &Counts,
    plan: &Plan,
    output: &mut Output<'_>,
) -> Result<(), SampleError> {
    let (year, of_year) = (format!("{:04}", month.year()), format!("{:02}", month.month()));
    let key = [scope.project, ACCESSES[access], &year, &of_year, day];
    let published = plan.real.tops.iter().find(|top| {
        [&top.project, &top.access, &top.year, &top.month, &top.day]
            == key.each_ref().map(|part| *part)
    });
    let old = month < OLD_COLUMN_UNTIL;
    let json = match published {
        Some(top) => top.articles.clone(),
        None => {
            let style = if old { Style::Plain } else { Style::Loader };
            let shuffled = Noise::of(&key).below(0, 6) == 0;
            let order = if shuffled { Order::Title } else { Order::Rank };
            let limit = scope.limits[usize::from(access > 0)];
            list(plan.articles_of(scope.project), counts, access, limit, style, order)
        }
    };
    let cells = if old { [Cell::Absent, text(&json)] } else { [text(&json), Cell::Absent] };
    let [project, access, year, of_year, day] = key.map(text);
    let [new, old] = cells;
    output.row(&TOP_PAGEVIEWS, &[project, access, year, of_year, day, new, old])
}

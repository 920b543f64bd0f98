//! Rows of `top_bycountry`: from where a project is read.

use super::counters::{ACCESSES, users};
use super::days::{self, Month};
use super::error::SampleError;
use super::list_json::{List, Member, Style, ranks};
use super::noise::Noise;
use super::output::{Output, text};
use super::plan::Plan;
use super::projects::Project;
use super::readers::{self, Country};
use super::share::share_out;
use aqs_api::countries::ProtectedCountries;
use aqs_api::tables::TOP_BY_COUNTRY;

const FIRST: Month = Month::new(2020, 1);
/// Before this month views are the text of an interval.
const OLD_UNTIL: Month = Month::new(2020, 3);
/// Projects with a list, in key order, and how many accesses have one.
const LISTED: [(&str, usize); 12] = [
    ("all-projects", 4),
    ("ar.wikipedia", 1),
    ("commons.wikimedia", 1),
    ("de.wikipedia", 1),
    ("en.wikipedia", 4),
    ("es.wikipedia", 1),
    ("fr.wikipedia", 1),
    ("it.wikipedia", 1),
    ("ja.wikipedia", 1),
    ("ru.wikipedia", 1),
    ("wikidata", 1),
    ("zh.wikipedia", 1),
];

/// Views by country, in the order of the countries.
type Counts = Vec<u64>;

/// Writes all of them.
pub(super) fn write(plan: &Plan, output: &mut Output<'_>) -> Result<(), SampleError> {
    let countries = readers::read()?;
    let mut published = plan.real.countries.iter().peekable();
    for (project, accesses) in LISTED {
        for (place, access) in ACCESSES.into_iter().enumerate().take(accesses) {
            for month in days::months(FIRST) {
                let key = [project, access, &month.text()];
                let counts = counts(plan, &countries, project, place, month);
                row(key, &list(&countries, &counts, month, Noise::of(&key)), output)?;
            }
        }
        // A series that holds real rows isn't generated, so these lie between the projects.
        let next = LISTED.iter().map(|(name, _)| *name).find(|name| *name > project);
        while let Some(real) =
            published.next_if(|real| next.is_none_or(|next| *real.project < *next))
        {
            let month = format!("{}{}", real.year, real.month);
            row([&real.project, &real.access, &month], &real.countries, output)?;
        }
    }
    Ok(())
}

fn row(key: [&str; 3], json: &str, output: &mut Output<'_>) -> Result<(), SampleError> {
    let [project, access, month] = key;
    let (year, month) = month.split_at(4);
    let [project, access, year, month, json] = [project, access, year, month, json].map(text);
    output.row(&TOP_BY_COUNTRY, &[project, access, year, month, json])
}

/// Views of a project, or of all, by country.
fn counts(
    plan: &Plan,
    countries: &[Country],
    project: &str,
    access: usize,
    month: Month,
) -> Counts {
    let mut sums = vec![0; countries.len()];
    let accesses = if access == 0 { 0..3 } else { access - 1..access };
    let all = plan.projects.iter().chain([&plan.rest]);
    for one in all.filter(|one| project == "all-projects" || one.name == project) {
        let users = users(&one.month(month, &plan.real));
        let weights = weights(one, countries, month);
        for access in accesses.clone() {
            let turn = one.noise.branch(70 + access as u64).at(month.index() as u64);
            let mut parts = vec![0; countries.len()];
            share_out(users[access], &weights, turn, &mut parts);
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        }
    }
    sums
}

fn weights(project: &Project, countries: &[Country], month: Month) -> Vec<u64> {
    let noise = project.noise.branch(80);
    let weight = |(place, country): (u64, &Country)| {
        let sway = noise.branch(place).around(month.index() as u64, 80);
        country.readers(project.language) * sway
    };
    (0..).zip(countries).map(weight).collect()
}

/// The list: ranked before protected countries are dropped, so that ranks have gaps.
fn list(countries: &[Country], counts: &Counts, month: Month, noise: Noise) -> String {
    let protected = ProtectedCountries::default();
    let counted = countries.iter().map(|country| country.code).zip(counts.iter().copied());
    let mut counted: Vec<(&str, u64)> = counted.filter(|(_, views)| *views > 99).collect();
    counted.sort_by_key(|(_, views)| std::cmp::Reverse(*views));
    let ranks: Vec<u64> = ranks(counted.iter().map(|(_, views)| *views)).collect();
    let mut ranked: Vec<(&str, u64, u64)> = counted
        .into_iter()
        .zip(ranks)
        .map(|((code, views), rank)| (code, views.next_multiple_of(1000), rank))
        .filter(|(code, _, _)| !protected.contains(code))
        .collect();
    if noise.below(0, 6) == 0 {
        ranked.sort_unstable();
    }
    let mut list = List::new(Style::Loader);
    for (country, views, rank) in ranked {
        let interval = interval(views);
        let views = if month < OLD_UNTIL { Member::Text(&interval) } else { Member::Number(views) };
        list.entry(&[
            ("country", Member::Text(country)),
            ("views", views),
            ("rank", Member::Number(rank)),
        ]);
    }
    list.finish()
}

/// The powers of ten that a count, rounded up to thousands, lies between.
fn interval(views: u64) -> String {
    let low = 10_u64.pow(views.saturating_sub(1).max(100).ilog10());
    format!("{low}-{}", low * 10 - 1)
}

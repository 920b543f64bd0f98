//! Rows of `top_percountry`: what a country reads on a day.

use super::counters::ACCESSES;
use super::days::{self, Day};
use super::error::SampleError;
use super::list_json::{List, Member, Style, ranks};
use super::noise::Noise;
use super::output::{Output, text};
use super::plan::Plan;
use super::projects::Project;
use super::readers::{self, Country};
use aqs_api::tables::TOP_PER_COUNTRY;

/// Countries with lists, in key order; none of them is protected.
const LISTED: [&str; 12] = ["BR", "CA", "DE", "ES", "FR", "GB", "IN", "IT", "JP", "PL", "UA", "US"];
/// The first of the newest days that have lists.
const NEWEST: usize = days::index(2026, 9, 27);
/// Older days that have lists. There is nothing before the first of them.
const OLDER: [usize; 5] = [
    days::index(2021, 1, 1),
    days::index(2021, 1, 2),
    days::index(2022, 6, 15),
    days::index(2024, 2, 29),
    days::index(2025, 12, 25),
];
/// About so many views come from a thousand readers.
const FEWEST: u64 = 1200;
/// How long a list may be: of all accesses, of one.
const LIMITS: [usize; 2] = [100, 25];

/// An article, its views by access, and what language it is in.
struct Read<'a> {
    project: &'a str,
    title: &'a str,
    language: &'a str,
    users: [u64; 3],
}

/// Writes all of them.
pub(super) fn write(plan: &Plan, output: &mut Output<'_>) -> Result<(), SampleError> {
    let countries = readers::read()?;
    let days: Vec<&Day> =
        OLDER.into_iter().chain(NEWEST..days::AFTER).map(|day| &days::days()[day]).collect();
    let read: Vec<Vec<Read<'_>>> = days.iter().map(|day| read_on(plan, day)).collect();
    for country in countries.iter().filter(|country| LISTED.contains(&country.code)) {
        let shares = shares(plan, &countries, country);
        for (place, access) in ACCESSES.into_iter().enumerate() {
            for (day, read) in days.iter().zip(&read) {
                let json = list(country, &shares, read, place, day);
                let (year, rest) = day.date().split_at(4);
                let key = [country.code, access, year, &rest[..2], day.of_month()];
                let [code, access, year, month, day] = key.map(text);
                output.row(&TOP_PER_COUNTRY, &[code, access, year, month, day, text(&json)])?;
            }
        }
    }
    Ok(())
}

fn read_on<'a>(plan: &'a Plan, day: &Day) -> Vec<Read<'a>> {
    let mut read = Vec::new();
    for project in &plan.projects {
        for article in plan.articles_of(project.name) {
            let users = article.users(day);
            if users.iter().sum::<u64>() >= FEWEST && article.title != "-" {
                let (title, language) = (&*article.title, project.language);
                read.push(Read { project: project.name, title, language, users });
            }
        }
    }
    read
}

/// A country's part in the readers of each language, per million.
fn shares<'a>(plan: &'a Plan, countries: &[Country], country: &Country) -> Vec<(&'a str, u64)> {
    let mut shares: Vec<(&str, u64)> = Vec::new();
    for Project { language, .. } in &plan.projects {
        if !shares.iter().any(|(known, _)| known == language) {
            let all: u64 = countries.iter().map(|country| country.readers(language)).sum();
            shares.push((language, country.readers(language) * 1_000_000 / all.max(1)));
        }
    }
    shares
}

fn list(
    country: &Country,
    shares: &[(&str, u64)],
    read: &[Read<'_>],
    access: usize,
    day: &Day,
) -> String {
    let views = |article: &Read<'_>| {
        let share = shares.iter().find(|(language, _)| *language == article.language);
        // Never more than the country's usual part, so that countries don't read more than all.
        let taste =
            Noise::of(&["taste", country.code, article.title]).below(day.period() / 30, 400);
        let users = match access {
            0 => article.users.iter().sum(),
            one => article.users[one - 1],
        };
        users * share.map_or(0, |(_, share)| *share) / 1_000_000 * (1000 - taste) / 1000
    };
    let counted = read.iter().map(|article| (article, views(article)));
    let mut counted: Vec<_> = counted.filter(|(_, views)| *views > FEWEST).collect();
    counted.sort_by_key(|(_, views)| std::cmp::Reverse(*views));
    let ranks: Vec<u64> = ranks(counted.iter().map(|(_, views)| *views)).collect();
    let border = ranks.get(LIMITS[usize::from(access > 0)]).copied().unwrap_or(u64::MAX);
    let mut ranked: Vec<_> = counted.iter().zip(ranks).filter(|(_, rank)| *rank < border).collect();
    // Nothing is said of the order in which these are stored.
    ranked.sort_by_key(|((article, _), _)| (article.title, article.project));
    let mut list = List::new(Style::Loader);
    for ((article, views), rank) in ranked {
        list.entry(&[
            ("article", Member::Text(article.title)),
            ("project", Member::Text(article.project)),
            ("views_ceil", Member::Number(views.next_multiple_of(100))),
            ("rank", Member::Number(rank)),
        ]);
    }
    list.finish()
}

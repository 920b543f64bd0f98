//! Ranked lists, made of the same numbers as the series.

use super::SampleError;
use super::bundled::{self, World};
use super::cube::Cube;
use super::numbers::{ALL_PROJECTS, BySubject, Series};
use super::tables::{Entries, Lists, VIEWS};
use aqs_api::calendar::Granularity::Monthly;
use aqs_api::countries::ProtectedCountries;
use aqs_api::table::ALL_DAYS;
use serde_json::{Map, Value};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The countries that have lists of what they read.
const LISTED: [&str; 12] = ["US", "JP", "GB", "DE", "IN", "FR", "IT", "CA", "BR", "ES", "PL", "UA"];

/// Counts of entries by subject and the values of the entry's members.
type Counts<'a> = BTreeMap<(&'a str, Vec<&'a str>), u64>;

/// Makes every list of a table: JSON by partition key. A published list replaces a generated one.
pub(super) fn build(
    content: &Lists,
    world: &World,
    views: &BySubject,
    articles: &BySubject,
) -> Result<BTreeMap<Vec<String>, String>, SampleError> {
    let mut all = BTreeMap::new();
    let cube = Cube::new(VIEWS.dimensions);
    let names = VIEWS.key_names();
    let periods = views.values().next().map(|series| &series.periods);
    for period in periods.into_iter().flat_map(BTreeMap::keys) {
        if !super::rows::has_rows(content.rows, period) {
            continue;
        }
        for (counter, key) in names.iter().enumerate().filter(|(_, key)| key[1] == "user") {
            let sum = |series: &Series| {
                series.periods.get(period).map_or(0, |cells| cube.sum(cells, counter))
            };
            let counts = content.counts(world, views, articles, &sum);
            let counts: Vec<_> = counts.into_iter().collect();
            for list in counts.chunk_by(|((one, _), _), ((next, _), _)| one == next) {
                let timestamp = period.1.strftime("%Y%m%d").to_string();
                let day = if period.0 == Monthly.as_str() { ALL_DAYS } else { &timestamp[6..] };
                let key = [list[0].0.0, key[0], &timestamp[..4], &timestamp[4..6], day];
                let key = key.iter().take(content.table.partition.len());
                let key = key.map(|part| (*part).to_owned()).collect();
                all.insert(key, content.json(list));
            }
        }
    }
    for row in bundled::read::<Map<String, Value>>(content.table.name)? {
        let text = |column| row.get(column).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = content.table.partition.iter().map(|column| text(column.name)).collect();
        all.insert(key, text(content.table.values[0].name));
    }
    Ok(all)
}

impl Lists {
    /// What is counted, if it reaches the smallest count that is listed.
    fn counts<'a>(
        &self,
        world: &'a World,
        views: &BySubject,
        articles: &'a BySubject,
        sum: &dyn Fn(&Series) -> u64,
    ) -> Counts<'a> {
        let mut counts = Counts::new();
        let mut count = |subject, members, views| {
            *counts.entry((subject, members)).or_default() += views;
        };
        let articles = articles.iter().filter_map(|(names, series)| {
            let views = sum(series);
            (views >= self.least).then_some((names[0].as_str(), names[1].as_str(), views))
        });
        match self.entries {
            Entries::Articles => {
                articles.for_each(|(project, title, views)| count(project, vec![title], views));
            }
            Entries::Countries => {
                for (project, country, share) in world.shares() {
                    let views = views.get(&[project.to_owned()][..]).map_or(0, sum);
                    for subject in [ALL_PROJECTS, project] {
                        count(subject, vec![country], (views as f64 * share) as u64);
                    }
                }
            }
            Entries::CountryArticles => {
                let listed = |country: &str| LISTED.contains(&country);
                let shares: Vec<_> =
                    world.shares().filter(|(_, country, _)| listed(country)).collect();
                for (project, title, views) in articles {
                    for (_, country, share) in shares.iter().filter(|(of, ..)| *of == project) {
                        count(country, vec![title, project], (views as f64 * share) as u64);
                    }
                }
            }
        }
        counts.retain(|_, views| *views >= self.least);
        counts
    }

    /// Ranks entries like SQL's `rank()`, then leaves out protected countries, so that ranks may
    /// have gaps.
    fn json(&self, counts: &[((&str, Vec<&str>), u64)]) -> String {
        let mut sorted: Vec<_> = counts.iter().collect();
        sorted.sort_by_key(|(_, views)| Reverse(*views));
        let protected = ProtectedCountries::default();
        let (mut list, mut rank, mut last) = (Vec::new(), 0, None);
        for (place, ((_, members), views)) in (1..).zip(sorted) {
            if last.replace(views) != Some(views) {
                rank = place;
            }
            if self.members[0] == "country" && protected.contains(members[0]) {
                continue;
            }
            let members = members.iter().map(|member| Value::from(*member));
            let mut entry: Map<String, Value> =
                self.members.iter().map(|name| (*name).to_owned()).zip(members).collect();
            entry.insert(self.count.to_owned(), views.next_multiple_of(self.bucket).into());
            entry.insert("rank".to_owned(), rank.into());
            list.push(Value::Object(entry));
        }
        Value::Array(list).to_string()
    }
}

//! The numbers that rows and lists are made of: one series of cells for each subject.

use super::SampleError;
use super::bundled::{self, World};
use super::cube::{Cells, Cube, split};
use super::noise::Noise;
use super::tables::{self, Size};
use aqs_api::calendar::Granularity::{self, Daily, Hourly, Monthly};
use aqs_api::calendar::Hour;
use jiff::civil::{Date, DateTime};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A granularity, by name, and the begin of a period. Ordered as keys are.
pub(super) type Period = (&'static str, DateTime);

/// Published values by period and counter.
pub(super) type Published = BTreeMap<Period, Vec<(usize, u64)>>;

/// The series of a table by subject: a project, or a project and an article.
pub(super) type BySubject = BTreeMap<Vec<String>, Series>;

#[derive(Debug, Default)]
pub(super) struct Series {
    pub(super) periods: BTreeMap<Period, Cells>,
    pub(super) published: Published,
}

/// The name of the series that sums all projects.
pub(super) const ALL_PROJECTS: &str = "all-projects";
/// How views swing over the year, by month.
const YEAR: [f64; 12] = [1.06, 1.05, 1.02, 1.0, 0.99, 0.95, 0.93, 0.94, 0.99, 1.02, 1.04, 1.02];
/// How views swing over the week, from Monday.
const WEEK: [f64; 7] = [1.03, 1.03, 1.02, 1.01, 0.97, 0.95, 0.99];
/// How views swing over the day, by the local hour, per mille.
pub(super) const DAY: [u64; 24] = [
    620, 420, 300, 240, 230, 300, 480, 720, 900, 1020, 1100, 1140, 1140, 1160, 1190, 1220, 1250,
    1280, 1330, 1420, 1520, 1560, 1400, 1000,
];

/// Makes the numbers of a table; articles have their share of `views`.
pub(super) fn build(
    content: &'static tables::Series,
    world: &World,
    views: &BySubject,
) -> Result<BySubject, SampleError> {
    let cube = Cube::new(content.dimensions);
    let mut published = published(content, &cube)?;
    let mut all = BySubject::new();
    match content.size {
        Size::Project(size) => {
            for project in world.projects.iter().filter(|project| size(project) > 0.0) {
                let subject = Subject::new(content, &cube, &[&project.name], project.zone);
                let means = |date: Date| {
                    let season = YEAR[date.month() as usize - 1];
                    let week = WEEK[date.weekday().to_monday_zero_offset() as usize];
                    let drift = 0.85 + 0.3 * subject.noise.smooth(number(date), 150);
                    let total = size(project) * season * week * drift;
                    Some(cube.shares(date).into_iter().map(|share| total * share).collect())
                };
                let series = subject.series(&mut published, Some(content.days.0), means);
                all.insert(subject.name, series);
            }
            if content.monthly == 1.0 {
                let sum = all.values().fold(Series::default(), Series::add);
                all.insert(vec![ALL_PROJECTS.to_owned()], sum);
            }
        }
        Size::Article => {
            let generated = world.articles.iter().map(|article| {
                let from = article.from.unwrap_or(content.days.0);
                ([article.project.clone(), article.title.clone()].to_vec(), Some((article, from)))
            });
            // Articles with published days have no other days.
            let published_only = published.keys().map(|name| (name.clone(), None));
            let articles: BTreeMap<_, _> = published_only.chain(generated).collect();
            for (name, article) in articles {
                let project = world.projects.iter().find(|project| project.name == name[0]);
                let (Some(project), Some(parent)) = (project, views.get(&name[..1])) else {
                    continue;
                };
                let share = article.map_or(1.0, |(article, _)| article.views / project.views);
                let name = [name[0].as_str(), name[1].as_str()];
                let subject = Subject::new(content, &cube, &name, project.zone);
                let means = |date: Date| {
                    // Mostly even, with some weeks of much more interest.
                    let interest = subject.noise.smooth(number(date), 25);
                    let share = share * (0.6 + 2.0 * interest * interest * interest * interest);
                    let views = parent.periods.get(&(Daily.as_str(), midnight(date)))?;
                    Some(views.iter().map(|views| *views as f64 * share).collect())
                };
                let series = subject.series(&mut published, article.map(|(_, from)| from), means);
                all.insert(subject.name, series);
            }
        }
    }
    Ok(all)
}

/// A project or an article of which a series is made.
struct Subject<'a> {
    content: &'static tables::Series,
    cube: &'a Cube,
    name: Vec<String>,
    noise: Noise,
    zone: usize,
}

impl<'a> Subject<'a> {
    fn new(content: &'static tables::Series, cube: &'a Cube, name: &[&str], zone: usize) -> Self {
        let noise = Noise::of(&[&[content.table.name], name].concat());
        let name = name.iter().map(|part| (*part).to_owned()).collect();
        Self { content, cube, name, noise, zone }
    }

    /// Makes days from `from` on, if given, and days that are published; months and hours agree
    /// with them.
    fn series(
        &self,
        published: &mut BTreeMap<Vec<String>, Published>,
        from: Option<Date>,
        means: impl Fn(Date) -> Option<Vec<f64>>,
    ) -> Series {
        let published = published.remove(&self.name).unwrap_or_default();
        let fit = |granularity: Granularity, date: Date, cells: Cells| {
            let known = published.get(&(granularity.as_str(), midnight(date)));
            known.map_or(cells.clone(), |known| self.cube.fit(&cells, known))
        };
        let generated = from.into_iter().flat_map(|from| days(from, self.content.days.1));
        let known = published.keys().map(|(_, begin)| begin.date());
        let dates: BTreeSet<Date> = known.chain(generated).collect();
        let cells = |date: Date| {
            let count = |(cell, mean)| self.noise.branch(cell).count(number(date), mean);
            let cells = (2..).zip(means(date)?).map(count).collect();
            Some((date, fit(Daily, date, cells)))
        };
        let mut days: Vec<(Date, Cells)> = dates.into_iter().filter_map(cells).collect();
        let mut periods = BTreeMap::new();
        for days in days.chunk_by_mut(|one, next| one.0.first_of_month() == next.0.first_of_month())
        {
            let first = days[0].0.first_of_month();
            let sum = |cell| days.iter().map(|(_, cells)| cells[cell]).sum::<u64>() as f64;
            let sums = (0..days[0].1.len()).map(|cell| (sum(cell) * self.content.monthly) as u64);
            let month = fit(Monthly, first, sums.collect());
            for (cell, total) in month.iter().enumerate().filter(|_| self.content.monthly == 1.0) {
                let weights: Vec<u64> = days.iter().map(|(_, cells)| cells[cell]).collect();
                let parts = split(*total, &weights);
                days.iter_mut().zip(parts).for_each(|((_, cells), part)| cells[cell] = part);
            }
            periods.insert((Monthly.as_str(), midnight(first)), month);
        }
        let hourly = self.content.rows.iter().find(|(granularity, _)| *granularity == Hourly);
        for (date, cells) in days {
            if hourly.is_some_and(|(_, first)| date >= *first) {
                let mut hours = DAY;
                hours.rotate_left(self.zone);
                let cells: Vec<_> = cells.iter().map(|cell| split(*cell, &hours)).collect();
                for hour in 0..24 {
                    let cells = cells.iter().map(|hours| hours[hour]).collect();
                    periods.insert((Hourly.as_str(), date.at(hour as i8, 0, 0, 0)), cells);
                }
            }
            periods.insert((Daily.as_str(), midnight(date)), cells);
        }
        Series { periods, published }
    }
}

impl Series {
    fn add(mut self, other: &Self) -> Self {
        for (period, cells) in &other.periods {
            let sums = self.periods.entry(*period).or_insert_with(|| vec![0; cells.len()]);
            sums.iter_mut().zip(cells).for_each(|(sum, more)| *sum += more);
        }
        self
    }
}

pub(super) fn days(first: Date, last: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(first), |date| date.tomorrow().ok())
        .take_while(move |date| *date <= last)
}

pub(super) fn number(date: Date) -> u64 {
    date.duration_since(Date::constant(2000, 1, 1)).as_hours().unsigned_abs() / 24
}

fn midnight(date: Date) -> DateTime {
    date.at(0, 0, 0, 0)
}

fn published(
    content: &tables::Series,
    cube: &Cube,
) -> Result<BTreeMap<Vec<String>, Published>, SampleError> {
    let mut all: BTreeMap<Vec<String>, Published> = BTreeMap::new();
    let keys = content.key_names();
    let columns = cube.len() / keys.len();
    for row in bundled::read::<Map<String, Value>>(content.table.name)? {
        let text = |column| row.get(column).and_then(Value::as_str).unwrap_or_default();
        let key: Vec<&str> =
            content.table.partition.iter().map(|column| text(column.name)).collect();
        let (subject, key) = key.split_at(key.len() - 1 - keys[0].len());
        let (names, granularity) = key.split_at(keys[0].len());
        let granularity = [Daily, Monthly].into_iter().find(|one| [one.as_str()] == granularity);
        let place = keys.iter().position(|known| known == names);
        let period = content.table.period_column().map_or("", |column| column.name);
        let begin = Hour::parse(text(period));
        let (Some(granularity), Some(place), Some(begin)) = (granularity, place, begin) else {
            continue;
        };
        let subject = subject.iter().map(|name| (*name).to_owned()).collect();
        let period = (granularity.as_str(), midnight(begin.date()));
        let known = all.entry(subject).or_default().entry(period).or_default();
        for (counter, column) in (place * columns..).zip(content.table.values) {
            known
                .extend(row.get(column.name).and_then(Value::as_u64).map(|value| (counter, value)));
        }
    }
    Ok(all)
}

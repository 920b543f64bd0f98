//! The views of a project by month, day and hour, each the exact sum of the finer ones.

use super::counters::{Basics, add};
use super::days::{self, Day, LONG, Month};
use super::noise::Noise;
use super::projects::Project;
use super::real::Real;
use super::season::{self, Week};
use super::share::share_out;

/// The first day of the newest weeks that have hourly rows.
pub(super) const HOURLY: usize = days::AFTER - 28;
/// The one old day with hourly rows.
pub(super) const OLD_HOURLY: usize = days::index(2021, 1, 1);

/// Views of one project.
#[derive(Debug)]
pub(super) struct Volumes {
    pub(super) name: &'static str,
    /// From this day on the days are rows.
    pub(super) daily: usize,
    /// Whether the hours are rows.
    pub(super) hourly: bool,
    months: Vec<Basics>,
    days: Vec<Basics>,
    hours: Vec<[Basics; 24]>,
}

impl Volumes {
    /// What a project has.
    pub(super) fn of(project: &Project, real: &Real) -> Self {
        let months: Vec<Basics> =
            days::months(FIRST).map(|month| project.month(month, real)).collect();
        let mut daily = vec![[0; 9]; days::AFTER - LONG];
        for (month, whole) in days::months(FIRST).zip(&months) {
            if month.days().start >= LONG {
                let range = month.days().start - LONG..month.days().end - LONG;
                by_day(project.noise, month, whole, &mut daily[range]);
            }
        }
        let hours = hourly_days()
            .map(|day| by_hour(project, &days::days()[day], &daily[day - LONG]))
            .collect();
        let Project { name, daily: first, hourly, .. } = *project;
        Self { name, daily: first, hourly, months, days: daily, hours }
    }

    /// What all have together.
    pub(super) fn sum(name: &'static str, all: &[Self]) -> Self {
        let mut sum = Self {
            name,
            daily: LONG,
            hourly: true,
            months: vec![[0; 9]; days::months(FIRST).count()],
            days: vec![[0; 9]; days::AFTER - LONG],
            hours: vec![[[0; 9]; 24]; hourly_days().count()],
        };
        for one in all {
            sum.months.iter_mut().zip(&one.months).for_each(|(sum, more)| add(sum, more));
            sum.days.iter_mut().zip(&one.days).for_each(|(sum, more)| add(sum, more));
            let hours = sum.hours.as_flattened_mut().iter_mut();
            hours.zip(one.hours.as_flattened()).for_each(|(sum, more)| add(sum, more));
        }
        sum
    }

    /// The months, in order.
    pub(super) fn months(&self) -> impl Iterator<Item = (Month, &Basics)> {
        days::months(FIRST).zip(&self.months)
    }

    /// The days that are rows, in order.
    pub(super) fn days(&self) -> impl Iterator<Item = (&'static Day, &Basics)> {
        let (from, first) = (self.daily, self.daily - LONG);
        days::days()[from..].iter().zip(self.days.iter().skip(first))
    }

    /// The days that have hours which are rows, in order.
    pub(super) fn hours(&self) -> impl Iterator<Item = (&'static Day, &[Basics; 24])> {
        let old = self.daily <= OLD_HOURLY;
        let days = hourly_days().map(|day| &days::days()[day]).zip(&self.hours);
        days.filter(move |(day, _)| self.hourly && (old || day.index != OLD_HOURLY))
    }
}

const FIRST: Month = Month::new(2015, 7);

fn hourly_days() -> impl Iterator<Item = usize> {
    [OLD_HOURLY].into_iter().chain(HOURLY..days::AFTER)
}

/// Shares a month out to its days.
fn by_day(noise: Noise, month: Month, whole: &Basics, parts: &mut [Basics]) {
    let days = &days::days()[month.days()];
    for (cell, total) in whole.iter().enumerate() {
        let (own, common) = (noise.branch(30 + cell as u64), noise.branch(6));
        let weight = |day: &Day| {
            let period = day.period();
            match cell % 3 {
                2 => {
                    let week = if cell == 2 { Week::Desktop } else { Week::Mobile };
                    let people = common.around(period, 45);
                    season::week(week, day) * people * own.around(period, 12) / 1000
                }
                // Spiders and programs know no week.
                _ => own.around(period, 90) * 1000,
            }
        };
        let weights: Vec<u64> = days.iter().map(weight).collect();
        spread(*total, &weights, own.at(month.index() as u64), cell, parts);
    }
}

/// Shares a day out to its hours.
fn by_hour(project: &Project, day: &Day, whole: &Basics) -> [Basics; 24] {
    let mut parts = [[0; 9]; 24];
    for (cell, total) in whole.iter().enumerate() {
        let noise = project.noise.branch(50 + cell as u64);
        let weight = |hour: usize| {
            let sway = noise.around(day.period() * 24 + hour as u64, 40);
            let rhythm = if cell % 3 == 2 { season::hour(hour, project.zone) } else { 1000 };
            rhythm * sway
        };
        let weights: [u64; 24] = std::array::from_fn(weight);
        spread(*total, &weights, noise.at(day.period()), cell, &mut parts);
    }
    parts
}

fn spread(total: u64, weights: &[u64], turn: u64, cell: usize, parts: &mut [Basics]) {
    let mut shares = vec![0; weights.len()];
    share_out(total, weights, turn, &mut shares);
    for (part, share) in parts.iter_mut().zip(shares) {
        part[cell] = share;
    }
}

//! The projects of the sample and how much they are read.

use super::bundled::PROJECTS;
use super::counters::{ACCESSES, Basics, basics};
use super::days::{self, AUTOMATED, Month};
use super::error::SampleError;
use super::noise::Noise;
use super::real::Real;
use super::season;
use super::share::shared;

/// What is said of a project in `projects.tsv`.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) name: &'static str,
    /// Whose speakers read it; `*` is everybody's.
    pub(super) language: &'static str,
    /// Hours from UTC of most readers.
    pub(super) zone: i64,
    /// The first of [`days::days`] with daily rows.
    pub(super) daily: usize,
    /// Whether it has hourly rows.
    pub(super) hourly: bool,
    /// Views of its most read article on a day.
    pub(super) top: u64,
    /// Its first month.
    pub(super) start: Month,
    pub(super) noise: Noise,
    views: u64,
    drift: i64,
    desktop: [u64; 2],
    app: u64,
    spider: u64,
}

/// Reads the projects, in key order.
pub(super) fn read() -> Result<Vec<Project>, SampleError> {
    let parse = |(line, fields): (usize, [&'static str; 13])| {
        let [
            name,
            views,
            drift,
            early,
            late,
            app,
            spider,
            zone,
            daily,
            hourly,
            top,
            start,
            language,
        ] = fields;
        let number = |text: &str| PROJECTS.number::<u64>(line, text);
        let signed = |text: &str| PROJECTS.number::<i64>(line, text);
        let daily = match daily {
            "long" => days::LONG,
            "three" => days::THREE_YEARS,
            "short" => days::QUARTER,
            "none" => days::AFTER,
            other => return Err(PROJECTS.wrong(line, other)),
        };
        Ok(Project {
            name,
            language,
            zone: signed(zone)?,
            daily,
            hourly: hourly == "yes",
            top: number(top)?,
            start: Month::parse(start).ok_or_else(|| PROJECTS.wrong(line, start))?,
            noise: Noise::of(&["project", name]),
            views: number(views)?,
            drift: signed(drift)?,
            desktop: [number(early)?, number(late)?],
            app: number(app)?,
            spider: number(spider)?,
        })
    };
    let mut projects: Vec<Project> =
        PROJECTS.fields()?.into_iter().map(parse).collect::<Result<_, _>>()?;
    projects.sort_by_key(|project| project.name);
    Ok(projects)
}

impl Project {
    /// What stands for all projects that the sample doesn't name, so that `all-projects` is more
    /// than their sum.
    pub(super) fn rest_of_the_world() -> Self {
        Self {
            name: "the rest of the world",
            language: "*",
            zone: 3,
            daily: days::LONG,
            hourly: true,
            top: 0,
            start: Month::new(2015, 7),
            noise: Noise::of(&["project", "the rest of the world"]),
            views: 1_450_000,
            drift: -20,
            desktop: [520, 310],
            app: 13,
            spider: 900,
        }
    }

    /// Views in a month. What is published is what it is; the rest is made so that the published
    /// sums hold.
    pub(super) fn month(&self, month: Month, real: &Real) -> Basics {
        if month < self.start {
            return [0; 9];
        }
        let user = self.users(month, real);
        let period = month.index() as u64;
        let of = |branch: u64, rates: [u64; 3], spread: u64| {
            let sway = self.noise.branch(branch).around(period, spread);
            let mut parts = [0; 3];
            for (part, (users, rate)) in parts.iter_mut().zip(user.into_iter().zip(rates)) {
                *part = users * rate * sway / 1_000_000;
            }
            parts
        };
        let spider = self.spider;
        let spiders = of(1, [spider * 3 / 2, 6, spider / 2], 120);
        let programs = if month < AUTOMATED { [0; 3] } else { of(2, [110, 4, 40], 250) };
        basics(programs, spiders, user)
    }

    /// Views by users, by access.
    fn users(&self, month: Month, real: &Real) -> [u64; 3] {
        let period = month.index() as u64;
        let total = self.views * 1000 * month.length() as u64 / 30 * season::year(month) / 1000
            * season::trend(month, self.drift)
            / 1000
            * self.noise.around(period, 30)
            / 1000;
        let turn = self.noise.branch(3).at(period);
        let mut users = shared(total, &self.accesses(month), turn);
        let stamp = format!("{}0100", month.text());
        let published = |access| real.project(self.name, access, "user")?.get(&stamp).copied();
        for (users, access) in users.iter_mut().zip(&ACCESSES[1..]) {
            *users = published(access).unwrap_or(*users);
        }
        match published(ACCESSES[0]) {
            Some(whole) => shared(whole, &users, turn),
            None => users,
        }
    }

    /// How users come in a month: weights of desktop, app, web.
    fn accesses(&self, month: Month) -> [u64; 3] {
        let [early, late] = self.desktop;
        let way = (month.index() - Month::new(2015, 7).index()).min(136) as u64;
        let sway = self.noise.branch(4).around(month.index() as u64, 20);
        let desktop = (early * (136 - way) + late * way) * sway / 136;
        let app = self.app * self.noise.branch(5).around(month.index() as u64, 40);
        [desktop, app, 1_000_000_u64.saturating_sub(desktop + app)]
    }
}

//! How many devices come to a project, by day and by month.

use super::bundled::DEVICES;
use super::days::{self, AFTER, Day, Month, QUARTER, THREE_YEARS};
use super::error::SampleError;
use super::noise::Noise;
use super::real::{self, Real};
use super::season::{self, Week};
use super::share::shared;

/// Sites in the order of keys; the first is the sum of the others.
pub(super) const SITES: [&str; 3] = ["all-sites", "desktop-site", "mobile-site"];
/// The one project whose series gets days though it holds real ones: these are asked for.
pub(super) const FILLED: &str = "en.wikipedia";
/// Months whose days that project has beside the newest years.
const FILLED_MONTHS: [Month; 2] = [Month::new(2021, 1), Month::new(2022, 1)];

/// A project, as `devices.tsv` has it.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) name: &'static str,
    /// On an average day, in thousands.
    pub(super) devices: u64,
    month: u64,
    mobile: u64,
    offset: u64,
    daily: usize,
    pub(super) start: Month,
    /// How many of [`SITES`] it has.
    pub(super) sites: usize,
    noise: Noise,
}

/// Devices of a site: those that came afresh, and the rest. The estimate is their sum.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) offset: u64,
    pub(super) underestimate: u64,
}

impl Seen {
    pub(super) fn devices(self) -> u64 {
        self.offset + self.underestimate
    }

    /// Those of two sites.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            offset: self.offset + other.offset,
            underestimate: self.underestimate + other.underestimate,
        }
    }

    /// Devices of which so many per million came afresh.
    fn of(devices: u64, rate: u64) -> Self {
        let offset = devices * rate / 1_000_000;
        Self { offset, underestimate: devices - offset }
    }
}

pub(super) fn read() -> Result<Vec<Project>, SampleError> {
    let parse = |(line, fields): (usize, [&'static str; 8])| {
        let [name, devices, month, mobile, offset, daily, start, sites] = fields;
        let number = |text: &str| DEVICES.number::<u64>(line, text);
        Ok::<_, SampleError>(Project {
            name,
            devices: number(devices)?,
            month: number(month)?,
            mobile: number(mobile)?,
            offset: number(offset)?,
            daily: if daily == "three" { THREE_YEARS } else { QUARTER },
            start: Month::parse(start).ok_or_else(|| DEVICES.wrong(line, start))?,
            sites: if sites == "split" { SITES.len() } else { 1 },
            noise: Noise::of(&["devices", name]),
        })
    };
    let mut projects: Vec<Project> =
        DEVICES.fields()?.into_iter().map(parse).collect::<Result<_, _>>()?;
    projects.sort_by_key(|project| project.name);
    Ok(projects)
}

impl Project {
    pub(super) fn days(&self) -> impl Iterator<Item = &'static Day> {
        let filled = FILLED_MONTHS.into_iter().filter(|_| self.name == FILLED);
        let days = filled.flat_map(Month::days).chain(self.daily..AFTER);
        days.map(|day| &days::days()[day])
    }

    /// Devices on a day: desktop and mobile.
    pub(super) fn on(&self, day: &Day, real: &Real) -> [Seen; 2] {
        let period = day.period();
        let week = (season::week(Week::Desktop, day) + 2 * season::week(Week::Mobile, day)) / 3;
        let devices = self.devices * 1000 * season::trend(day.whole_month, 0) / 1000
            * season::year_on(day, 0)
            / 1000
            * week
            / 1000
            * self.noise.branch(1).around(period, 35)
            / 1000;
        self.fitted("daily", day.date(), devices, self.offset * 1000, real)
    }

    /// Devices in a month: more than on any of its days, fewer than on all together.
    pub(super) fn within(&self, month: Month, stamp: &str, real: &Real) -> [Seen; 2] {
        let sway = self.noise.branch(2).around(month.index() as u64, 20);
        let devices =
            self.devices * self.month * season::trend(month, 0) / 1000 * season::year(month) / 1000
                * sway
                / 1000;
        self.fitted("monthly", stamp, devices, self.offset * 600, real)
    }

    /// Shares devices out to the sites, or what is published of them.
    fn fitted(
        &self,
        granularity: &str,
        stamp: &str,
        devices: u64,
        rate: u64,
        real: &Real,
    ) -> [Seen; 2] {
        let noise = self.noise.branch(Noise::of(&[granularity, stamp]).at(0));
        let mobile = self.mobile * noise.around(0, 40);
        let sites = [1_000_000_u64.saturating_sub(mobile), mobile];
        // Phones forget sooner.
        let rates = [rate * 9 / 10 * noise.around(1, 30) / 1000, rate * noise.around(2, 30) / 1000];
        let turn = noise.at(3);
        let [desktop, mobile] = shared(devices, &sites, turn);
        let mut seen = [Seen::of(desktop, rates[0]), Seen::of(mobile, rates[1])];
        let published = |site: &str| real.devices(self.name, site, granularity)?.get(stamp);
        for ((seen, rate), site) in seen.iter_mut().zip(rates).zip(&SITES[1..]) {
            if let Some(known) = published(site) {
                *seen = completed(known, rate);
            }
        }
        if let Some(known) = published(SITES[0]) {
            let whole = completed(known, rate);
            let offset = shared(whole.offset, &seen.map(|seen| seen.offset), turn);
            let rest = shared(whole.underestimate, &seen.map(|seen| seen.underestimate), turn);
            for (site, seen) in seen.iter_mut().enumerate() {
                *seen = Seen { offset: offset[site], underestimate: rest[site] };
            }
        }
        seen
    }
}

/// What is published of a site, with the usual offset where none is.
fn completed(known: &real::Devices, rate: u64) -> Seen {
    match (known.offset, known.underestimate) {
        (Some(offset), Some(underestimate)) => Seen { offset, underestimate },
        _ => Seen::of(known.devices, rate),
    }
}

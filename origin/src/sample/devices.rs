//! Rows of `unique_devices`.

use super::days::{self, Month};
use super::error::SampleError;
use super::estimates::{self, FILLED, Project, SITES, Seen};
use super::output::{Output, number, text};
use super::plan::Plan;
use super::real::Real;
use crate::load::row::Cell;
use aqs_api::tables::UNIQUE_DEVICES;

/// Before this month nobody had counted the offset of small projects.
const NULLS_UNTIL: Month = Month::new(2016, 7);

/// What is seen in a day or a month.
struct Period<'a> {
    granularity: &'a str,
    stamp: &'a str,
    /// Desktop and mobile.
    seen: [Seen; 2],
    /// Whether the offset is null.
    uncounted: bool,
}

/// Writes all of them.
pub(super) fn write(plan: &Plan, output: &mut Output<'_>) -> Result<(), SampleError> {
    for project in estimates::read()? {
        for site in 0..project.sites {
            for day in project.days() {
                let seen = project.on(day, &plan.real);
                let stamp = day.date();
                let period = Period { granularity: "daily", stamp, seen, uncounted: false };
                row(&project, site, &period, &plan.real, output)?;
            }
            for month in days::months(project.start) {
                let stamp = format!("{}01", month.text());
                let seen = project.within(month, &stamp, &plan.real);
                let uncounted = month < NULLS_UNTIL && project.devices < 1000;
                let period = Period { granularity: "monthly", stamp: &stamp, seen, uncounted };
                row(&project, site, &period, &plan.real, output)?;
            }
        }
    }
    Ok(())
}

fn row(
    project: &Project,
    site: usize,
    period: &Period<'_>,
    real: &Real,
    output: &mut Output<'_>,
) -> Result<(), SampleError> {
    let Period { granularity, stamp, seen: [desktop, mobile], uncounted } = *period;
    let published = real.devices(project.name, SITES[site], granularity);
    let filled = project.name == FILLED && granularity == "daily";
    if published.is_some_and(|series| !series.contains_key(stamp)) && !filled {
        return Ok(());
    }
    let seen = [desktop.and(mobile), desktop, mobile][site];
    let [offset, underestimate] = if uncounted {
        [Cell::Null, number(seen.devices())]
    } else {
        [number(seen.offset), number(seen.underestimate)]
    };
    let [name, site, granularity, stamp] =
        [project.name, SITES[site], granularity, stamp].map(text);
    let devices = number(seen.devices());
    output.row(&UNIQUE_DEVICES, &[name, site, granularity, stamp, devices, offset, underestimate])
}

//! Rows of `pageviews_per_project_v2`.

use super::counters::{ACCESSES, AGENTS, roll_up};
use super::days::Month;
use super::error::SampleError;
use super::output::{Output, number, text};
use super::plan::Plan;
use super::real::Real;
use super::volumes::Volumes;
use crate::load::row::Cell;
use aqs_api::tables::PAGEVIEWS_PER_PROJECT;

/// Before this month small figures stand in the column of old rows.
const OLD_COLUMN_UNTIL: Month = Month::new(2015, 10);

/// Writes all of them.
pub(super) fn write(plan: &Plan, output: &mut Output<'_>) -> Result<(), SampleError> {
    for volumes in &plan.volumes {
        for counter in 0..ACCESSES.len() * AGENTS.len() {
            series(volumes, counter, &plan.real, output)?;
        }
    }
    Ok(())
}

/// One access and agent of a project, at each granularity.
fn series(
    volumes: &Volumes,
    counter: usize,
    real: &Real,
    output: &mut Output<'_>,
) -> Result<(), SampleError> {
    let (access, agent) = (ACCESSES[counter / 4], AGENTS[counter % 4]);
    let mut row = |granularity: &str, stamp: &str, views: u64, old: bool| {
        // A group without views is no group, so the loader writes no row.
        if views == 0 {
            return Ok(());
        }
        let [v, old] =
            if old { [Cell::Absent, number(views)] } else { [number(views), Cell::Absent] };
        let key = [volumes.name, access, agent, granularity, stamp].map(text);
        let [project, access, agent, granularity, stamp] = key;
        output.row(&PAGEVIEWS_PER_PROJECT, &[project, access, agent, granularity, stamp, v, old])
    };
    for (day, basics) in volumes.days() {
        row("daily", &day.stamp, roll_up(basics)[counter], false)?;
    }
    for (day, hours) in volumes.hours() {
        for (hour, basics) in hours.iter().enumerate() {
            row("hourly", &format!("{}{hour:02}", day.date()), roll_up(basics)[counter], false)?;
        }
    }
    let published = real.project(volumes.name, access, agent);
    for (month, basics) in volumes.months() {
        let stamp = format!("{}0100", month.text());
        let views = roll_up(basics)[counter];
        match published.map(|series| series.get(&stamp)) {
            // No months are added to those that are published.
            Some(None) => {}
            Some(Some(views)) => row("monthly", &stamp, *views, false)?,
            None => {
                let old = month < OLD_COLUMN_UNTIL && i32::try_from(views).is_ok();
                row("monthly", &stamp, views, old)?;
            }
        }
    }
    Ok(())
}

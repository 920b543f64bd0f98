//! Rows of `lgc_pagecounts_per_project`.

use super::days::{self, Month};
use super::error::SampleError;
use super::noise::Noise;
use super::output::{Output, number, text};
use super::plan::Plan;
use super::real::Real;
use super::season::{self, Week};
use super::share::share_out;
use aqs_api::tables::LEGACY_PAGECOUNTS;
use std::ops::Range;

/// Whose figures are published; the others are made in their likeness.
const MODEL: &str = "en.wikipedia";
/// Projects beside the model and how many are counted for a thousand of the model's.
const OTHERS: [(&str, u64); 3] =
    [("de.wikipedia", 152), ("fr.wikipedia", 97), ("ja.wikipedia", 134)];
/// The same for what `all-projects` has beside all these.
const REST: (&str, u64) = ("the rest of the world", 910);
/// Every key in order.
const PROJECTS: [&str; 5] =
    ["all-projects", "de.wikipedia", "en.wikipedia", "fr.wikipedia", "ja.wikipedia"];
/// Sites in the order of keys; the first is the sum of the others.
const SITES: [&str; 3] = ["all-sites", "desktop-site", "mobile-site"];
/// The days that have rows: the last that were counted.
const DAILY: Range<usize> = days::index(2016, 7, 1)..days::index(2016, 8, 6);
/// The project that has hours, on the days of the last month.
const HOURLY: &str = "de.wikipedia";

/// Writes all of them.
pub(super) fn write(plan: &Plan, output: &mut Output<'_>) -> Result<(), SampleError> {
    let stamps: Vec<&String> =
        plan.real.legacy(MODEL, SITES[1]).into_iter().flat_map(|series| series.keys()).collect();
    for project in PROJECTS {
        let daily = OTHERS.iter().any(|(other, _)| *other == project);
        for site in SITES {
            let mut row = |granularity: &str, stamp: &str, count: Option<u64>| {
                let Some(count) = count else { return Ok(()) };
                let [project, site, granularity, stamp] =
                    [project, site, granularity, stamp].map(text);
                output.row(&LEGACY_PAGECOUNTS, &[project, site, granularity, stamp, number(count)])
            };
            for day in DAILY.filter(|_| daily) {
                row("daily", &days::days()[day].stamp, by_day(&plan.real, project, site, day))?;
            }
            for day in DAILY.filter(|day| project == HOURLY && *day >= days::index(2016, 8, 1)) {
                for hour in 0..24 {
                    let stamp = format!("{}{hour:02}", days::days()[day].date());
                    row("hourly", &stamp, by_hour(&plan.real, project, site, day, hour))?;
                }
            }
            for stamp in &stamps {
                row("monthly", stamp, by_month(&plan.real, project, site, stamp))?;
            }
        }
    }
    Ok(())
}

/// Both sites together; one that is not counted yet is left out.
fn both(of: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let [desktop, mobile] = [of(SITES[1]), of(SITES[2])];
    Some(desktop? + mobile.unwrap_or(0))
}

fn by_month(real: &Real, project: &str, site: &str, stamp: &str) -> Option<u64> {
    if site == SITES[0] {
        return both(|site| by_month(real, project, site, stamp));
    }
    let model = *real.legacy(MODEL, site)?.get(stamp)?;
    let alike = |(name, rate): &(&str, u64)| {
        let sway = Noise::of(&["legacy", name, site, stamp]).around(0, 60);
        model / 1000 * rate * sway / 1000
    };
    match project {
        MODEL => Some(model),
        "all-projects" => Some(model + OTHERS.iter().chain([&REST]).map(alike).sum::<u64>()),
        other => OTHERS.iter().find(|(name, _)| *name == other).map(alike),
    }
}

fn by_day(real: &Real, project: &str, site: &str, day: usize) -> Option<u64> {
    if site == SITES[0] {
        return both(|site| by_day(real, project, site, day));
    }
    let month: Month = days::days()[day].whole_month;
    let days = month.days().start..month.days().end.min(DAILY.end);
    let whole = by_month(real, project, site, &format!("{}0100", month.text()))?;
    let noise = Noise::of(&["legacy days", project, site]);
    let week = if site == SITES[1] { Week::Desktop } else { Week::Mobile };
    let weight = |day: &days::Day| season::week(week, day) * noise.around(day.period(), 40);
    part(whole, days::days()[days.clone()].iter().map(weight), day - days.start)
}

fn by_hour(real: &Real, project: &str, site: &str, day: usize, hour: usize) -> Option<u64> {
    if site == SITES[0] {
        return both(|site| by_hour(real, project, site, day, hour));
    }
    let noise = Noise::of(&["legacy hours", project, site]).branch(day as u64);
    let weight = |hour: usize| season::hour(hour, 1) * noise.around(hour as u64, 40);
    part(by_day(real, project, site, day)?, (0..24).map(weight), hour)
}

/// One part of a whole that is shared out.
fn part(whole: u64, weights: impl Iterator<Item = u64>, place: usize) -> Option<u64> {
    let weights: Vec<u64> = weights.collect();
    let mut parts = vec![0; weights.len()];
    share_out(whole, &weights, 0, &mut parts);
    parts.get(place).copied()
}

//! What the contract says adds up.

use super::OUTPUT;
use crate::sample::counters::{ACCESSES, AGENTS};
use aqs_api::tables::{
    LEGACY_PAGECOUNTS, PAGEVIEWS_PER_ARTICLE, PAGEVIEWS_PER_PROJECT, UNIQUE_DEVICES,
};
use std::collections::{BTreeMap, BTreeSet};

/// Sixteen counters, and for each sum among them what it is the sum of.
fn sums() -> Vec<(usize, [usize; 3])> {
    let accesses = (0..4).map(|agent| (agent, [4 + agent, 8 + agent, 12 + agent]));
    let agents =
        (0..4).map(|access| (access * 4, [access * 4 + 1, access * 4 + 2, access * 4 + 3]));
    accesses.chain(agents).collect()
}

#[test]
fn counters_of_an_article_add_up_on_every_day() {
    for (partition, series) in OUTPUT.all_series(&PAGEVIEWS_PER_ARTICLE) {
        for (stamp, counters) in series {
            let counter = |place: usize| counters[place].unwrap_or(0);
            for (sum, parts) in sums() {
                let parts = parts.map(counter).iter().sum::<i64>();
                assert_eq!(counter(sum), parts, "{partition:?} {stamp} {sum}");
            }
        }
    }
}

/// Views by project, granularity and timestamp; `None` where a published series ends.
fn by_counter() -> BTreeMap<(String, String, String), [Option<i64>; 16]> {
    let mut all = BTreeMap::new();
    for (partition, series) in OUTPUT.all_series(&PAGEVIEWS_PER_PROJECT) {
        let [project, access, agent, granularity] = partition[..] else { panic!("{partition:?}") };
        let place =
            |known: [&str; 4], wanted| known.iter().position(|name| *name == wanted).unwrap();
        let counter = place(ACCESSES, access) * 4 + place(AGENTS, agent);
        for (stamp, numbers) in series {
            let key = (project.to_owned(), granularity.to_owned(), stamp.clone());
            let views = numbers[0].or(numbers[1]);
            all.entry(key).or_insert_with(|| [None; 16])[counter] = views;
        }
    }
    all
}

/// Monthly series that are published: nothing is added to them.
fn is_published(project: &str, granularity: &str, counter: usize) -> bool {
    granularity == "monthly"
        && match project {
            "en.wikipedia" => [7, 11, 15].contains(&counter),
            "uk.wikipedia" => counter == 3,
            _ => false,
        }
}

#[test]
fn views_of_a_project_add_up() {
    let mut checked = 0;
    for ((project, granularity, stamp), counters) in &by_counter() {
        for (sum, parts) in sums() {
            let ended = |counter: usize| {
                is_published(project, granularity, counter) && counters[counter].is_none()
            };
            if ended(sum) || parts.into_iter().any(ended) {
                continue;
            }
            let parts = parts.map(|part| counters[part].unwrap_or(0)).iter().sum::<i64>();
            assert_eq!(counters[sum].unwrap_or(0), parts, "{project} {granularity} {stamp} {sum}");
            checked += 1;
        }
    }
    assert!(checked > 250_000, "{checked}");
}

#[test]
fn hours_make_days_and_days_make_months() {
    let all = by_counter();
    let (mut days, mut hours) = (BTreeMap::new(), BTreeMap::new());
    for ((project, granularity, stamp), counters) in &all {
        let (sums, key) = match granularity.as_str() {
            "daily" => (&mut days, &stamp[..6]),
            "hourly" => (&mut hours, &stamp[..8]),
            _ => continue,
        };
        let sum = sums.entry((project.clone(), key.to_owned())).or_insert([0; 16]);
        for (sum, more) in sum.iter_mut().zip(counters) {
            *sum += more.unwrap_or(0);
        }
    }
    let mut checked = 0;
    for (sums, granularity, rest) in [(days, "monthly", "0100"), (hours, "daily", "00")] {
        for ((project, key), sums) in sums {
            let whole = &all[&(project.clone(), granularity.to_owned(), format!("{key}{rest}"))];
            for (counter, sum) in sums.into_iter().enumerate() {
                if !(is_published(&project, granularity, counter) && whole[counter].is_none()) {
                    assert_eq!(whole[counter].unwrap_or(0), sum, "{project} {key} {counter}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 5_000, "{checked}");
}

#[test]
fn all_projects_are_more_than_those_of_the_sample() {
    let all = by_counter();
    let mut sums: BTreeMap<(&str, &str), [i64; 16]> = BTreeMap::new();
    for ((project, granularity, stamp), counters) in &all {
        if project != "all-projects" {
            let sum = sums.entry((granularity, stamp)).or_default();
            for (sum, more) in sum.iter_mut().zip(counters) {
                *sum += more.unwrap_or(0);
            }
        }
    }
    for ((granularity, stamp), sums) in sums {
        let key = ("all-projects".to_owned(), granularity.to_owned(), stamp.to_owned());
        for (whole, sum) in all[&key].iter().zip(sums) {
            assert!(whole.unwrap_or(0) >= sum, "{granularity} {stamp}");
        }
    }
}

#[test]
fn devices_are_those_that_came_afresh_and_the_rest_on_both_sites() {
    let mut sites = 0;
    for (partition, series) in OUTPUT.all_series(&UNIQUE_DEVICES) {
        let [project, site, granularity] = partition[..] else { panic!("{partition:?}") };
        for (stamp, numbers) in series {
            let [devices, offset, rest] = [0, 1, 2].map(|column| numbers[column].unwrap_or(0));
            assert_eq!(devices, offset + rest, "{partition:?} {stamp}");
            let of = |site: &str| {
                let series = OUTPUT.series(&UNIQUE_DEVICES, &[project, site, granularity]);
                let place = series.binary_search_by(|(other, _)| other.cmp(stamp)).ok()?;
                Some([0, 1, 2].map(|column| series[place].1[column].unwrap_or(0)))
            };
            if let ("all-sites", Some(desktop), Some(mobile)) =
                (site, of("desktop-site"), of("mobile-site"))
            {
                let sum = [0, 1, 2].map(|column| desktop[column] + mobile[column]);
                assert_eq!([devices, offset, rest], sum, "{partition:?} {stamp}");
                sites += 1;
            }
        }
    }
    assert!(sites > 10_000, "{sites}");
}

#[test]
fn legacy_counts_add_up() {
    let of = |project: &str, site: &str, granularity: &str| {
        OUTPUT.series(&LEGACY_PAGECOUNTS, &[project, site, granularity])
    };
    for (partition, series) in OUTPUT.all_series(&LEGACY_PAGECOUNTS) {
        let [project, site, granularity] = partition[..] else { panic!("{partition:?}") };
        let number = |site: &str, stamp: &str| {
            OUTPUT.number(&LEGACY_PAGECOUNTS, &[project, site, granularity], stamp)
        };
        for (stamp, numbers) in series.iter().filter(|_| site == "all-sites") {
            let parts =
                number("desktop-site", stamp).unwrap() + number("mobile-site", stamp).unwrap_or(0);
            assert_eq!(numbers[0], Some(parts), "{partition:?} {stamp}");
        }
    }
    let grouped = |granularity: &str, digits: usize| {
        let mut sums: BTreeMap<String, i64> = BTreeMap::new();
        for (stamp, numbers) in of("de.wikipedia", "mobile-site", granularity) {
            *sums.entry(stamp[..digits].to_owned()).or_default() += numbers[0].unwrap();
        }
        sums
    };
    let (months, days, hours) = (grouped("monthly", 6), grouped("daily", 6), grouped("hourly", 8));
    let by_day = grouped("daily", 8);
    assert_eq!(days.keys().collect::<BTreeSet<_>>().len(), 2);
    assert!(days.iter().all(|(month, sum)| months[month] == *sum));
    assert!(!hours.is_empty() && hours.iter().all(|(day, sum)| by_day[day] == *sum));
}

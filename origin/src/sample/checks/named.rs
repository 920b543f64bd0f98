//! What is named as answering.

use super::OUTPUT;
use crate::sample::days::{Month, days, find, index, months};
use aqs_api::tables::{
    LEGACY_PAGECOUNTS, PAGEVIEWS_PER_ARTICLE, PAGEVIEWS_PER_PROJECT, TOP_BY_COUNTRY, TOP_PAGEVIEWS,
    TOP_PER_COUNTRY, UNIQUE_DEVICES,
};
use std::collections::BTreeSet;

const EN: &str = "en.wikipedia";

fn stamps(series: &[(String, Vec<Option<i64>>)]) -> BTreeSet<&str> {
    series.iter().map(|(stamp, _)| stamp.as_str()).collect()
}

#[test]
fn bananas_on_every_day_with_every_counter() {
    let series = OUTPUT.series(&PAGEVIEWS_PER_ARTICLE, &[EN, "Banana", "daily"]);
    let every: BTreeSet<&str> = days()[index(2019, 1, 1)..].iter().map(|day| &*day.stamp).collect();
    assert_eq!(stamps(series), every);
    assert!(series.iter().all(|(_, counters)| counters[0] > Some(100) && counters[3] > Some(100)));
    for column in 0..16 {
        assert!(series.iter().any(|(_, counters)| counters[column] > Some(0)), "{column}");
    }
}

#[test]
fn aggregates_of_all_and_of_english() {
    let every: BTreeSet<&str> = days()[index(2019, 1, 1)..].iter().map(|day| &*day.stamp).collect();
    for project in ["all-projects", EN] {
        for access in ["all-access", "desktop", "mobile-app", "mobile-web"] {
            for agent in ["all-agents", "user", "spider"] {
                let key = [project, access, agent, "daily"];
                assert_eq!(stamps(OUTPUT.series(&PAGEVIEWS_PER_PROJECT, &key)), every, "{key:?}");
                let hours = stamps(
                    OUTPUT.series(&PAGEVIEWS_PER_PROJECT, &[project, access, agent, "hourly"]),
                );
                for day in
                    [index(2021, 1, 1)].into_iter().chain(index(2026, 10, 4)..index(2026, 11, 1))
                {
                    for hour in 0..24 {
                        let stamp = format!("{}{hour:02}", days()[day].date());
                        assert!(hours.contains(&*stamp), "{key:?} {stamp}");
                    }
                }
            }
        }
        let key = [project, "all-access", "all-agents", "monthly"];
        assert_eq!(OUTPUT.series(&PAGEVIEWS_PER_PROJECT, &key).len(), 136);
    }
}

#[test]
fn tops_of_english() {
    let has = |year: &str, month: &str, day: &str, access: &str| {
        OUTPUT
            .list(&TOP_PAGEVIEWS, &[EN, access, year, month, day])
            .is_some_and(|json| json.len() > 500)
    };
    for access in ["all-access", "desktop", "mobile-app", "mobile-web"] {
        for month in months(Month::new(2019, 1)).map(Month::text) {
            assert!(has(&month[..4], &month[4..], "all-days", access), "{month}");
        }
        for day in &days()[index(2026, 9, 1)..] {
            assert!(has(&day.date()[..4], &day.date()[4..6], day.of_month(), access), "{day:?}");
        }
    }
}

#[test]
fn countries() {
    for access in ["all-access", "desktop", "mobile-app", "mobile-web"] {
        assert!(OUTPUT.list(&TOP_BY_COUNTRY, &[EN, access, "2020", "12"]).is_some());
        assert!(OUTPUT.list(&TOP_BY_COUNTRY, &["all-projects", access, "2026", "10"]).is_some());
        for key in [["US", access, "2021", "01", "01"], ["FR", access, "2026", "10", "31"]] {
            assert!(
                OUTPUT.list(&TOP_PER_COUNTRY, &key).is_some_and(|json| json.len() > 2),
                "{key:?}"
            );
        }
    }
}

#[test]
fn devices() {
    let daily = stamps(OUTPUT.series(&UNIQUE_DEVICES, &[EN, "all-sites", "daily"]));
    for (month, length) in [("202101", 31), ("202201", 31), ("202609", 30), ("202610", 31)] {
        for day in 1..=length {
            let stamp = format!("{month}{day:02}");
            assert!(daily.contains(&*stamp) && find(&stamp).is_some(), "{stamp}");
        }
    }
    let monthly =
        stamps(OUTPUT.series(&UNIQUE_DEVICES, &["all-wikipedia-projects", "all-sites", "monthly"]));
    for month in months(Month::new(2023, 1)).map(Month::text) {
        assert!(monthly.contains(&*format!("{month}01")), "{month}");
    }
}

#[test]
fn legacy() {
    for site in ["all-sites", "desktop-site", "mobile-site"] {
        let monthly = stamps(OUTPUT.series(&LEGACY_PAGECOUNTS, &[EN, site, "monthly"]));
        assert!(monthly.contains("2016010100") && monthly.contains("2016080100"), "{site}");
    }
    for granularity in ["daily", "hourly"] {
        let key = ["de.wikipedia", "all-sites", granularity];
        assert!(!OUTPUT.series(&LEGACY_PAGECOUNTS, &key).is_empty(), "{granularity}");
    }
}

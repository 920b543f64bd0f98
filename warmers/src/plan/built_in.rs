//! The plans that every fixture has.
//!
//! They are written in the same structures as those in the configuration, so that they can be
//! printed, and one of the same name in the configuration takes their place.

use super::{Every, Item, Limits, Newest, Plan, Unit, ValueSet, Window};
use std::time::Duration;

/// The projects whose answers are built ahead unless others are named.
pub const PROJECTS: &[&str] = &[
    "en.wikipedia",
    "de.wikipedia",
    "es.wikipedia",
    "fr.wikipedia",
    "ja.wikipedia",
    "commons.wikimedia",
    "wikidata",
];

/// The plans, for these projects.
pub fn all(projects: &[String]) -> Vec<Plan> {
    vec![top_articles(projects), aggregates(projects)]
}

/// The top lists of the newest days and months, and the series of each article in them.
pub fn top_articles(projects: &[String]) -> Plan {
    let newest = [Newest { count: 7, unit: Unit::Days }, Newest { count: 3, unit: Unit::Months }];
    let lists = item(
        "pageviews/top",
        projects,
        &[("access", ValueSet::All)],
        &newest.map(|Newest { count, unit }| Window::Newest(count, unit)),
    );
    let series = |of: Newest, granularity: &str, windows: &[Window]| {
        let sets = [
            ("access", list(&["all-access"])),
            ("agent", list(&["all-agents", "user"])),
            ("article", ValueSet::Top { of, first: 1000 }),
            ("granularity", list(&[granularity])),
        ];
        item("pageviews/per-article", projects, &sets, windows)
    };
    let days = [30, 60, 90].map(|days| Window::Last(days, Unit::Days));
    let months = [Window::Last(13, Unit::Months), Window::Everything];
    let mut items = vec![lists];
    for of in newest {
        items.push(series(of, "daily", &days));
        items.push(series(of, "monthly", &months));
    }
    // If no article is in two lists, which for the projects that are built unless others are
    // named is never too many; for many more it is a limit.
    let most = projects.len() * 10 * (4 + 1000 * 2 * (days.len() + months.len()));
    let limits =
        Limits { keys: most.clamp(Limits::default().keys, 2_000_000), ..Limits::default() };
    Plan { limits, ..plan("top-articles", 0, items) }
}

/// What projects have by every split, daily and monthly.
pub fn aggregates(projects: &[String]) -> Plan {
    let series = |endpoint: &str, splits: &[&str]| {
        let mut sets: Vec<(&str, ValueSet)> =
            splits.iter().map(|split| (*split, ValueSet::All)).collect();
        sets.push(("granularity", list(&["daily", "monthly"])));
        let windows = [
            Window::Last(30, Unit::Days),
            Window::Last(60, Unit::Days),
            Window::Last(90, Unit::Days),
            Window::Last(13, Unit::Months),
            Window::Everything,
        ];
        item(endpoint, projects, &sets, &windows)
    };
    plan(
        "aggregates",
        1,
        vec![
            // Every endpoint that is read by everybody has its line here.
            series("pageviews/aggregate", &["access", "agent"]),
            series("unique-devices", &["access-site"]),
        ],
    )
}

fn plan(name: &str, priority: i32, items: Vec<Item>) -> Plan {
    let every = Every(Duration::from_secs(12 * 3600));
    Plan { name: name.to_owned(), every, priority, limits: Limits::default(), items }
}

fn item(
    endpoint: &str,
    projects: &[String],
    sets: &[(&str, ValueSet)],
    windows: &[Window],
) -> Item {
    let projects = ("project".to_owned(), ValueSet::List(projects.to_vec()));
    let sets = sets.iter().map(|(name, set)| ((*name).to_owned(), set.clone()));
    Item {
        endpoint: endpoint.to_owned(),
        values: sets.chain([projects]).collect(),
        windows: windows.to_vec(),
    }
}

fn list(values: &[&str]) -> ValueSet {
    ValueSet::List(values.iter().map(|value| (*value).to_owned()).collect())
}

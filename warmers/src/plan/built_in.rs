//! The built-in plans. A configured plan of the same name replaces one.

use super::{Item, Limits, Plan, Unit, ValueSet, Window};
use std::time::Duration;

/// The default projects.
pub const PROJECTS: &[&str] = &[
    "en.wikipedia",
    "de.wikipedia",
    "es.wikipedia",
    "fr.wikipedia",
    "ja.wikipedia",
    "commons.wikimedia",
    "wikidata",
];

pub fn all(projects: &[String]) -> Vec<Plan> {
    vec![top_articles(projects), aggregates(projects)]
}

/// The newest top lists, and the series of each of their articles.
pub fn top_articles(projects: &[String]) -> Plan {
    let newest = [(7, Unit::Days), (3, Unit::Months)];
    let days = [30, 60, 90].map(|days| Window::Last(days, Unit::Days));
    let months = [Window::Last(13, Unit::Months), Window::Everything];
    let access = [("access", ValueSet::All)];
    let lists = newest.map(|(count, unit)| Window::Newest(count, unit));
    let mut items = vec![item("pageviews/top", projects, &access, &lists)];
    for (count, unit) in newest {
        for (granularity, windows) in [("daily", &days[..]), ("monthly", &months)] {
            let sets = [
                ("access", list(&["all-access"])),
                ("agent", list(&["all-agents", "user"])),
                ("article", ValueSet::Top { count, unit, first: 1000 }),
                ("granularity", list(&[granularity])),
            ];
            items.push(item("pageviews/per-article", projects, &sets, windows));
        }
    }
    // The upper bound for the default projects, whose lists have no article in common.
    let keys = projects.len() * 10 * (4 + 1000 * 2 * (days.len() + months.len()));
    let keys = keys.clamp(Limits::default().keys, 2_000_000);
    Plan { limits: Limits { keys, ..Limits::default() }, ..plan("top-articles", 0, items) }
}

/// The series of projects by every split.
pub fn aggregates(projects: &[String]) -> Plan {
    let windows = [
        Window::Last(30, Unit::Days),
        Window::Last(60, Unit::Days),
        Window::Last(90, Unit::Days),
        Window::Last(13, Unit::Months),
        Window::Everything,
    ];
    let series = |endpoint: &str, splits: &[&str]| {
        let mut sets: Vec<(&str, ValueSet)> =
            splits.iter().map(|split| (*split, ValueSet::All)).collect();
        sets.push(("granularity", list(&["daily", "monthly"])));
        item(endpoint, projects, &sets, &windows)
    };
    let items = vec![
        series("pageviews/aggregate", &["access", "agent"]),
        series("unique-devices", &["access-site"]),
    ];
    plan("aggregates", 1, items)
}

pub(super) fn plan(name: &str, priority: i32, items: Vec<Item>) -> Plan {
    let every = Duration::from_secs(12 * 3600);
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

//! The hot set.

use super::*;
use aqs_api::Catalogue;
use std::time::Duration;

const MINE: &str = "hot_set:\n  plans:\n  - name: mine\n    every: 1h 30m\n    items:\n    \
    - endpoint: pageviews/top-by-country\n      values: {project: [de.wikipedia], access: all}\n      \
    windows: [newest 3 months]\n";

fn plans(text: &str) -> Vec<String> {
    let hot_set = loaded(text, &[], "").unwrap().config.hot_set;
    hot_set.all_plans(&Catalogue::standard().unwrap()).into_iter().map(|plan| plan.name).collect()
}

#[test]
fn plans_are_built_in_or_configured() {
    assert_eq!(plans(""), ["top-articles", "aggregates"]);
    assert_eq!(plans(MINE), ["top-articles", "aggregates", "mine"]);
    assert_eq!(plans(&format!("{MINE}  built_in: []")), ["mine"]);
    assert_eq!(plans(&format!("{MINE}  enabled: false")), [""; 0]);
    let replaced = MINE.replace("name: mine", "name: aggregates");
    assert_eq!(plans(&replaced), ["top-articles", "aggregates"]);
    let config = loaded(&replaced, &[], "").unwrap().config;
    let plan = config.hot_set.all_plans(&Catalogue::standard().unwrap()).pop().unwrap();
    assert_eq!(plan.every, Duration::from_secs(5400));
    assert_eq!(plan.items[0].endpoint, "pageviews/top-by-country");
}

#[test]
fn every_key_of_the_section_is_read() {
    let text = "memory: 1GiB\nhot_set: {projects: [nl.wikipedia], max_age: 1h, ready_alone: true, \
        memory: 9MiB, keep: 7, concurrency: 2, rate: 3, within: 4s, attempts: 5, \
        checks: {complete: 50, errors: 6, fewer_answers: 70, fewer_bytes: 80, sample: 9}}";
    let hot_set = loaded(text, &[], "").unwrap().config.hot_set;
    assert!(hot_set.ready_alone);
    assert_eq!((hot_set.max_age, hot_set.keep), (Duration::from_secs(3600), 7));
    assert_eq!((hot_set.concurrency, hot_set.rate, hot_set.attempts), (2, 3, 5));
    assert_eq!((hot_set.within, hot_set.memory), (Duration::from_secs(4), Some(9 << 20)));
    let checks = hot_set.checks;
    let parts = (checks.completeness, checks.errors, checks.fewer_keys, checks.fewer_bytes);
    assert_eq!((parts, checks.sample), ((0.5, 0.06, 0.7, 0.8), 9));
    let plans = hot_set.all_plans(&Catalogue::standard().unwrap());
    let items = plans.iter().flat_map(|plan| &plan.items);
    let projects: Vec<_> = items.filter_map(|item| item.values.get("project")).collect();
    assert!(!projects.is_empty());
    for projects in projects {
        let projects = serde_json::to_value(projects).unwrap();
        assert_eq!(projects, serde_json::json!(["nl.wikipedia"]));
    }
}

#[test]
fn built_in_plans_count_for_the_limit_of_plans() {
    let (head, item) = MINE.split_once("  - name: mine\n").unwrap();
    let many = |count: u32| {
        let plans = (0..count).map(|number| format!("  - name: p{number}\n{item}"));
        loaded(&format!("{head}{}", plans.collect::<String>()), &[], "").map(|_| ())
    };
    many(62).unwrap();
    let error = many(63).unwrap_err().to_string();
    assert!(error.contains("hot_set.plans: there are 65 plans, and a hot set has 64"), "{error}");
}

#[test]
fn mistakes_are_named() {
    let changed = |from: &str, to: &str| {
        assert!(MINE.contains(from), "{from}");
        MINE.replace(from, to)
    };
    for (text, expected) in [
        (
            changed("pageviews/top-by-country", "pageviews/top-by-contry"),
            "did you mean \"pageviews/top-by-country\"?",
        ),
        (changed("access: all", "acess: all"), "did you mean \"access\"?"),
        (changed("access: all", "access: [desktob]"), "did you mean \"desktop\"?"),
        (changed("access: all", "access: desktop"), "write the single value `desktop` as a list"),
        (changed("newest 3 months", "last week"), "is no window"),
        (changed("newest 3 months", "newest 3 days"), "the lists are by month"),
        (changed("1h 30m", "10s"), "must be 1m or more"),
        (changed("name: mine", "name: my plan"), "or it is no name"),
        (changed("name: mine", "nam: mine"), "nam: there is no such key"),
        ("hot_set: {built_in: [top-article]}".to_owned(), "the nearest is `top-articles`"),
        ("hot_set: {projects: []}".to_owned(), "hot_set.projects: "),
        ("hot_set: {projects: ['a b']}".to_owned(), "\"a b\" is no value of it"),
        ("hot_set: {checks: {complete: 101}}".to_owned(), "out of range: 0 to 100"),
        ("hot_set: {rate: 0}".to_owned(), "out of range"),
        ("hot_set: {every: 6h}".to_owned(), "hot_set.every: there is no such key"),
    ] {
        let error = loaded(&text, &[], "").unwrap_err().to_string();
        assert!(error.contains(expected), "{text}\n{error}");
        assert!(error.contains("hot_set"), "{error}");
    }
}

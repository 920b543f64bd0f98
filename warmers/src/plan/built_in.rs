//! The built-in plans, made of the endpoints that join them. A configured plan of the same name
//! replaces one.

use super::check::{find, misfit, value_params};
use super::tops::TopLists;
use super::{Item, Limits, Plan, Unit, ValueSet, Window};
use aqs_api::calendar::Granularity;
use aqs_api::endpoint::Warm;
use aqs_api::param::{Param, Role};
use aqs_api::{Catalogue, Endpoint};
use std::sync::Arc;
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

const TOP_ARTICLES: &str = "top-articles";
const AGGREGATES: &str = "aggregates";
pub const NAMES: [&str; 2] = [TOP_ARTICLES, AGGREGATES];

const LAST_DAYS: [Window; 3] =
    [Window::Last(30, Unit::Days), Window::Last(60, Unit::Days), Window::Last(90, Unit::Days)];
const MONTHS: [Window; 2] = [Window::Last(13, Unit::Months), Window::Everything];
const NEWEST: [(u32, Unit); 2] = [(7, Unit::Days), (3, Unit::Months)];
/// The length of a top list.
const ENTRIES: usize = 1000;

/// A value set for a parameter, by its name.
type Given = (&'static str, ValueSet);

/// The default projects of which something is loaded, filled up with those of which most is.
/// `None` if there are none.
pub(crate) fn loaded_projects(loaded: &[&Arc<str>]) -> Option<Vec<String>> {
    let loaded = || loaded.iter().map(|project| &***project);
    let known = PROJECTS.iter().copied().filter(|project| loaded().any(|other| other == *project));
    let others = loaded().filter(|project| !PROJECTS.contains(project));
    let chosen: Vec<_> = known.chain(others).take(PROJECTS.len()).map(str::to_owned).collect();
    (!chosen.is_empty()).then_some(chosen)
}

/// The plans that an endpoint of the catalogue joins.
pub fn all(catalogue: &Catalogue, projects: &[String]) -> Vec<Plan> {
    let plans = [top_articles(catalogue, projects), aggregates(catalogue, projects)];
    plans.into_iter().filter(|plan| !plan.items.is_empty()).collect()
}

/// The newest top lists, and the series of each of their entries.
pub fn top_articles(catalogue: &Catalogue, projects: &[String]) -> Plan {
    let mut lists = Vec::new();
    let mut series = Vec::new();
    for (_, endpoint) in catalogue.endpoints() {
        match endpoint.warm {
            Warm::No | Warm::Aggregates => {}
            Warm::TopLists => {
                let windows = NEWEST.map(|(count, unit)| Window::Newest(count, unit));
                lists.extend(item(endpoint, projects, &[], &windows));
            }
            Warm::TopArticles(values) => {
                let given: Vec<Given> =
                    values.iter().map(|(param, values)| (param.name, list(values))).collect();
                for newest in NEWEST {
                    let top = top_of(catalogue, endpoint, newest);
                    if top.is_none() && newest.1 == Unit::Days {
                        continue; // The lists are by month.
                    }
                    for (granularity, windows) in
                        [(Granularity::Daily, &LAST_DAYS[..]), (Granularity::Monthly, &MONTHS)]
                    {
                        let granularity = granularity_of(endpoint, &[granularity]);
                        let given = given.iter().cloned().chain(top.clone()).chain(granularity);
                        let given: Vec<Given> = given.collect();
                        series.extend(item(endpoint, projects, &given, windows));
                    }
                }
            }
        }
    }
    lists.append(&mut series);
    plan(TOP_ARTICLES, 0, lists, catalogue)
}

/// The series of projects by every split.
pub fn aggregates(catalogue: &Catalogue, projects: &[String]) -> Plan {
    let windows = [&LAST_DAYS[..], &MONTHS].concat();
    let items = catalogue.endpoints().filter_map(|(_, endpoint)| match endpoint.warm {
        Warm::Aggregates => {
            let granularities = [Granularity::Daily, Granularity::Monthly];
            let given: Vec<Given> = granularity_of(endpoint, &granularities).into_iter().collect();
            item(endpoint, projects, &given, &windows)
        }
        Warm::No | Warm::TopLists | Warm::TopArticles(_) => None,
    });
    plan(AGGREGATES, 1, items.collect(), catalogue)
}

fn plan(name: &str, priority: i32, items: Vec<Item>, catalogue: &Catalogue) -> Plan {
    let every = Duration::from_secs(12 * 3600);
    // The upper bound, as if lists had no entry in common.
    let keys: usize = items.iter().map(|item| most_keys(item, catalogue)).sum();
    let keys = keys.clamp(Limits::default().keys, 2_000_000);
    let limits = Limits { keys, ..Limits::default() };
    Plan { name: name.to_owned(), every, priority, limits, items }
}

/// How many answers an item wants at most.
fn most_keys(item: &Item, catalogue: &Catalogue) -> usize {
    let Some(endpoint) = find(catalogue, &item.endpoint) else { return 0 };
    let sets = value_params(endpoint).map(|param| match item.values.get(param.name) {
        Some(ValueSet::All) => param.role.closed_values().map_or(0, |values| values.len()),
        Some(ValueSet::List(values)) => values.len(),
        Some(ValueSet::Top { count, first, .. }) => *count as usize * first,
        None => 0,
    });
    let windows = item.windows.iter().map(|window| match window {
        Window::Newest(count, _) => *count as usize,
        Window::Last(..) | Window::Everything => 1,
    });
    sets.product::<usize>() * windows.sum::<usize>()
}

/// An item with the given sets, and for each other parameter all values that it can have. Windows
/// that the endpoint can't have are left out; `None` if none is left.
fn item(
    endpoint: &'static Endpoint,
    projects: &[String],
    given: &[Given],
    windows: &[Window],
) -> Option<Item> {
    let values = value_params(endpoint).filter_map(|param| {
        let given = given.iter().find(|(name, _)| *name == param.name);
        let set = match given {
            Some((_, set)) => set.clone(),
            None => every_value(param, projects)?,
        };
        Some((param.name.to_owned(), set))
    });
    let mut item =
        Item { endpoint: endpoint.name.to_owned(), values: values.collect(), windows: Vec::new() };
    let fits = |window: &&Window| misfit(**window, &item, endpoint).is_none();
    item.windows = windows.iter().filter(fits).copied().collect();
    (!item.windows.is_empty()).then_some(item)
}

/// `None` for an open set: a plan that lacks values is refused.
fn every_value(param: &'static Param, projects: &[String]) -> Option<ValueSet> {
    if param.role.is_project() {
        return Some(ValueSet::List(projects.to_vec()));
    }
    if let Role::Referer { words, .. } = param.role {
        return Some(list(words));
    }
    param.role.closed_values().map(|_| ValueSet::All)
}

/// The entries of the newest lists, for the parameter that is fed by a list; `None` if there is no
/// such list of that unit.
fn top_of(
    catalogue: &Catalogue,
    endpoint: &'static Endpoint,
    (count, unit): (u32, Unit),
) -> Option<Given> {
    value_params(endpoint).find_map(|param| {
        let lists = TopLists::feeding(catalogue, endpoint, param)?;
        let set = ValueSet::Top { count, unit, first: ENTRIES };
        lists.have(unit).then_some((param.name, set))
    })
}

/// Those of some granularities that the endpoint has; `None` if it has no such parameter.
fn granularity_of(endpoint: &'static Endpoint, wanted: &[Granularity]) -> Option<Given> {
    endpoint.params().find_map(|param| {
        let Role::Granularity { allowed, .. } = param.role else { return None };
        let allowed = allowed.iter().map(|(granularity, _)| *granularity);
        let names = allowed.filter(|one| wanted.contains(one)).map(Granularity::as_str);
        Some((param.name, list(&names.collect::<Vec<_>>())))
    })
}

fn list(values: &[&str]) -> ValueSet {
    ValueSet::List(values.iter().map(|value| (*value).to_owned()).collect())
}

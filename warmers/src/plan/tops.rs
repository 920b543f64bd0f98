//! The articles of the newest top lists, which plans can ask for.

use super::Plan;
use super::newest::Newest;
use super::values::ValueSet;
use super::window::Unit;
use aqs_api::param::{self, Kind};
use aqs_api::table::ALL_DAYS;
use aqs_api::{Catalogue, Coverage, Dialect, Query, Representation, Target, percent};
use aqs_origin::Entry;
use jiff::civil::{Date, date};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

/// The endpoint that has top lists of articles.
const ENDPOINT: &str = "pageviews/top";
/// Whose lists are taken. What only the list of one access has is asked for too rarely.
const ACCESS: &str = "all-access";
const ANY: Date = date(2000, 1, 1);

/// The articles of lists by rank; by project and kind of list, the newest list first.
#[derive(Clone, Debug, Default)]
pub struct Tops(BTreeMap<(String, Unit), Vec<Vec<String>>>);

impl Tops {
    /// Which lists a plan needs: by project and kind, how many of the newest.
    pub(crate) fn wanted(plan: &Plan) -> BTreeMap<(String, Unit), u32> {
        let mut wanted = BTreeMap::new();
        for item in &plan.items {
            let projects = match item.values.get("project") {
                Some(ValueSet::List(projects)) => projects.as_slice(),
                _ => &[],
            };
            for set in item.values.values() {
                let ValueSet::Top { of, .. } = set else { continue };
                for project in projects.iter().filter_map(|project| param::project(project)) {
                    // A few are the first of more: each list is read once.
                    let count = wanted.entry((project.into_owned(), of.unit)).or_default();
                    *count = of.count.max(*count);
                }
            }
        }
        wanted
    }

    /// The questions for lists, the newest first; none if none is loaded.
    pub(crate) fn queries(
        catalogue: &Catalogue,
        coverage: &Coverage,
        project: &str,
        of: Newest,
    ) -> Vec<Query> {
        let resolve = |date: Date| {
            let mut path = format!("/{ENDPOINT}/");
            percent::encode_into(&mut path, &param::project_in_key(project));
            let day = match of.unit {
                Unit::Days => format!("{:02}", date.day()),
                Unit::Months => ALL_DAYS.to_owned(),
            };
            path.push_str(&format!("/{ACCESS}/{:04}/{:02}/{day}", date.year(), date.month()));
            catalogue.resolve(Target { dialect: Dialect::V2, path: &path }).ok()
        };
        let dataset = resolve(ANY).map(|any| (any.endpoint().lookup)(&any).dataset());
        let loaded = dataset.and_then(|dataset| Some((dataset, coverage.get(dataset)?)));
        let dates = loaded.map(|(dataset, extent)| of.window().dates(dataset, extent));
        dates.into_iter().flatten().filter_map(resolve).collect()
    }

    /// Notes the articles of the next list. `None` if they can't be read out of the answer.
    pub(crate) fn add(&mut self, project: &str, unit: Unit, entry: &Entry) -> Option<()> {
        let articles = match &entry.representation {
            // No list: no articles.
            Representation::Problem(_) => Vec::new(),
            Representation::Body(body) => articles(&body.identity)?,
        };
        self.0.entry((project.to_owned(), unit)).or_default().push(articles);
        Some(())
    }

    /// The first articles of each of some lists, each article once and where it is met first.
    pub(crate) fn articles(&self, project: &str, of: Newest, first: usize) -> Vec<&str> {
        let project = param::project(project).unwrap_or(Cow::Borrowed(project));
        let lists = self.0.get(&(project.into_owned(), of.unit));
        let lists = lists.into_iter().flatten().take(of.count as usize);
        let mut seen = HashSet::new();
        let articles = lists.flat_map(|list| list.iter().take(first).map(String::as_str));
        articles.filter(|article| seen.insert(*article)).collect()
    }
}

/// Whether a parameter may be asked for by top lists.
pub(super) fn is_article(kind: &Kind) -> bool {
    matches!(kind, Kind::Title)
}

fn articles(body: &[u8]) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Lists {
        items: Vec<List>,
    }
    #[derive(Deserialize)]
    struct List {
        articles: Vec<Viewed>,
    }
    #[derive(Deserialize)]
    struct Viewed {
        article: String,
    }
    let lists: Lists = serde_json::from_slice(body).ok()?;
    let articles = lists.items.into_iter().flat_map(|list| list.articles);
    // An address has no place for an empty title.
    Some(articles.map(|viewed| viewed.article).filter(|article| !article.is_empty()).collect())
}

//! The articles of top lists, which plans can ask for.

use super::{Item, Limits, Plan, PlanError, Unit, ValueSet, Window, built_in};
use aqs_api::param;
use aqs_api::{Catalogue, Coverage, Query, Representation};
use aqs_origin::Entry;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

const ENDPOINT: &str = "pageviews/top";
/// Articles that only the lists of a single access have are requested too rarely.
const ACCESS: &str = "all-access";

/// By project and unit: the articles of each list by rank, the newest list first.
#[derive(Clone, Debug, Default)]
pub struct Tops(BTreeMap<(String, Unit), Vec<Vec<String>>>);

impl Tops {
    /// The number of newest lists that a plan needs, by project and unit.
    pub(crate) fn wanted(plan: &Plan) -> BTreeMap<(String, Unit), u32> {
        let mut wanted = BTreeMap::new();
        for item in &plan.items {
            let Some(ValueSet::List(projects)) = item.values.get("project") else { continue };
            for set in item.values.values() {
                let ValueSet::Top { count, unit, .. } = set else { continue };
                for project in projects.iter().filter_map(|project| param::project(project)) {
                    let most = wanted.entry((project.into_owned(), *unit)).or_default();
                    *most = *count.max(most);
                }
            }
        }
        wanted
    }

    /// The queries for lists, newest first.
    pub(crate) fn queries(
        catalogue: &Catalogue,
        coverage: &Coverage,
        project: &str,
        (count, unit): (u32, Unit),
    ) -> Result<Vec<Query>, PlanError> {
        let set =
            |(name, value): (&str, &str)| (name.to_owned(), ValueSet::List(vec![value.to_owned()]));
        let item = Item {
            endpoint: ENDPOINT.to_owned(),
            values: [("project", project), ("access", ACCESS)].map(set).into(),
            windows: vec![Window::Newest(count, unit)],
        };
        let limits = Limits { keys: usize::MAX, ..Limits::default() };
        let plan = Plan { limits, ..built_in::plan("", 0, vec![item]) };
        let expansion = plan.expand(catalogue, coverage, &Self::default())?;
        Ok(expansion.groups.into_iter().flatten().collect())
    }

    /// Adds the next list. Returns `None` if the answer has no articles of the expected form.
    pub(crate) fn add(&mut self, project: &str, unit: Unit, entry: &Entry) -> Option<()> {
        let articles = match &entry.representation {
            Representation::Problem(_) => Vec::new(),
            Representation::Body(body) => articles(&body.identity)?,
        };
        self.0.entry((project.to_owned(), unit)).or_default().push(articles);
        Some(())
    }

    /// The `first` articles of each list, without repetitions.
    pub(crate) fn articles(
        &self,
        project: &str,
        (count, unit): (u32, Unit),
        first: usize,
    ) -> Vec<&str> {
        let project = param::project(project).unwrap_or(Cow::Borrowed(project));
        let lists = self.0.get(&(project.into_owned(), unit));
        let lists = lists.into_iter().flatten().take(count as usize);
        let mut seen = HashSet::new();
        let articles = lists.flat_map(|list| list.iter().take(first).map(String::as_str));
        articles.filter(|article| seen.insert(*article)).collect()
    }
}

fn articles(body: &[u8]) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Answer {
        items: Vec<List>,
    }
    #[derive(Deserialize)]
    struct List {
        articles: Vec<Ranked>,
    }
    #[derive(Deserialize)]
    struct Ranked {
        article: String,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let articles = answer.items.into_iter().flat_map(|list| list.articles);
    // A path cannot hold an empty title.
    Some(articles.map(|ranked| ranked.article).filter(|article| !article.is_empty()).collect())
}

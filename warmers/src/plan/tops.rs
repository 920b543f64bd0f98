//! The articles of the newest top lists, which plans can ask for.

use super::Plan;
use super::values::{Newest, ValueSet};
use aqs_api::param::{self, Kind};
use aqs_api::{Catalogue, Coverage, Dialect, Query, Representation, Target, percent};
use aqs_origin::Entry;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The endpoint that has top lists of articles.
const ENDPOINT: &str = "pageviews/top";

/// The articles of lists, by project.
#[derive(Clone, Debug, Default)]
pub struct Tops(BTreeMap<(String, Newest), Vec<String>>);

impl Tops {
    /// Which lists a plan needs.
    pub(crate) fn wanted(plan: &Plan) -> BTreeSet<(String, Newest)> {
        let lists = plan.items.iter().flat_map(|item| {
            let of = item.values.values().filter_map(|set| match set {
                ValueSet::Top { of, .. } => Some(*of),
                ValueSet::All | ValueSet::List(_) => None,
            });
            let of: Vec<Newest> = of.collect();
            let projects = match item.values.get("project") {
                Some(ValueSet::List(projects)) => projects.as_slice(),
                _ => &[],
            };
            let projects = projects.iter().filter_map(|project| param::project(project));
            projects.flat_map(move |project| {
                let project = project.into_owned();
                of.clone().into_iter().map(move |of| (project.clone(), of))
            })
        });
        lists.collect()
    }

    /// The question for a list; `None` if none is loaded.
    pub(crate) fn query(
        catalogue: &Catalogue,
        coverage: &Coverage,
        project: &str,
        of: Newest,
    ) -> Option<Query> {
        let resolve = |date: &str| {
            let mut path = format!("/{ENDPOINT}/");
            percent::encode_into(&mut path, &param::project_in_key(project));
            path.push_str("/all-access/");
            path.push_str(date);
            catalogue.resolve(Target { dialect: Dialect::V2, path: &path }).ok()
        };
        let any = resolve(if of == Newest::Day { "2000/01/01" } else { "2000/01/all-days" })?;
        let last = coverage.get((any.endpoint().lookup)(&any).dataset())?.last;
        let part = |range: std::ops::Range<usize>| last.as_str().get(range);
        let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
        let day = if of == Newest::Day { day } else { aqs_api::table::ALL_DAYS };
        resolve(&format!("{year}/{month}/{day}"))
    }

    /// Notes the articles of a list, by rank. `None` if they can't be read out of the answer.
    pub(crate) fn add(&mut self, project: String, of: Newest, entry: &Entry) -> Option<()> {
        let articles = match &entry.representation {
            // No list: no articles.
            Representation::Problem(_) => Vec::new(),
            Representation::Body(body) => articles(&body.identity)?,
        };
        self.0.insert((project, of), articles);
        Some(())
    }

    /// The articles of a list by rank; none if there is no such list.
    pub(crate) fn articles(&self, project: &str, of: Newest) -> &[String] {
        let project = param::project(project).unwrap_or(Cow::Borrowed(project));
        self.0.get(&(project.into_owned(), of)).map(Vec::as_slice).unwrap_or_default()
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

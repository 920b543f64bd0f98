//! `POST /admin/purge`.

use super::query::{self, Query};
use super::{AppState, Reply, bad_parameter, failed, join, json, not_found};
use crate::log::fields;
use crate::serve::Lookup;
use aqs_api::{self as api, Catalogue, Target, param};
use aqs_origin::RequestId;
use aqs_origin::epochs::{PurgeMode, Scope};
use aqs_origin::suggest;
use axum::extract::{Extension, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    scope: Option<ScopeName>,
    name: Option<String>,
    #[serde(default)]
    depth: PurgeMode,
    #[serde(default)]
    force: bool,
}

/// What was purged.
#[derive(Debug, Serialize, Deserialize)]
pub struct PurgedView {
    #[serde(rename = "purged")]
    pub scope: String,
    /// Empty for everything.
    pub name: String,
    pub depth: String,
    /// How many answers of the hot set and the cache it met, of projects and addresses about.
    pub answers: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ScopeName {
    Everything,
    Endpoint,
    Dataset,
    Project,
    Address,
}

/// Answers once the purge counts and is on disk, or is known not to be.
pub(super) async fn purge(
    State(state): AppState,
    Extension(id): Extension<RequestId>,
    Query(parameters): Query<Parameters>,
) -> Reply {
    let (origin, catalogue) = (state.origin.clone(), state.catalogue.clone());
    let service = Arc::clone(&state.service);
    let work = state.tasks.spawn_blocking(move || {
        let purge = |scope: Scope<'_>, name: &str| {
            let (lookup, mut answers) = (&service.lookup, 0);
            lookup
                .for_each(|_, entry| answers += usize::from(entry.tags.are_in(&scope, &catalogue)));
            if let Scope::Project(project) = scope
                && answers == 0
                && !parameters.force
                && let Some(nearest) = similar_project(project, lookup, &catalogue)
            {
                return Err(not_found(format!(
                    "no answer about a project {project:?} is held here; did you mean {nearest}? \
                     force=true purges it nevertheless"
                )));
            }
            let purged = origin.purge(scope, parameters.depth);
            let (scope, depth) = (scope.name(), parameters.depth.name());
            match purged {
                Ok(()) => {
                    tracing::info!(
                        target: fields::ADMIN,
                        scope, name, depth, { fields::REQUEST_ID } = %id,
                        "purged by an operator"
                    );
                    Ok(json(&PurgedView {
                        scope: scope.to_owned(),
                        name: name.to_owned(),
                        depth: depth.to_owned(),
                        answers,
                    }))
                }
                Err(error) => {
                    tracing::error!(
                        target: fields::ADMIN,
                        scope, name, depth, { fields::REQUEST_ID } = %id, %error,
                        "purged by an operator, but the purge was not persisted"
                    );
                    Err(failed(
                        "purged until this server ends: the purge could not be persisted and is \
                         lost at a restart; the log says why",
                    ))
                }
            }
        };
        parameters.resolve(&catalogue, purge).unwrap_or_else(|detail| Err(bad_parameter(detail)))
    });
    join(work).await
}

impl Parameters {
    /// Calls `purge` with the scope and its canonical name, which is empty for everything.
    fn resolve<T>(
        &self,
        catalogue: &Catalogue,
        purge: impl FnOnce(Scope<'_>, &str) -> T,
    ) -> Result<T, String> {
        let scope = self.scope.ok_or_else(|| {
            let scopes = "the scope (everything, endpoint, dataset, project or address)";
            query::missing(scopes, "scope")
        })?;
        match (scope, self.name.as_deref()) {
            (ScopeName::Everything, None) => Ok(purge(Scope::Everything, "")),
            (ScopeName::Everything, Some(_)) => {
                Err("scope=everything takes no name: give another scope or no name".to_owned())
            }
            (_, None) => Err(query::missing("the name", "name")),
            (ScopeName::Endpoint, Some(name)) => {
                let names = catalogue.endpoints().map(|(_, endpoint)| endpoint.name);
                let name = known("endpoint", name, names)?;
                Ok(purge(Scope::Endpoint(name), name))
            }
            (ScopeName::Dataset, Some(name)) => {
                let names = catalogue.datasets().iter().map(|dataset| dataset.name);
                let name = known("dataset", name, names)?;
                Ok(purge(Scope::Dataset(name), name))
            }
            (ScopeName::Project, Some(name)) => {
                let name = param::project(name).ok_or(format!("{name:?} is not a project"))?;
                Ok(purge(Scope::Project(&name), &name))
            }
            (ScopeName::Address, Some(url)) => {
                let query = resolve(url, catalogue)
                    .map_err(|reason| format!("{url:?} is not the address of an answer{reason}"))?;
                Ok(purge(Scope::Key(query.key().stable_hash()), query.key().path()))
            }
        }
    }
}

/// A project of which answers are held, and which a misspelt name may mean.
fn similar_project(name: &str, lookup: &Lookup, catalogue: &Catalogue) -> Option<String> {
    /// Resolving all keys of a large cache would take seconds.
    const MAX_RESOLVED: usize = 10_000;
    let (mut projects, mut resolved) = (BTreeSet::new(), 0);
    lookup.for_each(|key, _| {
        resolved += 1;
        let target = Target { dialect: key.dialect(), path: key.path() };
        if resolved <= MAX_RESOLVED
            && let Ok(query) = catalogue.resolve(target)
        {
            projects.extend(query.project().map(str::to_owned));
        }
    });
    suggest(name, projects.iter().map(String::as_str)).map(str::to_owned)
}

fn known(
    what: &str,
    name: &str,
    names: impl Iterator<Item = &'static str>,
) -> Result<&'static str, String> {
    let names: Vec<_> = names.collect();
    match suggest(name, names.iter().copied()) {
        Some(nearest) if nearest == name => Ok(nearest),
        Some(nearest) => Err(format!("there is no {what} {name:?}; did you mean {nearest}?")),
        None => Err(format!("there is no {what} {name:?}; there are {}", names.join(", "))),
    }
}

/// Resolves a target with or without scheme and host, under any prefix; else the reason, if any.
fn resolve(url: &str, catalogue: &Catalogue) -> Result<api::Query, String> {
    let target = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => url,
    };
    let target = Target::parse(target).ok_or_else(String::new)?;
    catalogue.resolve(target).map_err(|fault| format!(": {}", fault.detail(target.dialect)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<(String, PurgeMode), String> {
        let parameters: Parameters = query::parse(query)?;
        let text = |scope: Scope<'_>, name: &str| format!("{} {name}", scope.name());
        let text = parameters.resolve(&Catalogue::standard().unwrap(), text)?;
        Ok((text, parameters.depth))
    }

    #[test]
    fn parameters_name_a_scope() {
        for (query, expected, depth) in [
            ("scope=everything", "everything ", PurgeMode::Soft),
            ("scope=everything&depth=hard", "everything ", PurgeMode::Hard),
            (
                "depth=soft&name=pageviews%2Ftop&scope=endpoint",
                "endpoint pageviews/top",
                PurgeMode::Soft,
            ),
            (
                "scope=dataset&name=pageviews-top-daily",
                "dataset pageviews-top-daily",
                PurgeMode::Soft,
            ),
            ("scope=project&name=www.EN.wikipedia.org", "project en.wikipedia", PurgeMode::Soft),
            (
                "scope=address&name=https://x.org/api/rest_v1/metrics/pageviews/top/EN.wikipedia/all-access/2026/10/01",
                "address /pageviews/top/en.wikipedia/all-access/2026/10/01",
                PurgeMode::Soft,
            ),
        ] {
            assert_eq!(parse(query), Ok((expected.to_owned(), depth)), "{query}");
        }
    }

    #[test]
    fn mistakes_name_the_parameter() {
        for (query, part) in [
            ("", "the scope (everything, endpoint, dataset, project or address) is missing"),
            ("", "in the query, as ?scope=..., not in the body"),
            ("scope=everything&name=en.wikipedia", "scope=everything takes no name"),
            ("name=en.wikipedia&scope=everything&depth=hard", "scope=everything takes no name"),
            ("scope=project&name=a&name=b", "name is given more than once"),
            ("scope=everything&scope=project&name=a", "scope is given more than once"),
            ("scope=everything&depth=soft&depth=hard", "depth is given more than once"),
            ("scope=all", "scope: unknown variant `all`, expected one of `everything`"),
            ("scope=endpoint", "the name is missing (in the query"),
            ("scope=endpoint&name=pageviews/tops", "did you mean pageviews/top?"),
            ("scope=dataset&name=pageviews-top", "did you mean pageviews-top-daily?"),
            ("scope=project&name=a%20b", "is not a project"),
            ("scope=address&name=/metrics/x", "invalid route"),
            ("scope=address&name=/x", "is not the address of an answer"),
            (
                "scope=everything&depth=deep",
                "depth: unknown variant `deep`, expected `soft` or `hard`",
            ),
            ("scope=everything&token=x", "no parameter `token`"),
            ("scope=%FF", "not valid percent-encoded"),
        ] {
            let detail = parse(query).unwrap_err();
            assert!(detail.contains(part), "{query}: {detail}");
        }
        // No dataset has a similar name.
        let unknown = parse("scope=dataset&name=x").unwrap_err();
        assert!(unknown.starts_with("there is no dataset \"x\"; there are unique-devices-daily, "));
    }
}

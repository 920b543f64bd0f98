//! `POST /admin/purge`.

use super::query::{self, Query};
use super::{AppState, Reply, bad_parameter, failed, join, json};
use crate::log::fields;
use aqs_api::key::StableHash;
use aqs_api::{self as api, Catalogue, Target, param};
use aqs_origin::RequestId;
use aqs_origin::epochs::{PurgeMode, Scope};
use aqs_origin::suggest;
use axum::extract::{Extension, State};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    scope: Option<Kind>,
    name: Option<String>,
    #[serde(default)]
    depth: Depth,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Everything,
    Endpoint,
    Dataset,
    Project,
    Address,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Depth {
    #[default]
    Soft,
    Hard,
}

struct Purge {
    kind: Kind,
    /// Canonical; empty with [`Kind::Everything`].
    name: String,
    /// Of the key, with [`Kind::Address`].
    hash: StableHash,
    mode: PurgeMode,
}

/// Answers once the purge counts and is on disk, or is known not to be.
pub(super) async fn purge(
    State(state): AppState,
    Extension(id): Extension<RequestId>,
    Query(parameters): Query<Parameters>,
) -> Reply {
    let purge = Purge::new(parameters, &state.catalogue).map_err(bad_parameter)?;
    let origin = state.origin.clone();
    let work = state.tasks.spawn_blocking(move || {
        let purged = origin.purge(purge.scope(), purge.mode);
        let (scope, name, depth) = (purge.scope().name(), purge.name.as_str(), purge.mode.name());
        match purged {
            Ok(()) => {
                tracing::info!(
                    target: fields::ADMIN,
                    scope, name, depth, { fields::REQUEST_ID } = %id,
                    "purged by an operator"
                );
                Ok(json(&serde_json::json!({"purged": scope, "name": name, "depth": depth})))
            }
            Err(error) => {
                tracing::error!(
                    target: fields::ADMIN,
                    scope, name, depth, { fields::REQUEST_ID } = %id, %error,
                    "purged by an operator, but not after a restart"
                );
                Err(failed(
                    "purged as long as this server runs, but it can't be remembered: after a \
                     restart it would count no more; the log says why",
                ))
            }
        }
    });
    join(work, "the purge failed; the log says why").await
}

impl Purge {
    fn new(parameters: Parameters, catalogue: &Catalogue) -> Result<Self, String> {
        let Parameters { scope, name, depth } = parameters;
        let kind = scope.ok_or_else(|| {
            let scopes = "say the scope: everything, endpoint, dataset, project or address";
            query::missing(scopes, "scope")
        })?;
        let mut hash = StableHash::default();
        let name = match (kind, name.as_deref()) {
            (Kind::Everything, None) => String::new(),
            (Kind::Everything, Some(_)) => {
                return Err("name doesn't go with scope=everything: say which is meant".to_owned());
            }
            (_, None) => return Err(query::missing("say the name", "name")),
            (Kind::Endpoint, Some(name)) => {
                let names = catalogue.endpoints().map(|(_, endpoint)| endpoint.name);
                known("endpoint", name, names)?
            }
            (Kind::Dataset, Some(name)) => {
                let names = catalogue.datasets().iter().map(|dataset| dataset.name);
                known("dataset", name, names)?
            }
            (Kind::Project, Some(name)) => {
                param::project(name).ok_or(format!("{name:?} is no project"))?.into_owned()
            }
            (Kind::Address, Some(url)) => {
                let query = resolve(url, catalogue)
                    .map_err(|reason| format!("{url:?} is no address of data{reason}"))?;
                hash = query.key().stable_hash();
                query.key().path().to_owned()
            }
        };
        let mode = if depth == Depth::Hard { PurgeMode::Hard } else { PurgeMode::Soft };
        Ok(Self { kind, name, hash, mode })
    }

    fn scope(&self) -> Scope<'_> {
        match self.kind {
            Kind::Everything => Scope::Everything,
            Kind::Endpoint => Scope::Endpoint(&self.name),
            Kind::Dataset => Scope::Dataset(&self.name),
            Kind::Project => Scope::Project(&self.name),
            Kind::Address => Scope::Key(self.hash),
        }
    }
}

fn known(
    what: &str,
    name: &str,
    names: impl Iterator<Item = &'static str>,
) -> Result<String, String> {
    match suggest(name, names) {
        Some(nearest) if nearest == name => Ok(name.to_owned()),
        Some(nearest) => Err(format!("there is no {what} {name:?}; did you mean {nearest}?")),
        None => Err(format!("there is no {what} {name:?}")),
    }
}

/// Resolves a target with or without scheme and host, under any prefix; else the reason, if any.
fn resolve(url: &str, catalogue: &Catalogue) -> Result<api::Query, String> {
    let target = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => url,
    };
    let target = Target::parse(target).ok_or_else(String::new)?;
    catalogue.resolve(target).map_err(|problem| format!(": {}", problem.detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<(String, PurgeMode), String> {
        let purge = Purge::new(query::parse(query)?, &Catalogue::standard().unwrap())?;
        Ok((format!("{} {}", purge.scope().name(), purge.name), purge.mode))
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
            ("", "say the scope: everything, endpoint, dataset, project or address"),
            ("", "in the query, as ?scope=..., not in the body"),
            ("scope=everything&name=en.wikipedia", "name doesn't go with scope=everything"),
            ("name=en.wikipedia&scope=everything&depth=hard", "name doesn't go with"),
            ("scope=project&name=a&name=b", "say name once"),
            ("scope=everything&scope=project&name=a", "say scope once"),
            ("scope=everything&depth=soft&depth=hard", "say depth once"),
            ("scope=all", "scope: unknown variant `all`, expected one of `everything`"),
            ("scope=endpoint", "say the name (in the query"),
            ("scope=endpoint&name=pageviews/tops", "did you mean pageviews/top?"),
            ("scope=dataset&name=pageviews-top", "did you mean pageviews-top-daily?"),
            ("scope=project&name=a%20b", "is no project"),
            ("scope=address&name=/metrics/x", "invalid route"),
            ("scope=address&name=/x", "is no address of data"),
            (
                "scope=everything&depth=deep",
                "depth: unknown variant `deep`, expected `soft` or `hard`",
            ),
            ("scope=everything&token=x", "no parameter `token`"),
            ("scope=%FF", "no percent-encoded"),
        ] {
            let said = parse(query).unwrap_err();
            assert!(said.contains(part), "{query}: {said}");
        }
        // No dataset has a similar name.
        assert_eq!(parse("scope=dataset&name=x").unwrap_err(), "there is no dataset \"x\"");
    }
}

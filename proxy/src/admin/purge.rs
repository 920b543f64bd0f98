//! `POST /admin/purge?scope=…&name=…&depth=…`: what operators purge by.

use super::{outlasting, parameters};
use crate::log::fields;
use crate::nearest::resembling;
use crate::serve::{Call, Reply, Served, Service};
use aqs_api::problem::Code;
use aqs_api::{Catalogue, Problem, Target, param};
use aqs_origin::epochs::{PurgeMode, Scope};
use serde_json::json;
use std::borrow::Cow;
use std::sync::Arc;

/// A purge that is understood.
#[derive(Debug, PartialEq, Eq)]
struct Purge {
    scope: OwnedScope,
    depth: PurgeMode,
}

/// A [`Scope`] with its own names.
#[derive(Debug, PartialEq, Eq)]
enum OwnedScope {
    Everything,
    Endpoint(&'static str),
    Dataset(&'static str),
    Project(String),
    Address(String, u64),
}

impl OwnedScope {
    fn scope(&self) -> Scope<'_> {
        match self {
            Self::Everything => Scope::Everything,
            Self::Endpoint(name) => Scope::Endpoint(name),
            Self::Dataset(name) => Scope::Dataset(name),
            Self::Project(name) => Scope::Project(name),
            Self::Address(_, hash) => Scope::Key(*hash),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Everything => "",
            Self::Endpoint(name) | Self::Dataset(name) => name,
            Self::Project(name) | Self::Address(name, _) => name,
        }
    }
}

impl Service {
    /// Purges what the query of a request says. It answers once the purge counts and is
    /// remembered, or is known not to be.
    pub(super) fn purge_by(self: &Arc<Self>, query: &str, call: &Call<'_>) -> Served {
        let purge = match Purge::parse(query, &self.catalogue) {
            Ok(purge) => purge,
            Err(detail) => {
                let problem = Problem::new(400, Code::InvalidParameter, detail);
                return Served::Now(Reply::problem(problem));
            }
        };
        let (service, id) = (Arc::clone(self), call.to_owned().request_id);
        // A purge is remembered on disk.
        let work = self.tasks.spawn_blocking(move || {
            let (scope, name, depth) = (purge.scope.scope(), purge.scope.name(), purge.depth);
            let purged = service.origin.purge(scope, depth);
            let (scope, depth) = (scope.name(), depth.name());
            macro_rules! tell {
                ($level:ident, $($more:tt)*) => {
                    tracing::$level!(
                        target: fields::ADMIN,
                        scope, name, depth, { fields::REQUEST_ID } = %id, $($more)*
                    )
                };
            }
            match purged {
                Ok(()) => {
                    tell!(info, "purged by an operator");
                    Reply::json(&json!({"purged": scope, "name": name, "depth": depth}))
                }
                Err(error) => {
                    tell!(error, %error, "purged by an operator, but not after a restart");
                    failed("purged as long as this server runs, but it can't be remembered: after a restart it would count no more; the log says why")
                }
            }
        });
        outlasting(work, "the purge failed; the log says why")
    }
}

fn failed(detail: &'static str) -> Reply {
    Reply::problem(Problem::new(500, Code::StoreFailed, detail))
}

impl Purge {
    fn parse(query: &str, catalogue: &Catalogue) -> Result<Self, String> {
        let (mut scope, mut name, mut depth) = (None, None, None);
        for pair in parameters::of(query) {
            let (key, value) = pair?;
            match key {
                "scope" => parameters::once(&mut scope, key, value)?,
                "name" => parameters::once(&mut name, key, value)?,
                "depth" => {
                    let given = match &*value {
                        "soft" => PurgeMode::Soft,
                        "hard" => PurgeMode::Hard,
                        other => return Err(format!("depth is soft or hard, not {other:?}")),
                    };
                    parameters::once(&mut depth, key, given)?;
                }
                other => return Err(parameters::unknown(other, &["scope", "name", "depth"])),
            }
        }
        let scope = scope.ok_or_else(|| {
            let known = "everything, endpoint, dataset, project or address";
            parameters::missing(&format!("say the scope: {known}"), "scope")
        })?;
        // Whoever names something doesn't mean everything.
        if scope == "everything" && name.is_some() {
            return Err("name doesn't go with scope=everything: say which is meant".to_owned());
        }
        let depth = depth.unwrap_or(PurgeMode::Soft);
        let named = || {
            name.filter(|name: &Cow<'_, str>| !name.is_empty())
                .ok_or(format!("say the name of the {scope}"))
        };
        let scope = match &*scope {
            "everything" => OwnedScope::Everything,
            "endpoint" => {
                let name = named()?;
                let names = catalogue.endpoints().map(|(_, endpoint)| endpoint.name).collect();
                OwnedScope::Endpoint(known("endpoint", &name, names)?)
            }
            "dataset" => {
                let name = named()?;
                let names = catalogue.datasets().iter().map(|dataset| dataset.name).collect();
                OwnedScope::Dataset(known("dataset", &name, names)?)
            }
            "project" => {
                let name = named()?;
                let project = param::project(&name).ok_or(format!("{name:?} is no project"))?;
                OwnedScope::Project(project.into_owned())
            }
            "address" => address(&named()?, catalogue)?,
            other => {
                return Err(format!(
                    "there is no scope {other:?}; there are everything, endpoint, dataset, project and address"
                ));
            }
        };
        Ok(Self { scope, depth })
    }
}

/// The address of an answer, with or without scheme and host, under any prefix.
fn address(text: &str, catalogue: &Catalogue) -> Result<OwnedScope, String> {
    let target = match text.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => text,
    };
    let parsed = Target::parse(target).ok_or(format!("{text:?} is no address of data"))?;
    let query = catalogue
        .resolve(parsed)
        .map_err(|problem| format!("{text:?} is no address of data: {}", problem.detail))?;
    Ok(OwnedScope::Address(query.key().path().to_owned(), query.key().hash()))
}

fn known(what: &str, name: &str, names: Vec<&'static str>) -> Result<&'static str, String> {
    match resembling(name, names) {
        Some(nearest) if nearest == name => Ok(nearest),
        Some(nearest) => Err(format!("there is no {what} {name:?}; did you mean {nearest}?")),
        None => Err(format!("there is no {what} {name:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<(String, PurgeMode), String> {
        let purge = Purge::parse(query, &Catalogue::standard().unwrap())?;
        Ok((format!("{} {}", purge.scope.scope().name(), purge.scope.name()), purge.depth))
    }

    #[test]
    fn purges_are_understood() {
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
    fn mistakes_are_named() {
        for (query, part) in [
            ("", "say the scope: everything, endpoint, dataset, project or address"),
            ("", "in the query, as ?scope=..., not in the body"),
            ("scope=everything&name=en.wikipedia", "name doesn't go with scope=everything"),
            ("name=en.wikipedia&scope=everything&depth=hard", "name doesn't go with"),
            ("scope=project&name=a&name=b", "say name once"),
            ("scope=everything&scope=project&name=a", "say scope once"),
            ("scope=everything&depth=soft&depth=hard", "say depth once"),
            ("scope=all", "there is no scope \"all\""),
            ("scope=endpoint", "say the name of the endpoint"),
            ("scope=endpoint&name=pageviews/tops", "did you mean pageviews/top?"),
            ("scope=dataset&name=pageviews-top", "did you mean pageviews-top-daily?"),
            ("scope=project&name=a%20b", "is no project"),
            ("scope=address&name=/metrics/x", "invalid route"),
            ("scope=address&name=/x", "is no address of data"),
            ("scope=everything&depth=deep", "depth is soft or hard"),
            ("scope=everything&token=x", "no parameter \"token\""),
            ("scope=%FF", "no percent-encoded"),
        ] {
            let said = parse(query).unwrap_err();
            assert!(said.contains(part), "{query}: {said}");
        }
        // Nothing is like it, and no guess is made.
        assert_eq!(parse("scope=dataset&name=x").unwrap_err(), "there is no dataset \"x\"");
    }
}

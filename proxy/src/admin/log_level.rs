//! `/admin/log-level`: the filter of the log, read and set while the server runs.

use super::query::{self, Query};
use super::{AdminState, ApiError, AppState, Reply, bad_parameter, json, unavailable};
use crate::log::{self, Handle, LogLevel, fields};
use aqs_api::units::Span;
use aqs_origin::RequestId;
use axum::extract::{Extension, State};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Parameters {
    level: Option<String>,
    filter: Option<String>,
    r#for: Option<String>,
}

/// The filter of the log.
#[derive(Debug, Serialize, Deserialize)]
pub struct LevelView {
    pub filter: String,
    /// The filter that returns later, if this one is temporary.
    pub falls_back_to: Option<String>,
}

/// A change of the filter.
#[derive(Debug, Serialize, Deserialize)]
pub struct ChangedLevelView {
    pub old: String,
    pub new: String,
    pub for_seconds: Option<f64>,
}

pub(super) async fn show(State(state): AppState) -> Reply {
    let (filter, falls_back_to) = handle(&state)?.level();
    Ok(json(&LevelView { filter, falls_back_to }))
}

pub(super) async fn set(
    State(state): AppState,
    Extension(id): Extension<RequestId>,
    Query(parameters): Query<Parameters>,
) -> Reply {
    let log = handle(&state)?;
    let (filter, lasts) = parameters.into_filter().map_err(bad_parameter)?;
    let change = log.set(&filter, lasts).map_err(|error| unavailable(error.to_string()))?;
    tracing::info!(
        target: fields::ADMIN,
        old = change.old,
        filter = change.new,
        lasts = lasts.map(Span::print),
        { fields::REQUEST_ID } = %id,
        "log level set by an operator"
    );
    let for_seconds = lasts.map(|lasts| lasts.as_secs_f64());
    Ok(json(&ChangedLevelView { old: change.old, new: change.new, for_seconds }))
}

fn handle(state: &AdminState) -> Result<&Handle, ApiError> {
    let detail = "the log belongs to the program around this server, which sets its level";
    state.log.as_ref().ok_or_else(|| unavailable(detail))
}

impl Parameters {
    /// The filter, and how long it lasts.
    fn into_filter(self) -> Result<(String, Option<Duration>), String> {
        let filter = match (self.level, self.filter) {
            (Some(_), Some(_)) => return Err("give either a level or a filter".to_owned()),
            (Some(level), None) => Some(level.parse::<LogLevel>()?.filter().to_owned()),
            (None, filter) => filter,
        };
        let filter = filter.ok_or_else(|| {
            query::missing("a level (debug, info, warning, error) or a filter", "level")
        })?;
        log::filter(&filter).map_err(|error| error.to_string())?;
        let lasts = self.r#for.map(|lasts| Span::parse(&lasts)).transpose()?;
        Ok((filter, lasts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<(String, Option<Duration>), String> {
        query::parse::<Parameters>(query)?.into_filter()
    }

    #[test]
    fn parameters_are_a_level_or_a_filter() {
        let minutes = |count: u64| Some(Duration::from_secs(60 * count));
        for (query, filter, lasts) in [
            ("level=warning", LogLevel::Warning.filter(), None),
            ("level=ERROR&for=10m", LogLevel::Error.filter(), minutes(10)),
            ("for=1m&filter=aqs_origin%3Ddebug,info", "aqs_origin=debug,info", minutes(1)),
            ("filter=aqs_origin=debug,info", "aqs_origin=debug,info", None),
        ] {
            assert_eq!(parse(query), Ok((filter.to_owned(), lasts)), "{query}");
        }
    }

    #[test]
    fn mistakes_name_the_parameter() {
        for (query, part) in [
            ("", "a level (debug, info, warning, error) or a filter is missing"),
            ("filter=", "filter has no value"),
            ("filter=a=b=c", "`a=b=c` is no filter"),
            ("level=loud", "Unsupported log level: loud"),
            ("level=debug&filter=info", "either a level or a filter"),
            ("level=debug&for=soon", "is no duration"),
            ("level=debug&for=0s", "out of range"),
            ("level=debug&until=noon", "no parameter `until`"),
            ("level=%FF", "not valid percent-encoded"),
        ] {
            let detail = parse(query).unwrap_err();
            assert!(detail.contains(part), "{query}: {detail}");
        }
    }
}

//! Query parameters, read by serde.

use super::{ApiError, bad_parameter};
use aqs_api::percent;
use aqs_origin::suggest;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// Extracts the parameters into `T`, which denies unknown fields.
///
/// axum's own extractor takes no repeated parameters, decodes `+` and bad UTF-8 as forms do, and
/// doesn't name the nearest parameter.
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parse(parts.uri.query().unwrap_or_default()).map(Self).map_err(bad_parameter)
    }
}

/// Parses a query; the error names the parameter.
pub(super) fn parse<T: DeserializeOwned>(query: &str) -> Result<T, String> {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match percent::decode(value) {
            None => return Err(format!("`{name}` is not valid percent-encoded UTF-8")),
            Some(value) if value.is_empty() => return Err(format!("{name} has no value")),
            Some(_) => {}
        }
    }
    // Forms write a blank as `+`; the paths of this API don't.
    let query = query.replace('+', "%2B");
    let parameters = serde_html_form::Deserializer::from_bytes(query.as_bytes());
    serde_path_to_error::deserialize(parameters).map_err(|error| {
        let (name, reason) = (error.path().to_string(), error.into_inner().to_string());
        match reason.strip_prefix("unknown field `") {
            Some(names) => unknown(names),
            None if reason == "unsupported value" => format!("{name} is given more than once"),
            None => format!("{name}: {reason}"),
        }
    })
}

/// The message for an unknown parameter, from the end of serde's: ``x`, expected `a` or `b``.
fn unknown(names: &str) -> String {
    let mut split = names.split('`').step_by(2);
    let name = split.next().unwrap_or_default();
    match suggest(name, split) {
        Some(nearest) => format!("there is no parameter `{name}`; did you mean {nearest}?"),
        None => format!("there is no parameter `{names}"),
    }
}

/// The message for a missing parameter. It is explicit about the place of parameters, for clients
/// that send them in the body.
pub(super) fn missing(wanted: &str, name: &str) -> String {
    format!("{wanted} is missing (in the query, as ?{name}=..., not in the body)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Parameters {
        plan: Option<String>,
        project: Vec<String>,
        to: Option<u64>,
        dry_run: bool,
    }

    #[test]
    fn values_are_decoded_into_fields() {
        let expected = Parameters {
            plan: Some("x=y+z".to_owned()),
            project: vec!["Ä".to_owned(), "b".to_owned()],
            to: Some(17),
            dry_run: true,
        };
        assert_eq!(
            parse("project=%C3%84&&plan=x%3Dy+z&to=17&project=b&dry_run=true"),
            Ok(expected)
        );
        assert_eq!(parse(""), Ok(Parameters::default()));
    }

    #[test]
    fn mistakes_name_the_parameter() {
        for (query, message) in [
            ("plan=%FF", "`plan` is not valid percent-encoded UTF-8"),
            ("plan=a&plan=a", "plan is given more than once"),
            ("to=", "to has no value"),
            ("to", "to has no value"),
            ("to=-1", "to: invalid digit found in string"),
            ("to=99999999999999999999", "to: number too large to fit in target type"),
            ("to=1&to=1", "to is given more than once"),
            (
                "dry_run=yes",
                "dry_run: invalid value: string \"yes\", expected \"true\", \"on\" or \"false\"",
            ),
            ("plans=a", "there is no parameter `plans`; did you mean plan?"),
            ("dry-run=true", "there is no parameter `dry-run`; did you mean dry_run?"),
            (
                "x=a",
                "there is no parameter `x`, expected one of `plan`, `project`, `to`, `dry_run`",
            ),
        ] {
            assert_eq!(parse::<Parameters>(query), Err(message.to_owned()), "{query}");
        }
    }
}

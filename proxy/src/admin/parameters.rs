//! The parameters of an operator's request.

use crate::nearest::resembling;
use aqs_api::percent;
use std::borrow::Cow;
use std::str::FromStr;

/// Each parameter of a query with its value, as they come.
pub(super) fn of(query: &str) -> impl Iterator<Item = Result<(&str, Cow<'_, str>), String>> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent::decode(value);
        value.map(|value| (key, value)).ok_or(format!("`{key}` is no percent-encoded UTF-8"))
    })
}

/// Says that there is no such parameter, and which there are.
pub(super) fn unknown(name: &str, known: &[&'static str]) -> String {
    match (resembling(name, known.iter().copied()), known) {
        (Some(meant), _) => format!("there is no parameter {name:?}; did you mean {meant}?"),
        (None, []) => format!("there is no parameter {name:?}, nor any other"),
        (None, [only]) => format!("there is no parameter {name:?}; there is {only}"),
        (None, [first @ .., last]) => {
            let first = first.join(", ");
            format!("there is no parameter {name:?}; there are {first} and {last}")
        }
    }
}

/// Says that a parameter is missing; and where it goes, for whoever wrote it into the body, where
/// nobody reads it.
pub(super) fn missing(wanted: &str, name: &str) -> String {
    format!("{wanted} (in the query, as ?{name}=..., not in the body)")
}

/// Keeps a value that may be given once.
pub(super) fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("say {name} once")),
    }
}

/// A value that is yes or no.
pub(super) fn flag(name: &str, value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| format!("{name} is true or false, not {value:?}"))
}

/// A value that is a whole number.
pub(super) fn number<T: FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} is a whole number, not {value:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_told_with_what_is_known() {
        let known = ["plan", "project", "dry_run"];
        for (name, said) in [
            ("plans", "there is no parameter \"plans\"; did you mean plan?"),
            ("dry-run", "there is no parameter \"dry-run\"; did you mean dry_run?"),
            ("x", "there is no parameter \"x\"; there are plan, project and dry_run"),
        ] {
            assert_eq!(unknown(name, &known), said);
        }
        assert_eq!(unknown("x", &["to"]), "there is no parameter \"x\"; there is to");
        assert_eq!(unknown("x", &[]), "there is no parameter \"x\", nor any other");
    }

    #[test]
    fn values_come_decoded_in_order() {
        let read: Result<Vec<_>, _> = of("a=%C3%84&&b&a=x%3Dy=z").collect();
        let expected = [("a", "Ä"), ("b", ""), ("a", "x=y=z")];
        assert_eq!(read.unwrap(), expected.map(|(key, value)| (key, value.into())));
        assert!(of("a=%FF").next().unwrap().is_err());
    }
}

//! Query parameters, read by serde.

use super::{ApiError, error};
use crate::nearest::resembling;
use aqs_api::percent;
use aqs_api::problem::Code;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use std::borrow::Cow;
use std::str::FromStr;

/// Extracts the parameters into the fields of `T`, which denies unknown fields. A field that is no
/// `Vec` takes one value.
///
/// axum's own extractor decodes `+` and bad UTF-8 as forms do, takes an empty value for an absent
/// one, and doesn't name the nearest parameter.
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parse(parts.uri.query().unwrap_or_default())
            .map(Self)
            .map_err(|detail| error(400, Code::InvalidParameter, detail))
    }
}

/// Reads a query.
pub(super) fn parse<T: DeserializeOwned>(query: &str) -> Result<T, String> {
    let mut parameters: Vec<(&str, Parameter<'_>)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value =
            percent::decode(value).ok_or(format!("`{name}` is no percent-encoded UTF-8"))?;
        match parameters.iter_mut().find(|(known, _)| *known == name) {
            Some((_, parameter)) => parameter.values.push(value),
            None => parameters.push((name, Parameter { name, values: vec![value] })),
        }
    }
    let deserializer = MapDeserializer::<_, Error>::new(parameters.into_iter());
    T::deserialize(deserializer).map_err(|error| with_nearest(error.to_string()))
}

/// Adds the nearest parameter to serde's message for an unknown field, which lists the known ones.
fn with_nearest(message: String) -> String {
    let Some(rest) = message.strip_prefix("unknown field `") else { return message };
    let mut names = rest.split('`').step_by(2);
    let name = names.next().unwrap_or_default();
    match resembling(name, names) {
        Some(nearest) => format!("there is no parameter {name:?}; did you mean {nearest}?"),
        None => message.replacen("unknown field", "there is no parameter", 1),
    }
}

/// The message for a required parameter that is missing. It says where parameters go, for clients
/// that send them in the body.
pub(super) fn missing(wanted: &str, name: &str) -> String {
    format!("{wanted} (in the query, as ?{name}=..., not in the body)")
}

struct Parameter<'a> {
    name: &'a str,
    values: Vec<Cow<'a, str>>,
}

impl<'a> Parameter<'a> {
    fn only(&mut self) -> Result<Cow<'a, str>, Error> {
        match (self.values.pop(), self.values.is_empty()) {
            (Some(value), true) => Ok(value),
            _ => Err(Error::custom(format!("say {} once", self.name))),
        }
    }

    fn parse<T: FromStr>(mut self, kind: &str) -> Result<T, Error> {
        let value = self.only()?;
        let wrong = |_| Error::custom(format!("{} is {kind}, not {value:?}", self.name));
        value.parse().map_err(wrong)
    }
}

impl<'de> IntoDeserializer<'de, Error> for Parameter<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Parameter<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.only()?.into_owned())
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.parse("true or false")?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u64(self.parse("a whole number")?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let value = self.only()?;
        let named = |error| Error::custom(format!("{}: {error}", self.name));
        visitor.visit_enum(IntoDeserializer::<Error>::into_deserializer(value)).map_err(named)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(self.values.into_iter()))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 u16 u32 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct tuple tuple_struct map struct identifier ignored_any
    }
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
            project: vec!["Ä".to_owned(), String::new()],
            to: Some(17),
            dry_run: true,
        };
        assert_eq!(parse("project=%C3%84&&plan=x%3Dy+z&to=17&project&dry_run=true"), Ok(expected));
        assert_eq!(parse(""), Ok(Parameters::default()));
    }

    #[test]
    fn mistakes_name_the_parameter() {
        for (query, message) in [
            ("plan=%FF", "`plan` is no percent-encoded UTF-8"),
            ("plan=a&plan=a", "say plan once"),
            ("to=", "to is a whole number, not \"\""),
            ("to=-1", "to is a whole number, not \"-1\""),
            ("to=1.5", "to is a whole number, not \"1.5\""),
            ("to=99999999999999999999", "to is a whole number, not \"99999999999999999999\""),
            ("to=1&to=1", "say to once"),
            ("dry_run=yes", "dry_run is true or false, not \"yes\""),
            ("plans=a", "there is no parameter \"plans\"; did you mean plan?"),
            ("dry-run=true", "there is no parameter \"dry-run\"; did you mean dry_run?"),
            (
                "x=a",
                "there is no parameter `x`, expected one of `plan`, `project`, `to`, `dry_run`",
            ),
        ] {
            assert_eq!(parse::<Parameters>(query), Err(message.to_owned()), "{query}");
        }
    }
}

//! Deserialisation of a tree into configuration structs.

use super::value_tree::{Entry, Node, Value};
use aqs_origin::suggest;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt::Display;
use thiserror::Error;

/// The key that a section with it is named after, if it has a single value.
const SHORT_KEY: &str = "path";

/// Why a value or its key is refused.
#[derive(Debug, Error)]
#[error("{message}")]
pub(super) struct ValueError {
    message: String,
    /// The key is at fault, and not its value.
    pub(super) is_key: bool,
}

impl de::Error for ValueError {
    fn custom<T: Display>(message: T) -> Self {
        Self { message: message.to_string(), is_key: false }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let nearest = suggest(field, expected.iter().copied());
        let hint = nearest.map(|name| format!("; the nearest is `{name}`")).unwrap_or_default();
        Self { message: format!("there is no such key{hint}"), is_key: true }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format!("the key `{field}` is missing"))
    }
}

fn invalid<T>(message: impl Display) -> Result<T, ValueError> {
    Err(de::Error::custom(message))
}

fn map<'de, 'a>(
    entries: impl Iterator<Item = &'a Entry>,
) -> MapDeserializer<'de, impl Iterator<Item = (&'a str, &'a Node)>, ValueError> {
    MapDeserializer::new(entries.map(|entry| (entry.key.as_str(), &entry.node)))
}

impl<'de> IntoDeserializer<'de, ValueError> for &Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for &Node {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match &self.value {
            Value::Null => visitor.visit_unit(),
            Value::Scalar { text, plain: true } => {
                if let Ok(flag) = text.parse() {
                    visitor.visit_bool(flag)
                } else if let Ok(number) = text.parse() {
                    visitor.visit_u64(number)
                } else if let Ok(number) = text.parse() {
                    visitor.visit_i64(number)
                } else {
                    visitor.visit_str(text)
                }
            }
            Value::Scalar { text, plain: false } => visitor.visit_str(text),
            Value::List(list) => visitor.visit_seq(SeqDeserializer::new(list.iter())),
            Value::Map(entries) => visitor.visit_map(map(entries.iter())),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let Value::Scalar { text, .. } = &self.value else {
            return invalid("expected a single value");
        };
        visitor.visit_str(text).or_else(|error: ValueError| match error.message.as_str() {
            // The text of the standard library.
            "invalid socket address syntax" => {
                invalid(format!("`{text}` is no address such as 127.0.0.1:8080"))
            }
            _ => Err(error),
        })
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match &self.value {
            Value::Scalar { text, .. } => match text.to_ascii_lowercase().as_str() {
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                _ => invalid(format!("`{text}` is neither true nor false")),
            },
            Value::Null | Value::List(_) | Value::Map(_) => invalid("expected a single value"),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match &self.value {
            Value::Null => visitor.visit_none(),
            Value::Scalar { .. } | Value::List(_) | Value::Map(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match &self.value {
            Value::List(_) => self.deserialize_any(visitor),
            // A list of one.
            Value::Scalar { .. } => visitor.visit_seq(SeqDeserializer::new(std::iter::once(self))),
            Value::Null | Value::Map(_) => invalid("expected a list, as [a, b]"),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match &self.value {
            Value::Map(_) => self.deserialize_any(visitor),
            Value::Null | Value::Scalar { .. } | Value::List(_) => {
                invalid("expected keys with values")
            }
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let entries = match &self.value {
            Value::Map(entries) => entries,
            // `store: my.sqlite` is short for its path.
            Value::Scalar { .. } if fields.contains(&SHORT_KEY) => {
                let entry = std::iter::once((SHORT_KEY, self));
                return visitor.visit_map(MapDeserializer::new(entry));
            }
            Value::Null | Value::Scalar { .. } | Value::List(_) => {
                return self.deserialize_map(visitor);
            }
        };
        // A key without a value keeps its default.
        let is_unset = |entry: &Entry| {
            matches!(entry.node.value, Value::Null) && fields.contains(&entry.key.as_str())
        };
        visitor.visit_map(map(entries.iter().filter(|entry| !is_unset(entry))))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct enum identifier ignored_any
    }
}

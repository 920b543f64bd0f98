//! Deserialisation of a tree into configuration structs.

use super::error::{Mistake, Origin};
use super::value_tree::{Entry, Node, Value};
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

impl<'de> Deserializer<'de> for &Node {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
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
            Value::List(list) => visitor.visit_seq(Items { nodes: list.iter().enumerate() }),
            Value::Map(entries) => {
                visitor.visit_map(Entries { entries: entries.iter(), value: None })
            }
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let Value::Scalar { text, .. } = &self.value else {
            return Err(Mistake::custom("expected a single value"));
        };
        visitor.visit_str(text).map_err(|mistake: Mistake| {
            // What the standard library says of an address.
            if mistake.to_string() == "invalid socket address syntax" {
                Mistake::custom(format!("`{text}` is no address such as 127.0.0.1:8080"))
            } else {
                mistake
            }
        })
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.value {
            Value::Scalar { text, .. } => match text.to_ascii_lowercase().as_str() {
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                _ => Err(Mistake::custom(format!("`{text}` is neither true nor false"))),
            },
            _ => Err(Mistake::custom("expected a single value")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.value {
            Value::List(_) => self.deserialize_any(visitor),
            _ => Err(Mistake::custom("expected a list, as [a, b]")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.value {
            Value::Map(_) => self.deserialize_any(visitor),
            _ => Err(Mistake::custom("expected keys with values")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct enum identifier ignored_any
    }
}

struct Items<'a> {
    nodes: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Mistake;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Mistake> {
        let Some((index, node)) = self.nodes.next() else { return Ok(None) };
        let value = seed.deserialize(node);
        value.map(Some).map_err(|mistake| mistake.within(format!("[{index}]"), node.origin))
    }
}

struct Entries<'a> {
    entries: std::slice::Iter<'a, Entry>,
    value: Option<&'a Entry>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Mistake> {
        // A default that depends on something else is null: that key is absent.
        let is_given = |entry: &&Entry| {
            !matches!(entry.node, Node { origin: Origin::Default, value: Value::Null })
        };
        let Some(entry) = self.entries.find(is_given) else { return Ok(None) };
        self.value = Some(entry);
        let key = seed.deserialize(StrDeserializer::new(&entry.key));
        key.map(Some).map_err(|mistake: Mistake| mistake.within(entry.key.clone(), entry.origin))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Mistake> {
        let Some(Entry { key, node, .. }) = self.value.take() else {
            return Err(Mistake::custom("a value without a key"));
        };
        seed.deserialize(node).map_err(|mistake| mistake.within(key.clone(), node.origin))
    }
}

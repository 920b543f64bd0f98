//! Sets of values.

use super::text::{Unit, Window};
use serde::de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The values of a parameter that an item wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSet {
    /// `all`: every value of an enumeration.
    All,
    /// `[user, spider]`
    List(Vec<String>),
    /// `{ top_articles_of: newest 7 days, first: 1000 }`: the first articles of each of the top
    /// lists of the item's projects, each once.
    Top { count: u32, unit: Unit, first: usize },
}

const ALL: &str = "all";

impl Serialize for ValueSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str(ALL),
            Self::List(values) => values.serialize(serializer),
            Self::Top { count, unit, first } => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("top_articles_of", &Window::Newest(*count, *unit))?;
                map.serialize_entry("first", first)?;
                map.end()
            }
        }
    }
}

// An untagged enum would report a mistake as "none of the variants", and read `[1984]` as numbers.
impl<'de> Deserialize<'de> for ValueSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueSetVisitor)
    }
}

struct ValueSetVisitor;

impl<'de> Visitor<'de> for ValueSetVisitor {
    type Value = ValueSet;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str(
            "`all`, a list of values, or `{ top_articles_of: newest 7 days, first: 100 }`",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ValueSet, E> {
        if text == ALL {
            return Ok(ValueSet::All);
        }
        Err(E::custom(format!("write the single value `{text}` as a list: [{text}]")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ValueSet, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(ValueSet::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ValueSet, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Top {
            top_articles_of: Window,
            first: Option<usize>,
        }
        let Top { top_articles_of, first } = Top::deserialize(MapAccessDeserializer::new(map))?;
        let Window::Newest(count, unit) = top_articles_of else {
            let lists = "`newest day`, `newest month`, `newest 7 days` or `newest 3 months`";
            return Err(de::Error::custom(format!("`{top_articles_of}` is not one of {lists}")));
        };
        // The length of a top list.
        Ok(ValueSet::Top { count, unit, first: first.unwrap_or(1000) })
    }
}

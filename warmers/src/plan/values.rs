//! Sets of values of a parameter.

use super::newest::Newest;
use serde::de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The values of a parameter that a plan wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSet {
    /// `all`: every value that the parameter may have.
    All,
    /// `[user, spider]`: these.
    List(Vec<String>),
    /// `{ top_articles_of: newest 7 days, first: 1000 }`: the articles of the newest top lists of
    /// the item's project, each once.
    Top {
        /// Of which lists.
        of: Newest,
        /// How many of each, by rank.
        first: usize,
    },
}

/// The third kind of set, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Top {
    top_articles_of: Newest,
    #[serde(default = "every_one")]
    first: usize,
}

/// As many as a list has.
fn every_one() -> usize {
    1000
}

const ALL: &str = "all";

impl Serialize for ValueSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str(ALL),
            Self::List(values) => values.serialize(serializer),
            Self::Top { of, first } => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("top_articles_of", of)?;
                map.serialize_entry("first", first)?;
                map.end()
            }
        }
    }
}

// By hand, so that a mistake in one kind is not reported as "none of the kinds".
impl<'de> Deserialize<'de> for ValueSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Kinds)
    }
}

struct Kinds;

impl<'de> Visitor<'de> for Kinds {
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
        let Top { top_articles_of, first } = Top::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ValueSet::Top { of: top_articles_of, first })
    }
}

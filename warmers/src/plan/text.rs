//! The types of a plan that are written in a form of their own.

use aqs_api::text_value;
use serde::de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A hundred years of days.
const MAX_COUNT: u32 = 36_600;

/// The time that an item asks for, relative to the loaded data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// `last 7 days`: one series that ends with the newest day, or the newest whole month.
    Last(u32, Unit),
    /// `everything`: one series of all loaded data.
    Everything,
    /// `newest 7 days`: a list for each of them.
    Newest(u32, Unit),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    Days,
    Months,
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_window(text).ok_or_else(|| {
            format!(
                "{text:?} is no window: write `last 7 days`, `last 13 months` or `everything` for \
                 series, and `newest 7 days` or `newest 3 months` for lists; at most {MAX_COUNT}"
            )
        })
    }
}

text_value!(Window, "window");

fn parse_window(text: &str) -> Option<Window> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (kind, count, unit) = match *words.as_slice() {
        ["everything"] => return Some(Window::Everything),
        [kind, unit @ ("day" | "month")] => (kind, "1", unit),
        [kind, count, unit] => (kind, count, unit.strip_suffix('s').unwrap_or(unit)),
        _ => return None,
    };
    let unit = match unit {
        "day" => Unit::Days,
        "month" => Unit::Months,
        _ => return None,
    };
    let count = parse_count(count)?;
    match kind {
        "last" => Some(Window::Last(count, unit)),
        "newest" => Some(Window::Newest(count, unit)),
        _ => None,
    }
}

fn parse_count(text: &str) -> Option<u32> {
    text.parse().ok().filter(|count| (1..=MAX_COUNT).contains(count))
}

impl fmt::Display for Window {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, count, unit) = match self {
            Self::Everything => return text.write_str("everything"),
            Self::Last(count, unit) => ("last", count, unit),
            Self::Newest(count, unit) => ("newest", count, unit),
        };
        let unit = match unit {
            Unit::Days => "day",
            Unit::Months => "month",
        };
        write!(text, "{kind} {count} {unit}{}", if *count == 1 { "" } else { "s" })
    }
}

/// A window in short: `7d`, `13m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last(pub(super) u32, pub(super) Unit);

impl FromStr for Last {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (count, unit) = match text.strip_suffix('d') {
                Some(count) => (count, Unit::Days),
                None => (text.strip_suffix('m')?, Unit::Months),
            };
            let is_number = count.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| parse_count(count).map(|count| Self(count, unit)))?
        };
        let expected = "span of days or months such as 7d or 13m";
        parse().ok_or_else(|| format!("{text:?} is no {expected}; at most {MAX_COUNT}"))
    }
}

text_value!(Last, "span");

impl fmt::Display for Last {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.1 {
            Unit::Days => 'd',
            Unit::Months => 'm',
        };
        write!(text, "{}{unit}", self.0)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_windows_parse() {
        for (text, window, printed) in [
            ("newest day", Window::Newest(1, Unit::Days), "newest 1 day"),
            ("newest 1 day", Window::Newest(1, Unit::Days), "newest 1 day"),
            (" newest  month ", Window::Newest(1, Unit::Months), "newest 1 month"),
            ("last 7 days", Window::Last(7, Unit::Days), "last 7 days"),
            ("everything", Window::Everything, "everything"),
        ] {
            assert_eq!(text.parse::<Window>().unwrap(), window, "{text}");
            assert_eq!(window.to_string(), printed);
        }
        for bad in ["", "newest", "newest days", "newest 0 days", "newest 99999 days", "7 days"] {
            let error = bad.parse::<Window>().unwrap_err().to_string();
            assert!(error.contains("`newest 7 days`"), "{error}");
        }
    }
}

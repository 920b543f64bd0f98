//! Whether a text is JSON.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Looks whether a text is JSON, down to the last string: what is stored must be readable later,
/// and half of a surrogate pair for example is not.
pub(super) fn check(text: &str) -> Result<(), String> {
    serde_json::from_str::<Sound>(text).map(|_| ()).map_err(|error| describe(&error))
}

/// What is wrong with JSON on one line.
pub(super) fn describe(error: &serde_json::Error) -> String {
    let words = error.to_string();
    // The line is told with the file's own count, or there is only one.
    let what = words.rsplit_once(" at line ").map_or(words.as_str(), |(what, _)| what);
    format!("{what} at column {}", error.column())
}

struct Sound;

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(Self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<Self, Self>()?.is_some() {}
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_from_what_looks_like_it() {
        for good in ["[]", "null", r#"[{"article":"A\/B \u00e9","views":1,"rank":-0.5e3}]"#, "1"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "[", "[1,]", "{'a':1}", "[] []", r#"["\ud800"]"#, "NaN", "\u{feff}[]"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert_eq!(check("[1,]"), Err("trailing comma at column 4".to_owned()));
        assert!(check(&"[".repeat(100_000)).is_err(), "no stack is long enough for this");
    }
}

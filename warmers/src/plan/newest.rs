//! Which top lists articles are taken from.

use super::window::{MOST, Unit, Window};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The newest top lists: `newest day`, `newest 7 days`, `newest 3 months`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Newest {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: Unit,
}

/// A text that names no top lists.
#[derive(Debug, Error)]
#[error(
    "{text:?} names no top lists: write `newest day`, `newest month`, `newest 7 days` or \
     `newest 3 months`; at most {MOST}"
)]
pub struct BadNewest {
    text: String,
}

impl Newest {
    /// The window of the lists themselves.
    pub(super) fn window(self) -> Window {
        Window::Newest(self.count, self.unit)
    }
}

impl FromStr for Newest {
    type Err = BadNewest;

    fn from_str(text: &str) -> Result<Self, BadNewest> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match *words.as_slice() {
            ["newest", "day"] => return Ok(Self { count: 1, unit: Unit::Days }),
            ["newest", "month"] => return Ok(Self { count: 1, unit: Unit::Months }),
            _ => {}
        }
        match text.parse() {
            Ok(Window::Newest(count, unit)) => Ok(Self { count, unit }),
            _ => Err(BadNewest { text: text.to_owned() }),
        }
    }
}

impl TryFrom<String> for Newest {
    type Error = BadNewest;

    fn try_from(text: String) -> Result<Self, BadNewest> {
        text.parse()
    }
}

impl fmt::Display for Newest {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.count, self.unit) {
            (1, Unit::Days) => text.write_str("newest day"),
            (1, Unit::Months) => text.write_str("newest month"),
            _ => self.window().fmt(text),
        }
    }
}

impl From<Newest> for String {
    fn from(newest: Newest) -> Self {
        newest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_read_back() {
        for (text, count, unit, printed) in [
            ("newest day", 1, Unit::Days, "newest day"),
            ("newest 1 day", 1, Unit::Days, "newest day"),
            (" newest  month ", 1, Unit::Months, "newest month"),
            ("newest 7 days", 7, Unit::Days, "newest 7 days"),
            ("newest 3 months", 3, Unit::Months, "newest 3 months"),
        ] {
            let newest: Newest = text.parse().unwrap();
            assert_eq!(newest, Newest { count, unit }, "{text}");
            assert_eq!(newest.to_string(), printed);
        }
        for bad in
            ["", "newest", "newest days", "newest 0 days", "newest 99999 days", "last 7 days"]
        {
            let error = bad.parse::<Newest>().unwrap_err().to_string();
            assert!(error.contains("`newest 7 days`"), "{error}");
        }
    }
}

//! How often a plan is built.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use thiserror::Error;

/// An interval, as `6h` or `1h 30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Every(pub Duration);

/// A text that is no interval.
#[derive(Debug, Error)]
#[error("{text:?} is no interval from 1m to 8784h, such as 6h or 1h 30m")]
pub struct BadInterval {
    text: String,
}

const LEAST: Duration = Duration::from_secs(60);
/// A leap year.
const MOST: Duration = Duration::from_secs(366 * 24 * 3600);

impl Default for Every {
    fn default() -> Self {
        Self(Duration::from_secs(6 * 3600))
    }
}

impl FromStr for Every {
    type Err = BadInterval;

    fn from_str(text: &str) -> Result<Self, BadInterval> {
        let parsed = text.parse::<SignedDuration>().ok();
        let span = parsed.and_then(|span| Duration::try_from(span).ok());
        let bad = || BadInterval { text: text.to_owned() };
        span.filter(|span| (LEAST..=MOST).contains(span)).map(Self).ok_or_else(bad)
    }
}

impl TryFrom<String> for Every {
    type Error = BadInterval;

    fn try_from(text: String) -> Result<Self, BadInterval> {
        text.parse()
    }
}

impl fmt::Display for Every {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SignedDuration::try_from(self.0) {
            Ok(span) => write!(text, "{span:#}"),
            Err(_) => write!(text, "{}s", self.0.as_secs()),
        }
    }
}

impl From<Every> for String {
    fn from(every: Every) -> Self {
        every.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_read_back() {
        for (text, seconds) in [("6h", 21_600), ("1h 30m", 5400), ("24h", 86_400), ("1m", 60)] {
            let every: Every = text.parse().unwrap();
            assert_eq!(every.0.as_secs(), seconds);
            assert_eq!(every.to_string().parse::<Every>().unwrap(), every);
        }
        for bad in ["", "6", "h", "-6h", "0s", "59s", "six hours", "8785h", "99999999999999999999h"]
        {
            assert!(bad.parse::<Every>().is_err(), "{bad}");
        }
    }
}

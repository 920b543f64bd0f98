//! Durations, sizes and counts, each within bounds.

use super::key::{Described, Kind};
use super::scalar::{read, scalar};
use bytesize::ByteSize;
use jiff::SignedDuration;
use jiff::fmt::friendly::SpanPrinter;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A duration, written with its unit: `250ms`, `300s`, `5m`, `24h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub struct Span(pub Duration);

/// Nothing here makes sense for longer, and times far ahead can't be reckoned with.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// Zero would turn a limit into a refusal of everything.
const SHORTEST: Duration = Duration::from_millis(1);

impl Span {
    fn takes() -> String {
        "duration".to_owned()
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let duration = text
            .parse::<SignedDuration>()
            .ok()
            .and_then(|signed| Duration::try_from(signed).ok())
            .ok_or_else(|| format!("`{text}` is no duration such as 250ms, 300s, 5m or 24h"))?;
        if (SHORTEST..=LONGEST).contains(&duration) {
            Ok(Self(duration))
        } else {
            Err(format!("`{text}` is out of range: 1ms to 8760h"))
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str(&SpanPrinter::new().unsigned_duration_to_string(&self.0))
    }
}

scalar!(Span);

/// A duration, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrOff(pub Option<Span>);

impl OrOff {
    fn takes() -> String {
        "duration or off".to_owned()
    }
}

impl FromStr for OrOff {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("off") {
            return Ok(Self(None));
        }
        text.parse()
            .map(|span| Self(Some(span)))
            .map_err(|error: String| format!("{error}, nor off"))
    }
}

impl fmt::Display for OrOff {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(span) => span.fmt(text),
            None => text.write_str("off"),
        }
    }
}

scalar!(OrOff);

/// A number of bytes, written as `16KiB`, `2GiB` or plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size<const LEAST: u64, const MOST: u64>(u64);

impl<const LEAST: u64, const MOST: u64> Size<LEAST, MOST> {
    /// So many bytes, if they are in range.
    pub fn new(bytes: u64) -> Result<Self, String> {
        if (LEAST..=MOST).contains(&bytes) {
            return Ok(Self(bytes));
        }
        let (shown, least, most) = (Bytes(bytes), Bytes(LEAST), Bytes(MOST));
        Err(format!("{shown} is out of range: {least} to {most}"))
    }

    /// One that is known to be in range: a default.
    pub(super) const fn known(bytes: usize) -> Self {
        Self(bytes as u64)
    }

    /// How many bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// How many bytes, for buffers.
    pub(super) fn length(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    fn takes() -> String {
        format!("size, {} to {}", Bytes(LEAST), Bytes(MOST))
    }
}

impl<const LEAST: u64, const MOST: u64> FromStr for Size<LEAST, MOST> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size: ByteSize =
            text.parse().map_err(|_| format!("`{text}` is no size such as 16KiB or 2GiB"))?;
        Self::new(size.as_u64())
    }
}

impl<const LEAST: u64, const MOST: u64> fmt::Display for Size<LEAST, MOST> {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        Bytes(self.0).fmt(text)
    }
}

scalar!(Size<LEAST, MOST>, const LEAST: u64, const MOST: u64);

/// Prints bytes exactly, in the largest unit that divides them: what is printed can be read back.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(50, "PiB"), (40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
        let unit = units.into_iter().find(|(shift, _)| self.0.trailing_zeros() >= *shift);
        match unit {
            Some((shift, name)) if self.0 > 0 => write!(text, "{}{name}", self.0 >> shift),
            _ => write!(text, "{}B", self.0),
        }
    }
}

/// A number of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count<const LEAST: u64, const MOST: u64>(u64);

impl<const LEAST: u64, const MOST: u64> Count<LEAST, MOST> {
    /// One that is known to be in range: a default.
    pub(super) const fn known(count: usize) -> Self {
        Self(count as u64)
    }

    /// How many.
    pub fn get(self) -> u64 {
        self.0
    }

    /// How many, for what is counted in memory.
    pub(super) fn length(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<const LEAST: u64, const MOST: u64> FromStr for Count<LEAST, MOST> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<u64>() {
            Ok(count) if (LEAST..=MOST).contains(&count) => Ok(Self(count)),
            Ok(count) => Err(format!("{count} is out of range: {LEAST} to {MOST}")),
            Err(_) => Err(format!("`{text}` is no whole number of {LEAST} to {MOST}")),
        }
    }
}

impl<'de, const LEAST: u64, const MOST: u64> Deserialize<'de> for Count<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        read(input)
    }
}

impl<const LEAST: u64, const MOST: u64> Serialize for Count<LEAST, MOST> {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_u64(self.0)
    }
}

impl<const LEAST: u64, const MOST: u64> Described for Count<LEAST, MOST> {
    fn kind() -> Kind {
        Kind::Value(format!("number, {LEAST} to {MOST}"))
    }
}

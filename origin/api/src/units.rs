//! How a configuration writes durations, sizes, counts and shares.
//!
//! Each type here stands in `#[serde(with = "...")]` of a field whose own type is a [`Duration`] or
//! a number: it reads and writes the text, checks the range, and describes in its JSON schema's
//! title what the field accepts.

use jiff::SignedDuration;
use jiff::fmt::friendly::SpanPrinter;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};
use std::fmt;
use std::time::Duration;

/// Implements `JsonSchema` for a type that is written as text; the expression says what it accepts.
#[macro_export]
macro_rules! accepts {
    ($type:ty, $accepts:expr $(, const $bound:ident)*) => {
        impl<$(const $bound: u64),*> $crate::schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(
                _: &mut $crate::schemars::SchemaGenerator,
            ) -> $crate::schemars::Schema {
                $crate::schemars::json_schema!({ "type": "string", "title": $accepts })
            }
        }
    };
}

/// Implements `Deserialize`, `Serialize` and `JsonSchema` for a type by its `FromStr`, whose error
/// is a `String`, and its `Display`.
#[macro_export]
macro_rules! text_value {
    ($type:ty, $accepts:expr) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                $crate::units::from_text(input, str::parse)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
                output.collect_str(self)
            }
        }

        $crate::accepts!($type, $accepts);
    };
}

/// Reads a value from its text.
pub fn from_text<'de, T, D: Deserializer<'de>>(
    input: D,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    // Never `deserialize_any`: it takes the country NO for a boolean.
    parse(&String::deserialize(input)?).map_err(D::Error::custom)
}

/// Reads a text for which an empty one counts as absent, as unfilled templates leave it.
pub fn non_empty<'de, T: From<String>, D: Deserializer<'de>>(
    input: D,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(input)?;
    Ok((!text.is_empty()).then(|| text.into()))
}

/// A duration of 1 ms to 365 days, such as `250ms`, `300s`, `5m` or `24h`.
pub struct Span;

const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
// Zero turns a limit into a refusal of everything.
const SHORTEST: Duration = Duration::from_millis(1);

accepts!(Span, "duration");

impl Span {
    pub fn parse(text: &str) -> Result<Duration, String> {
        let duration = text
            .parse::<SignedDuration>()
            .ok()
            .and_then(|signed| Duration::try_from(signed).ok())
            .ok_or_else(|| format!("`{text}` is no duration such as 250ms, 300s, 5m or 24h"))?;
        if (SHORTEST..=LONGEST).contains(&duration) {
            Ok(duration)
        } else {
            Err(format!("`{text}` is out of range: 1ms to 8760h"))
        }
    }

    pub fn print(duration: Duration) -> String {
        SpanPrinter::new().unsigned_duration_to_string(&duration)
    }

    pub fn deserialize<'de, T: From<Duration>, D: Deserializer<'de>>(
        input: D,
    ) -> Result<T, D::Error> {
        from_text(input, |text| Self::parse(text).map(T::from))
    }

    pub fn serialize<T: Copy + Into<Option<Duration>>, S: Serializer>(
        value: &T,
        output: S,
    ) -> Result<S::Ok, S::Error> {
        match (*value).into() {
            Some(duration) => output.serialize_str(&Self::print(duration)),
            None => output.serialize_none(),
        }
    }
}

/// A duration as [`Span`] has it, or `off`.
pub struct SpanOrOff;

accepts!(SpanOrOff, "duration or off");

impl SpanOrOff {
    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Duration>, D::Error> {
        from_text(input, |text| match text {
            off if off.eq_ignore_ascii_case("off") => Ok(None),
            text => Span::parse(text).map(Some).map_err(|error| format!("{error}, nor off")),
        })
    }

    pub fn serialize<S: Serializer>(
        value: &Option<Duration>,
        output: S,
    ) -> Result<S::Ok, S::Error> {
        output.serialize_str(&value.map_or_else(|| "off".to_owned(), Span::print))
    }
}

/// The types of numbers that [`Count`] and [`Size`] read.
pub trait Number: Copy {
    fn of(number: u64) -> Option<Self>;
    fn get(self) -> Option<u64>;
}

macro_rules! numbers {
    ($($type:ty),+) => {
        $(impl Number for $type {
            fn of(number: u64) -> Option<Self> {
                number.try_into().ok()
            }

            fn get(self) -> Option<u64> {
                self.try_into().ok()
            }
        })+
    };
}

numbers!(u16, u32, u64, usize);

impl<T: Number> Number for Option<T> {
    fn of(number: u64) -> Option<Self> {
        T::of(number).map(Some)
    }

    fn get(self) -> Option<u64> {
        self.and_then(T::get)
    }
}

/// A number of `MIN` to `MAX`.
pub struct Count<const MIN: u64, const MAX: u64>;

accepts!(Count<MIN, MAX>, format!("number, {MIN} to {MAX}"), const MIN, const MAX);

impl<const MIN: u64, const MAX: u64> Count<MIN, MAX> {
    pub fn deserialize<'de, T: Number, D: Deserializer<'de>>(input: D) -> Result<T, D::Error> {
        from_text(input, |text| {
            let count: u64 = text
                .parse()
                .map_err(|_| format!("`{text}` is no whole number of {MIN} to {MAX}"))?;
            let in_range = (MIN..=MAX).contains(&count).then_some(count).and_then(T::of);
            in_range.ok_or_else(|| format!("{count} is out of range: {MIN} to {MAX}"))
        })
    }

    pub fn serialize<T: Number, S: Serializer>(value: &T, output: S) -> Result<S::Ok, S::Error> {
        match value.get() {
            Some(count) => output.serialize_u64(count),
            None => output.serialize_none(),
        }
    }
}

/// A number of bytes of `MIN` to `MAX`, such as `16KiB`, `2GiB` or plain.
pub struct Size<const MIN: u64, const MAX: u64>;

accepts!(
    Size<MIN, MAX>,
    format!("size, {} to {}", Bytes(MIN), Bytes(MAX)),
    const MIN,
    const MAX
);

/// Memory for answers: below 8 MiB nothing could be kept.
pub type Memory = Size<{ 8 << 20 }, { 1 << 50 }>;

impl<const MIN: u64, const MAX: u64> Size<MIN, MAX> {
    pub fn deserialize<'de, T: Number, D: Deserializer<'de>>(input: D) -> Result<T, D::Error> {
        from_text(input, |text| {
            let size: bytesize::ByteSize =
                text.parse().map_err(|_| format!("`{text}` is no size such as 16KiB or 2GiB"))?;
            let bytes = size.as_u64();
            let in_range = (MIN..=MAX).contains(&bytes).then_some(bytes).and_then(T::of);
            in_range.ok_or_else(|| {
                format!("{} is out of range: {} to {}", Bytes(bytes), Bytes(MIN), Bytes(MAX))
            })
        })
    }

    pub fn serialize<T: Number, S: Serializer>(value: &T, output: S) -> Result<S::Ok, S::Error> {
        match value.get() {
            Some(bytes) => output.collect_str(&Bytes(bytes)),
            None => output.serialize_none(),
        }
    }
}

/// Prints bytes exactly, in the largest unit that divides them, so that they can be read back: a
/// binary one, or a decimal one if that is shorter, as of `2GB`.
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = [(50, "PiB"), (40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
        let binary = binary.into_iter().find(|(shift, _)| self.0.trailing_zeros() >= *shift);
        let decimal = [(15, "PB"), (12, "TB"), (9, "GB"), (6, "MB"), (3, "kB")];
        let decimal = decimal.into_iter().map(|(zeros, name)| (10_u64.pow(zeros), name));
        let decimal = decimal.into_iter().find(|(unit, _)| self.0.is_multiple_of(*unit));
        let texts = [
            binary.map(|(shift, name)| format!("{}{name}", self.0 >> shift)),
            decimal.map(|(unit, name)| format!("{}{name}", self.0 / unit)),
            Some(format!("{}B", self.0)),
        ];
        let shortest = texts.into_iter().flatten().filter(|_| self.0 > 0).min_by_key(String::len);
        text.write_str(shortest.as_deref().unwrap_or("0B"))
    }
}

/// A share of 0 to 1, written in whole percent.
pub struct Percent;

accepts!(Percent, "number, 0 to 100");

impl Percent {
    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
        Count::<0, 100>::deserialize::<u32, D>(input).map(|percent| f64::from(percent) / 100.0)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
    pub fn serialize<S: Serializer>(share: &f64, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_u64((share * 100.0).round() as u64)
    }
}

/// Declares an enumeration that is written as one of some words, in any case. The literal after its
/// name is the error for another word.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* pub enum $type:ident, $error:literal {
        $($variant:ident = $word:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type { $($variant,)+ }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                $(if text.eq_ignore_ascii_case($word) {
                    return Ok(Self::$variant);
                })+
                Err(format!($error, text))
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                text.write_str(match self { $(Self::$variant => $word,)+ })
            }
        }

        $crate::text_value!($type, [$($word),+].join(", "));
    };
}

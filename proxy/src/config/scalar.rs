//! Values that are written as one word, parsed from it and printed as it.

use serde::de::{Deserializer, Error, Visitor};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// Reads a value from its word. Numbers and quoted numbers are words too.
pub(super) fn read<'de, T, D>(input: D) -> Result<T, D::Error>
where
    T: FromStr<Err = String>,
    D: Deserializer<'de>,
{
    // Not `deserialize_any`: that would take the country NO for a false.
    input.deserialize_str(Word(PhantomData))
}

struct Word<T>(PhantomData<T>);

impl<T: FromStr<Err = String>> Visitor<'_> for Word<T> {
    type Value = T;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a single value")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
        word.parse().map_err(E::custom)
    }
}

/// Reading, writing and describing for types with `FromStr<Err = String>`, `Display` and a
/// function `takes` that says in words what they take.
macro_rules! scalar {
    ($kind:ty $(, const $bound:ident: $of:ty)*) => {
        impl<'de, $(const $bound: $of),*> serde::Deserialize<'de> for $kind {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                $crate::config::scalar::read(input)
            }
        }

        impl<$(const $bound: $of),*> serde::Serialize for $kind {
            fn serialize<S: serde::Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
                output.collect_str(self)
            }
        }

        impl<$(const $bound: $of),*> $crate::config::Described for $kind {
            fn kind() -> $crate::config::Kind {
                $crate::config::Kind::Value(Self::takes())
            }
        }
    };
}

pub(super) use scalar;

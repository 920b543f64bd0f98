//! The sum of what a generation answers.

use crate::aside;
use aqs_api::{Key, NoDataReason, Representation};
use aqs_origin::Entry;
use serde::{Deserialize, Serialize};
use std::fmt;
use xxhash_rust::xxh3::xxh3_128;

/// A sum over addresses and bodies, whatever their order and in every process the same. When the
/// store was asked is no part of it: two builds of the same data have the same sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Checksum(u128);

impl Checksum {
    /// The sum of these answers.
    pub fn of<'a>(answers: impl Iterator<Item = (&'a Key, &'a Entry)>) -> Self {
        debug_assert!(aside::here());
        let mut sum = Sum::default();
        answers.for_each(|(key, entry)| sum.add(key, entry));
        sum.done()
    }
}

/// A checksum in the making, of one answer after the other.
#[derive(Default)]
pub(crate) struct Sum {
    sum: u128,
    text: Vec<u8>,
}

impl Sum {
    pub(crate) fn add(&mut self, key: &Key, entry: &Entry) {
        let Self { sum, text } = self;
        text.clear();
        text.push(key.dialect() as u8);
        text.extend_from_slice(key.path().as_bytes());
        text.push(0);
        match &entry.representation {
            Representation::Body(body) => text.extend_from_slice(body.etag.as_bytes()),
            Representation::Problem(problem) => {
                let reason = problem.no_data_reason().map_or("", NoDataReason::name);
                text.extend_from_slice(reason.as_bytes());
            }
        }
        *sum = sum.wrapping_add(xxh3_128(text));
    }

    pub(crate) fn done(self) -> Checksum {
        Checksum(self.sum)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "{:032x}", self.0)
    }
}

impl From<Checksum> for String {
    fn from(sum: Checksum) -> Self {
        sum.to_string()
    }
}

impl TryFrom<String> for Checksum {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(Self)
    }
}

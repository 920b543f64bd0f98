//! The checksum of a generation's answers.

use aqs_api::{Key, NoDataReason, Representation};
use aqs_origin::Entry;
use serde::{Deserialize, Serialize};
use std::fmt;
use xxhash_rust::xxh3::xxh3_128;

/// A sum over keys and bodies, independent of their order and the same in every process. Epochs
/// and times are no part of it: two builds of the same data have the same checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Checksum(u128);

impl Checksum {
    pub fn of<'a>(answers: impl Iterator<Item = (&'a Key, &'a Entry)>) -> Self {
        let mut sum = Self::default();
        answers.for_each(|(key, entry)| sum.add(key, entry));
        sum
    }

    pub(crate) fn add(&mut self, key: &Key, entry: &Entry) {
        let content = match &entry.representation {
            Representation::Body(body) => body.etag.as_bytes(),
            Representation::Problem(problem) => {
                problem.no_data_reason().map_or("", NoDataReason::name).as_bytes()
            }
        };
        let text = [&[key.dialect() as u8], key.path().as_bytes(), &[0], content].concat();
        self.0 = self.0.wrapping_add(xxh3_128(&text));
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

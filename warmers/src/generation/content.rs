//! The map of a generation, the memory that its answers take, and their checksum.

use aqs_api::{Key, KeyHasher, Representation};
use aqs_origin::{Entry, Moment};
use hashbrown::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::str::FromStr;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

pub(super) type Content = HashMap<Key, HotEntry, BuildHasherDefault<KeyHasher>>;

/// An answer of a generation.
#[derive(Clone, Debug)]
pub struct HotEntry {
    pub entry: Arc<Entry>,
    /// The plans that want the answer: bit `n` is `Generation::plans[n]`.
    pub plans: u64,
    /// When a build last read the answer or found that it cannot have changed. The age of the
    /// answer in the hot set counts from here.
    pub confirmed: Moment,
}

/// Bytes that a key and its answer take. The gzip form exists already, so that its real size
/// counts and not the room that a cache reserves.
pub(crate) fn answer_weight(key: &Key, entry: &Entry) -> u64 {
    let body = match &entry.representation {
        Representation::Body(body) => {
            body.identity.len() + body.gzip().map_or(body.gzip_room(), bytes::Bytes::len)
        }
        Representation::NoData(_) => entry.representation.weight(),
    };
    key_weight(key) + (size_of::<Entry>() + body) as u64
}

/// Bytes that a key and its answer add where `other` is held for the same key: a shared entry or
/// body counts once.
pub(crate) fn additional_weight(key: &Key, entry: &Entry, other: &Entry) -> u64 {
    if std::ptr::eq(entry, other) {
        return key_weight(key);
    }
    let shares_body = match (&entry.representation, &other.representation) {
        (Representation::Body(one), Representation::Body(other)) => {
            one.identity.as_ptr() == other.identity.as_ptr()
        }
        (Representation::NoData(_), _) | (_, Representation::NoData(_)) => false,
    };
    if shares_body {
        key_weight(key) + size_of::<Entry>() as u64
    } else {
        answer_weight(key, entry)
    }
}

/// The map is between 7/16 and 7/8 full: a slot and a half for each key on average.
fn key_weight(key: &Key) -> u64 {
    (size_of::<(Key, HotEntry)>() * 3 / 2 + key.weight()) as u64
}

/// A sum over keys and bodies, independent of their order and the same in every process. Epochs
/// and times are no part of it: two builds of the same data have the same checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
            Representation::NoData(no_data) => no_data.reason.name().as_bytes(),
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

impl FromStr for Checksum {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        u128::from_str_radix(text, 16).map(Self).map_err(|error| error.to_string())
    }
}

aqs_api::text_value!(Checksum, "hexadecimal number");

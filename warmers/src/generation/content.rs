//! The map of a generation and the memory that its answers take.

use aqs_api::{Key, KeyHasher, Representation};
use aqs_origin::{Entry, Moment};
use hashbrown::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

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
        Representation::Problem(_) => entry.representation.weight(),
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
        (Representation::Problem(one), Representation::Problem(other)) => Arc::ptr_eq(one, other),
        _ => false,
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

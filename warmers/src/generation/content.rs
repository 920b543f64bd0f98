//! The map of a generation, and what its answers weigh.

use aqs_api::{Key, KeyRef, Representation};
use aqs_origin::{Entry, Moment};
use hashbrown::{Equivalent, HashMap};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

/// Addresses and what is held of them. Keys bring their hash along, so none is computed here.
pub(super) type Content = HashMap<Key, Held, BuildHasherDefault<Prehashed>>;

/// What is held of an address.
#[derive(Clone, Debug)]
pub struct Held {
    /// The answer.
    pub entry: Arc<Entry>,
    /// The plans that want it, one bit each.
    pub plans: u64,
    /// When a build last read it or found that it can't have changed: its age in the hot set.
    pub confirmed: Moment,
}

/// Takes the hash that a key brings.
#[derive(Debug, Default)]
pub(super) struct Prehashed(u64);

impl Hasher for Prehashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Keys write one number; anything else is mixed well enough to be found again.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// A borrowed key that finds its owner in the map.
pub(super) struct Asked<'a>(pub(super) KeyRef<'a>);

impl Hash for Asked<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Hash::hash(&self.0, state);
    }
}

impl Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.0.is(key)
    }
}

/// How many bytes an answer takes. Its gzip form is there already, so that what it takes is
/// counted, and not the room that a cache reserves.
pub fn weight(entry: &Entry) -> usize {
    size_of::<Entry>() + text_weight(entry)
}

fn text_weight(entry: &Entry) -> usize {
    match &entry.representation {
        Representation::Body(body) => {
            let gzip = body.gzip().map_or(body.gzip_room(), bytes::Bytes::len);
            body.identity.len() + gzip
        }
        Representation::Problem(_) => entry.representation.weight(),
    }
}

/// How many bytes an address takes with its answer.
pub(crate) fn answer_weight(key: &Key, entry: &Entry) -> u64 {
    (own_weight(key) + weight(entry)) as u64
}

/// How many more bytes it takes where somebody holds an older answer, whose text it may share.
pub(crate) fn weight_sharing(key: &Key, entry: &Entry, older: &Entry) -> u64 {
    if shares_text(entry, older) {
        (own_weight(key) + size_of::<Entry>()) as u64
    } else {
        answer_weight(key, entry)
    }
}

/// How many more bytes it takes where another generation holds the same address.
pub(super) fn weight_beside(key: &Key, held: &Held, other: &Held) -> u64 {
    if Arc::ptr_eq(&held.entry, &other.entry) {
        own_weight(key) as u64
    } else {
        weight_sharing(key, &held.entry, &other.entry)
    }
}

/// A slot of the map is full to seven eighths at most, and half of that at least.
fn own_weight(key: &Key) -> usize {
    size_of::<(Key, Held)>() * 3 / 2 + key.weight()
}

fn shares_text(one: &Entry, other: &Entry) -> bool {
    match (&one.representation, &other.representation) {
        (Representation::Body(one), Representation::Body(other)) => {
            one.identity.as_ptr() == other.identity.as_ptr()
        }
        (Representation::Problem(one), Representation::Problem(other)) => Arc::ptr_eq(one, other),
        _ => false,
    }
}

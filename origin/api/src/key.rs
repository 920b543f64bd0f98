//! The one key of cache, hot set and singleflight.

use equivalent::Equivalent;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock};
use xxhash_rust::xxh3::{xxh3_64_with_secret, xxh3_64_with_seed};

/// A dialect of the API, part of every [`Key`]: the same path has another answer in each (contract
/// §2.3). A prefix selects it. Version 3 of an endpoint has a path of its own and the faults of 2.0,
/// so it needs none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// AQS 2.0: `/metrics/…` and its public prefixes.
    V2,
    /// AQS 1.0: `/analytics.wikimedia.org/v1/…`. Reserved: no endpoint answers in it yet.
    V1,
}

impl Dialect {
    pub const ALL: [Self; 2] = [Self::V2, Self::V1];
}

/// The secret of the hashes in this process. Clients choose paths: with a known secret they could
/// choose many whose hashes collide. A seed would be expanded into a secret for each long path.
static SECRET: LazyLock<[u8; 192]> = LazyLock::new(|| {
    let random = RandomState::new();
    let mut secret = [0; 192];
    for (index, chunk) in secret.chunks_exact_mut(8).enumerate() {
        chunk.copy_from_slice(&random.hash_one(index).to_le_bytes());
    }
    secret
});

/// A request that has an answer of its own: dialect and canonical path in wire form.
///
/// The canonical path is the one spelling of all that mean the same: only what must be escaped
/// is, in upper-case hexadecimal; projects, enumerations and dates in their shortest form. Most
/// clients send it, so a cache is probed with the raw path first ([`KeyRef`]).
/// It is cheap to clone. Its hash is computed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    dialect: Dialect,
    path: Arc<str>,
    hash: u64,
}

/// A hash of a key that is the same in every process: see [`Key::stable_hash`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StableHash(pub u64);

/// A [`Key`] that borrows its path, for look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRef<'a> {
    dialect: Dialect,
    path: &'a str,
    hash: u64,
}

impl Key {
    /// The key of a canonical path.
    pub fn new(dialect: Dialect, path: &str) -> Self {
        KeyRef::new(dialect, path).to_key()
    }

    /// The canonical path after the prefix, with its leading slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The hash, which differs from process to process.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// A hash that is the same in every process, for what is persisted.
    pub fn stable_hash(&self) -> StableHash {
        StableHash(xxh3_64_with_seed(self.path.as_bytes(), self.dialect as u64))
    }

    pub fn as_ref(&self) -> KeyRef<'_> {
        KeyRef { dialect: self.dialect, path: &self.path, hash: self.hash }
    }

    pub fn weight(&self) -> usize {
        self.path.len()
    }
}

impl<'a> KeyRef<'a> {
    /// The key that a path would be if it is canonical.
    pub fn new(dialect: Dialect, path: &'a str) -> Self {
        let hash = xxh3_64_with_secret(path.as_bytes(), &*SECRET) ^ dialect as u64;
        Self { dialect, path, hash }
    }

    pub fn path(&self) -> &'a str {
        self.path
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub fn to_key(self) -> Key {
        Key { dialect: self.dialect, path: self.path.into(), hash: self.hash }
    }

    /// The hash, which differs from process to process.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

// Both hash equally, so that one finds the other in a map.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.as_ref()
    }
}

/// A hasher for maps of keys. It passes on the hash that a key carries, so that a look-up computes
/// none.
#[derive(Clone, Debug, Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        // Keys write a single word; other input still gets a usable hash.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_borrowed_key_equals_only_its_owned_key() {
        let key = Key::new(Dialect::V2, "/pageviews/top/x");
        assert!(KeyRef::new(Dialect::V2, "/pageviews/top/x").equivalent(&key));
        assert!(!KeyRef::new(Dialect::V1, "/pageviews/top/x").equivalent(&key));
        assert!(!KeyRef::new(Dialect::V2, "/pageviews/top/y").equivalent(&key));
        assert_ne!(KeyRef::new(Dialect::V1, "/a").hash(), KeyRef::new(Dialect::V2, "/a").hash());
    }

    #[test]
    fn only_the_stable_hash_is_the_same_in_every_process() {
        let key = Key::new(Dialect::V2, "/pageviews/top/x");
        // Purge tags on disk depend on it: another algorithm needs another state format.
        assert_eq!(key.stable_hash().0, 5_081_476_999_597_886_193);
        assert_ne!(key.hash(), key.stable_hash().0);
    }
}

//! A map from non-canonical request paths to their keys, so that each is parsed once.

use super::CacheError;
use aqs_api::{Key, KeyHasher, KeyRef};
use quick_cache::sync::Cache;
use quick_cache::{OptionsBuilder, Weighter};
use std::hash::BuildHasherDefault;

/// Bytes of an alias in addition to its texts.
const OVERHEAD: usize = 200;

/// A bounded map from raw paths (`EN.wikipedia`, ten-digit dates, needless escapes) to keys.
///
/// Entries are never purged: a path always has the same key.
pub struct Aliases {
    keys: Cache<Key, Key, ByBytes, BuildHasherDefault<KeyHasher>>,
}

impl Aliases {
    /// Creates a map that is limited to `bytes`.
    pub fn new(bytes: u64) -> Result<Self, CacheError> {
        let options = OptionsBuilder::new()
            .shards(4)
            .weight_capacity(bytes)
            .estimated_items_capacity((bytes / 400).max(16) as usize)
            .build()
            .map_err(CacheError::new)?;
        let keys = Cache::with_options(
            options,
            ByBytes,
            BuildHasherDefault::default(),
            Default::default(),
        );
        Ok(Self { keys })
    }

    /// Returns the key of a path that was inserted before.
    pub fn get(&self, path: KeyRef<'_>) -> Option<Key> {
        self.keys.get(&path)
    }

    pub fn insert(&self, path: KeyRef<'_>, key: &Key) {
        self.keys.insert(path.to_key(), key.clone());
    }

    pub fn bytes(&self) -> u64 {
        self.keys.weight()
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Key> for ByBytes {
    fn weight(&self, path: &Key, key: &Key) -> u64 {
        (OVERHEAD + path.weight() + key.weight()) as u64
    }
}

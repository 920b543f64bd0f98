//! Other aliases of keys: so that they are understood once, not at every request.

use super::{CacheError, KeyHash, Probe};
use aqs_api::{Key, KeyRef};
use quick_cache::sync::Cache;
use quick_cache::{OptionsBuilder, Weighter};
use std::hash::BuildHasherDefault;

/// What a spelling costs beside its text.
const OVERHEAD: usize = 200;

/// A bounded map from raw paths (`EN.wikipedia`, ten-digit dates, needless escapes) to keys.
///
/// What it holds never changes, since a path means the same for ever: nothing of it is purged.
pub struct Aliases {
    keys: Cache<Key, Key, ByBytes, BuildHasherDefault<KeyHash>>,
}

impl Aliases {
    /// A map of at most so many bytes.
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

    /// The key that a path spells, if it was understood before.
    pub fn get(&self, path: KeyRef<'_>) -> Option<Key> {
        self.keys.get(&Probe(path))
    }

    /// Remembers what a path spells.
    pub fn insert(&self, path: KeyRef<'_>, key: &Key) {
        self.keys.insert(path.to_key(), key.clone());
    }

    /// How many bytes are held.
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

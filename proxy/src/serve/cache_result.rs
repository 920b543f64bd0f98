//! What the cache had to do with an answer: one vocabulary for headers, metrics and logs.

use std::io::Write;

/// The part that the cache had in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheResult {
    /// A fresh entry of the cache.
    Fresh,
    /// Asked of the store: the cache had no entry.
    Cold,
    /// Asked of the store: the cache's entry was too old.
    Expired,
    /// Made without asking the cache: refusals, pages.
    Generated,
    /// The store failed.
    Error,
}

/// How old a served entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Seconds until it is stale; negative since when it is.
    pub ttl: i64,
}

impl CacheResult {
    /// Every result, in the order of their indices.
    pub const ALL: [Self; 5] =
        [Self::Fresh, Self::Cold, Self::Expired, Self::Generated, Self::Error];

    /// Its place in arrays.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its label in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Cold => "miss-cold",
            Self::Expired => "miss-expired",
            Self::Generated => "generated",
            Self::Error => "error",
        }
    }

    /// Appends the value of `Cache-Status` (RFC 9211).
    pub fn write_cache_status(self, hit: Hit, out: &mut Vec<u8>) {
        match self {
            Self::Fresh => {
                // Writing to a Vec can't fail.
                let _ = write!(out, "aqs; hit; ttl={}", hit.ttl);
            }
            Self::Cold => out.extend_from_slice(b"aqs; fwd=miss; stored"),
            Self::Expired => out.extend_from_slice(b"aqs; fwd=stale; stored"),
            Self::Generated => out.extend_from_slice(b"aqs; detail=generated"),
            Self::Error => out.extend_from_slice(b"aqs; fwd=miss; detail=error"),
        }
    }
}

//! What the cache had to do with an answer: one vocabulary for headers, metrics and logs.

use std::io::Write;

/// The part that the cache and the hot set had in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheResult {
    /// An answer of the hot set.
    Hot,
    /// A stale answer of the hot set, while a refresh runs.
    HotStale,
    /// A fresh entry of the cache.
    Fresh,
    /// A stale entry of the cache, while a refresh runs.
    Stale,
    /// A stale entry of the cache, since the store failed.
    StaleIfError,
    /// What another request had asked the store for.
    Collapsed,
    /// Asked of the store: the cache had no entry.
    Cold,
    /// Asked of the store: the cache's entry was too old.
    Expired,
    /// Asked of the store: the cache's entry was purged.
    Purged,
    /// Asked of the store, and not kept: too heavy, or purged meanwhile.
    NotKept,
    /// Made without asking the cache: refusals, pages.
    Generated,
    /// The store failed, and nothing older could be served.
    Error,
}

impl CacheResult {
    /// Every result, in the order of their indices.
    pub const ALL: [Self; 12] = [
        Self::Hot,
        Self::HotStale,
        Self::Fresh,
        Self::Stale,
        Self::StaleIfError,
        Self::Collapsed,
        Self::Cold,
        Self::Expired,
        Self::Purged,
        Self::NotKept,
        Self::Generated,
        Self::Error,
    ];

    /// Its place in arrays.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its label in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Hot => "hotset",
            Self::HotStale => "hotset-stale",
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::StaleIfError => "stale-if-error",
            Self::Collapsed => "collapsed",
            Self::Cold => "miss-cold",
            Self::Expired => "miss-expired",
            Self::Purged => "miss-purged",
            Self::NotKept => "miss-not-kept",
            Self::Generated => "generated",
            Self::Error => "error",
        }
    }

    /// Whether something old was served.
    pub fn is_stale(self) -> bool {
        matches!(self, Self::HotStale | Self::Stale | Self::StaleIfError)
    }

    /// Appends the value of `Cache-Status` (RFC 9211). `ttl` are the seconds until a hit is
    /// stale, negative since when it is; `generation` is the hot set's; `detail` says more where
    /// the result doesn't.
    pub fn write_cache_status(
        self,
        ttl: i64,
        generation: u64,
        detail: Option<&'static str>,
        out: &mut Vec<u8>,
    ) {
        let own = match self {
            // Generations are swapped whole: how long one lasts is nobody's promise.
            Self::Hot | Self::HotStale => {
                out.extend_from_slice(b"aqs; hit; ");
                if self == Self::HotStale {
                    let _ = write!(out, "ttl={ttl}; ");
                }
                let mut number = itoa::Buffer::new();
                out.extend_from_slice(b"detail=\"hotset;gen=");
                out.extend_from_slice(number.format(generation).as_bytes());
                if let Some(detail) = detail {
                    out.extend_from_slice(b";");
                    out.extend_from_slice(detail.as_bytes());
                }
                out.extend_from_slice(b"\"");
                return;
            }
            Self::Fresh | Self::Stale | Self::StaleIfError => {
                // Writing to a Vec can't fail.
                let _ = write!(out, "aqs; hit; ttl={ttl}");
                (self == Self::StaleIfError).then_some("store-error")
            }
            Self::Collapsed => {
                out.extend_from_slice(b"aqs; fwd=miss; collapsed");
                None
            }
            Self::Cold => {
                out.extend_from_slice(b"aqs; fwd=miss; stored");
                None
            }
            Self::Expired => {
                out.extend_from_slice(b"aqs; fwd=stale; stored");
                None
            }
            Self::Purged => {
                out.extend_from_slice(b"aqs; fwd=stale; stored");
                Some("purged")
            }
            Self::NotKept => {
                out.extend_from_slice(b"aqs; fwd=miss");
                None
            }
            Self::Generated => {
                out.extend_from_slice(b"aqs");
                Some("generated")
            }
            Self::Error => {
                out.extend_from_slice(b"aqs; fwd=miss");
                Some("store-error")
            }
        };
        if let Some(detail) = detail.or(own) {
            out.extend_from_slice(b"; detail=");
            out.extend_from_slice(detail.as_bytes());
        }
    }
}

//! The part that the cache had in a reply: one vocabulary for `Cache-Status`, metrics and logs.

labelled_enum! {
    /// The part that the cache and the hot set had in a reply.
    pub enum CacheResult {
        /// An answer of the hot set.
        Hot = "hotset",
        /// A stale answer of the hot set, while a refresh runs.
        HotStale = "hotset-stale",
        /// A fresh entry of the cache.
        Fresh = "fresh",
        /// A stale entry of the cache, while a refresh runs or because no read could start.
        Stale = "stale",
        /// A stale entry of the cache, because the store failed.
        StaleIfError = "stale-if-error",
        /// The answer of a read that another request had started.
        Collapsed = "collapsed",
        /// Read from the store: the cache had no entry.
        Cold = "miss-cold",
        /// Read from the store: the cache's entry was too old.
        Expired = "miss-expired",
        /// Read from the store: the cache's entry was purged.
        Purged = "miss-purged",
        /// Read from the store and not stored: too large, or purged meanwhile.
        NotStored = "miss-not-kept",
        /// Made without a look-up: faults, pages.
        Generated = "generated",
        /// The store failed, and no older entry could be served.
        Error = "error",
    }
}

/// What `Cache-Status` says about a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheStatus {
    pub result: CacheResult,
    /// Seconds until the entry is stale; negative since it is.
    pub ttl: i64,
    /// The generation of the hot set that the entry comes from; 0 if it does not.
    pub generation: u64,
}

impl CacheResult {
    pub fn is_stale(self) -> bool {
        matches!(self, Self::HotStale | Self::Stale | Self::StaleIfError)
    }
}

impl CacheStatus {
    /// The status of a reply that came from neither the cache nor the hot set.
    pub fn of(result: CacheResult) -> Self {
        Self { result, ttl: 0, generation: 0 }
    }

    /// Appends the value of `Cache-Status` (RFC 9211); `detail` says why there is no data.
    pub fn write(self, detail: Option<&'static str>, out: &mut Vec<u8>) {
        let Self { result, ttl, generation } = self;
        // After a soft purge an entry is stale before its time.
        let ttl = if result.is_stale() { ttl.min(0) } else { ttl };
        let mut number = itoa::Buffer::new();
        let (text, own) = match result {
            // A generation is replaced as a whole, so a fresh answer has no time to live.
            CacheResult::Hot => ("aqs; hit; detail=\"hotset;gen=", None),
            CacheResult::HotStale => ("aqs; hit; ttl=", None),
            CacheResult::Fresh | CacheResult::Stale => ("aqs; hit; ttl=", None),
            CacheResult::StaleIfError => ("aqs; hit; ttl=", Some("store-error")),
            CacheResult::Collapsed => ("aqs; fwd=miss; collapsed", None),
            CacheResult::Cold => ("aqs; fwd=miss; stored", None),
            CacheResult::Expired => ("aqs; fwd=stale; stored", None),
            CacheResult::Purged => ("aqs; fwd=stale; stored", Some("purged")),
            CacheResult::NotStored => ("aqs; fwd=miss", None),
            CacheResult::Error => ("aqs; fwd=miss", Some("store-error")),
            CacheResult::Generated => ("aqs", Some("generated")),
        };
        out.extend_from_slice(text.as_bytes());
        if text.ends_with("ttl=") {
            out.extend_from_slice(number.format(ttl).as_bytes());
        }
        if result == CacheResult::HotStale {
            out.extend_from_slice(b"; detail=\"hotset;gen=");
        }
        let is_hot = matches!(result, CacheResult::Hot | CacheResult::HotStale);
        if is_hot {
            out.extend_from_slice(number.format(generation).as_bytes());
        }
        if let Some(detail) = detail.or(own) {
            out.extend_from_slice(if is_hot { b";" } else { b"; detail=" });
            out.extend_from_slice(detail.as_bytes());
        }
        if is_hot {
            out.push(b'"');
        }
    }
}

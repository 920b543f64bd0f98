//! The part of an answer that is cached: bytes with their validator, or a 404.

use crate::fault::NoData;
use bytes::Bytes;
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use xxhash_rust::xxh3::xxh3_128;

#[derive(Debug)]
pub enum Representation {
    /// A body with status 200.
    Body(EncodedBody),
    /// A 404, rendered for each request: no validator, no variants.
    NoData(NoData),
}

/// A body of `application/json`, its entity tag, and its gzip form once it was made.
#[derive(Debug)]
pub struct EncodedBody {
    /// The bytes without compression.
    pub identity: Bytes,
    /// The tag, without quotes.
    pub etag: Etag,
    gzip: OnceLock<Bytes>,
    gzip_begun: AtomicBool,
}

/// Smaller bodies are not compressed.
pub const GZIP_FROM: usize = 1024;

impl EncodedBody {
    pub fn gzip(&self) -> Option<&Bytes> {
        self.gzip.get()
    }

    /// Whether the gzip form is worth making and unclaimed.
    pub fn needs_gzip(&self) -> bool {
        self.identity.len() >= GZIP_FROM && !self.gzip_begun.load(Ordering::Relaxed)
    }

    /// Claims the making of the gzip form: true for one caller, if it is worth making at all.
    pub fn begin_gzip(&self) -> bool {
        self.needs_gzip() && !self.gzip_begun.swap(true, Ordering::Relaxed)
    }

    /// Sets the gzip form, unless it is larger than its reservation.
    pub fn keep_gzip(&self, coded: Bytes) {
        if coded.len() <= self.gzip_room() {
            // A second one is the same bytes.
            let _ = self.gzip.set(coded);
        }
    }

    fn shared(&self) -> Self {
        let gzip = self.gzip.get().cloned().map_or_else(OnceLock::new, OnceLock::from);
        let gzip_begun = AtomicBool::new(gzip.get().is_some());
        Self { identity: self.identity.clone(), etag: self.etag, gzip, gzip_begun }
    }

    /// The bytes that are reserved for the gzip form, so that making it later exceeds no bound.
    pub fn gzip_room(&self) -> usize {
        if self.identity.len() >= GZIP_FROM { self.identity.len() / 2 } else { 0 }
    }
}

/// An entity tag's text: 32 hexadecimal digits, the same for the same bytes in every process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Etag([u8; 32]);

impl Etag {
    pub fn of(body: &[u8]) -> Self {
        let mut text = [0; 32];
        // The digits fill it.
        let _ = write!(text.as_mut_slice(), "{:032x}", xxh3_128(body));
        Self(text)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Representation {
    pub fn body(identity: impl Into<Bytes>) -> Self {
        let identity = identity.into();
        let (gzip, gzip_begun) = (OnceLock::new(), AtomicBool::new(false));
        Self::Body(EncodedBody { etag: Etag::of(&identity), identity, gzip, gzip_begun })
    }

    pub fn status(&self) -> u16 {
        match self {
            Self::Body(_) => 200,
            Self::NoData(_) => NoData::STATUS,
        }
    }

    /// Shares the allocations of an older representation if it is equal, the gzip form too.
    pub fn sharing(self, older: &Self) -> Self {
        match (self, older) {
            (Self::Body(body), Self::Body(older))
                if body.etag == older.etag && body.identity == older.identity =>
            {
                Self::Body(older.shared())
            }
            (new @ (Self::Body(_) | Self::NoData(_)), _) => new,
        }
    }

    /// Its heap size in bytes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Body(body) => body.identity.len() + body.gzip_room(),
            Self::NoData(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(representation: &Representation) -> &EncodedBody {
        match representation {
            Representation::Body(body) => body,
            Representation::NoData(_) => panic!("no body"),
        }
    }

    #[test]
    fn only_an_equal_body_shares_the_older_bytes() {
        let text = "x".repeat(GZIP_FROM);
        let older = Representation::body(text.clone());
        assert!(body(&older).begin_gzip());
        body(&older).keep_gzip(Bytes::from_static(b"coded"));
        let same = Representation::body(text.clone()).sharing(&older);
        assert_eq!(body(&same).identity.as_ptr(), body(&older).identity.as_ptr());
        let gzip = |of| body(of).gzip().map(|bytes| bytes.as_ptr());
        assert!(gzip(&same).is_some() && gzip(&same) == gzip(&older));
        assert!(!body(&same).begin_gzip(), "it has its gzip form already");

        let other = Representation::body(text + "y").sharing(&older);
        assert_ne!(body(&other).etag, body(&older).etag);
        assert!(body(&other).gzip().is_none() && body(&other).begin_gzip());
    }
}

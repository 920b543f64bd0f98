//! What is kept of an answer: bytes with their validator, or a problem.

use crate::problem::Problem;
use bytes::Bytes;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// An answer as it is kept and sent.
#[derive(Clone, Debug)]
pub enum Representation {
    /// A body with status 200.
    Body(Body),
    /// A problem, rendered for each request: no validator, no variants.
    Problem(Arc<Problem>),
}

/// A body of `application/json` and its entity tag.
#[derive(Clone, Debug)]
pub struct Body {
    /// The bytes without any coding.
    pub identity: Bytes,
    /// The tag, without quotes.
    pub etag: Etag,
}

/// An entity tag's text: 32 hexadecimal digits, the same for the same bytes in every process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Etag([u8; 32]);

impl Etag {
    /// The tag of a body.
    pub fn of(body: &[u8]) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let hash = xxh3_128(body).to_be_bytes();
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(hash) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        Self(text)
    }

    /// Its digits.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Representation {
    /// A body of these bytes.
    pub fn body(identity: impl Into<Bytes>) -> Self {
        let identity = identity.into();
        Self::Body(Body { etag: Etag::of(&identity), identity })
    }

    /// A problem.
    pub fn problem(problem: Problem) -> Self {
        Self::Problem(Arc::new(problem))
    }

    /// The HTTP status that it is sent with.
    pub fn status(&self) -> u16 {
        match self {
            Self::Body(_) => 200,
            Self::Problem(problem) => problem.status,
        }
    }

    /// How many bytes it takes beside its own struct.
    pub fn weight(&self) -> usize {
        match self {
            Self::Body(body) => body.identity.len(),
            Self::Problem(problem) => size_of::<Problem>() + problem.detail.len(),
        }
    }
}

//! The layout of a generation's file.
//!
//! ```text
//! magic                   8 bytes
//! format version          u32, little-endian like all numbers
//! length of the header    u32
//! header                  JSON, a `Header`
//! records                 one zstd frame of `record`s, as many as the header says
//! checksum                u64, xxh3 of all before
//! ```

use super::identity::Identity;
use crate::generation::{Checksum, Generation, PlanFacts, Provenance};
use aqs_origin::Moment;
use serde::{Deserialize, Serialize};

/// How every file begins: like PNG, so that a transfer as text shows.
pub(super) const MAGIC: &[u8; 8] = b"\x89aqs\r\n\x1a\n";
/// The version that is written and read.
pub(super) const VERSION: u32 = 2;
/// How long the checksum is.
pub(super) const TRAILER: u64 = 8;

/// What a file says about its generation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Its number.
    pub id: u64,
    /// The one that was live when it was made.
    pub parent: Option<u64>,
    /// How it came to be.
    pub provenance: Provenance,
    /// When it was made.
    pub built: Moment,
    /// What is known of its plans.
    pub plans: Vec<PlanFacts>,
    /// How many addresses it answers.
    pub keys: u64,
    /// How many bytes it took in memory.
    pub bytes: u64,
    /// The sum of its answers.
    pub checksum: Checksum,
    /// To what it belongs.
    pub identity: Identity,
}

impl Header {
    pub(super) fn of(generation: &Generation, identity: &Identity) -> Self {
        Self {
            id: generation.id,
            parent: generation.parent,
            provenance: generation.provenance,
            built: generation.built,
            plans: generation.plans.clone(),
            keys: generation.keys() as u64,
            bytes: generation.bytes,
            checksum: generation.checksum,
            identity: identity.clone(),
        }
    }
}

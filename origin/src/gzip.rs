//! The gzip form of a body. Making it takes its time: never on a thread that serves.

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Write};

/// Codes a body. The same bytes give the same form, whoever makes it.
pub fn code(identity: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(identity.len() / 4), Compression::new(6));
    encoder.write_all(identity)?;
    let mut coded = encoder.finish()?;
    // It is kept for long, and counted by its length.
    coded.shrink_to_fit();
    Ok(coded.into())
}

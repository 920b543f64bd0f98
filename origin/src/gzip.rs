//! Compression of bodies. It is slow: never call it on an async thread.

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Write};

/// Compresses a body. The same bytes always give the same form.
pub fn compress(identity: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(identity.len() / 4), Compression::new(6));
    encoder.write_all(identity)?;
    let mut compressed = encoder.finish()?;
    // It is kept for long, and counted by its length.
    compressed.shrink_to_fit();
    Ok(compressed.into())
}

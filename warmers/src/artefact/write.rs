//! Writing a generation.

use super::format::{Header, MAGIC, VERSION};
use super::identity::Identity;
use super::record;
use crate::aside;
use crate::generation::Generation;
use std::io::{self, Write};
use xxhash_rust::xxh3::Xxh3;

/// Fast, and answers of one endpoint are alike enough for it.
const LEVEL: i32 = 3;
/// How far back a packed text refers, as a power of two: unpacking takes that much memory.
pub(super) const WINDOW: u32 = 21;

/// Writes a generation to a file that is empty yet.
pub(super) fn generation(
    generation: &Generation,
    identity: &Identity,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut out = Summed { out, sum: Xxh3::new() };
    debug_assert!(aside::here());
    let header = serde_json::to_vec(&Header::of(generation, identity))?;
    out.write_all(MAGIC)?;
    out.write_all(&VERSION.to_le_bytes())?;
    out.write_all(&u32::try_from(header.len()).map_err(io::Error::other)?.to_le_bytes())?;
    out.write_all(&header)?;
    // In order of their addresses, so that what is alike lies together, and the same generation
    // is always the same file.
    let mut answers: Vec<_> = generation.iter().collect();
    answers.sort_unstable_by_key(|(key, _)| (key.path(), key.dialect()));
    let mut packed = zstd::Encoder::new(&mut out, LEVEL)?;
    packed.window_log(WINDOW)?;
    for (key, held) in answers {
        record::write(&mut packed, key, held)?;
    }
    packed.finish()?;
    let sum = out.sum.digest();
    out.out.write_all(&sum.to_le_bytes())?;
    out.out.flush()
}

/// Sums what it passes on.
struct Summed<'a, W> {
    out: &'a mut W,
    sum: Xxh3,
}

impl<W: Write> Write for Summed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sum.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

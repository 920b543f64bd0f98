//! Reading a generation.

use super::error::{ArtefactError, Damage, Foreign};
use super::format::{Header, MAGIC, TRAILER, VERSION};
use super::identity::Identity;
use super::record::{self, Unread};
use crate::generation::{Generation, MOST_PLANS};
use aqs_api::Catalogue;
use aqs_api::freshness::Times;
use aqs_origin::Epochs;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use xxhash_rust::xxh3::Xxh3;

/// What answers are made whole with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What addresses mean.
    pub catalogue: &'a Catalogue,
    /// What was purged when.
    pub epochs: &'a Epochs,
    /// How long answers are kept.
    pub times: &'a Times,
}

/// Why a file gave no generation.
enum Failure {
    Io(io::Error),
    Damage(Damage),
    Foreign(Foreign),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Damage> for Failure {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl From<Foreign> for Failure {
    fn from(foreign: Foreign) -> Self {
        Self::Foreign(foreign)
    }
}

/// Reads the generation in a file.
pub(super) fn generation(
    path: &Path,
    identity: &Identity,
    cx: Context<'_>,
) -> Result<Generation, ArtefactError> {
    let path = path.to_owned();
    match parse(&path, identity, cx) {
        Ok(generation) => Ok(generation),
        Err(Failure::Io(source)) => Err(ArtefactError::File { path, doing: "reading", source }),
        Err(Failure::Damage(damage)) => Err(ArtefactError::Damaged { path, damage }),
        Err(Failure::Foreign(foreign)) => Err(ArtefactError::Foreign { path, foreign }),
    }
}

fn parse(path: &Path, identity: &Identity, cx: Context<'_>) -> Result<Generation, Failure> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len().checked_sub(TRAILER).ok_or(Damage::Short)?;
    let mut start = [0; MAGIC.len() + 4 + 4];
    // Whatever is no file, or ends here, is too short.
    (&file).take(length).read_exact(&mut start).map_err(|_| Damage::Short)?;
    let (magic, numbers) = start.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(Damage::Magic.into());
    }
    let [version, header_length] = [0, 4].map(|at| {
        let bytes = numbers.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        u32::from_le_bytes(bytes.unwrap_or_default())
    });
    if version != VERSION {
        return Err(Foreign::Version(version).into());
    }
    // All of it before any of it is believed.
    file.seek(SeekFrom::Start(0))?;
    check_sum(&mut file, length)?;
    file.seek(SeekFrom::Start(start.len() as u64))?;
    let body = length.checked_sub(start.len() as u64 + u64::from(header_length));
    let body = body.ok_or(Damage::Short)?;
    let mut header = Vec::new();
    (&file).take(u64::from(header_length)).read_to_end(&mut header)?;
    let header: Header = serde_json::from_slice(&header).map_err(Damage::Header)?;
    belongs(&header.identity, identity)?;
    if header.plans.len() > MOST_PLANS {
        return Err(Damage::Content.into());
    }
    records(header, BufReader::new(file.take(body)), cx)
}

/// Compares the sum of what is there with the one at its end.
fn check_sum(file: &mut File, length: u64) -> Result<(), Failure> {
    let mut sum = Xxh3::new();
    let mut buffer = vec![0; 1 << 18];
    let mut left = length;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..most).unwrap_or_default();
        match file.read(part)? {
            0 => return Err(Damage::Short.into()),
            count => {
                sum.update(part.get(..count).unwrap_or_default());
                left -= count as u64;
            }
        }
    }
    let mut kept = [0; TRAILER as usize];
    file.read_exact(&mut kept)?;
    if u64::from_le_bytes(kept) == sum.digest() { Ok(()) } else { Err(Damage::Checksum.into()) }
}

fn belongs(found: &Identity, ours: &Identity) -> Result<(), Foreign> {
    if found.state != ours.state {
        return Err(Foreign::State);
    }
    if !found.shares_store(ours) {
        return Err(Foreign::Store(found.store.join(", ")));
    }
    if found.catalogue != ours.catalogue {
        return Err(Foreign::Catalogue);
    }
    Ok(())
}

fn records(
    header: Header,
    packed: BufReader<impl Read>,
    cx: Context<'_>,
) -> Result<Generation, Failure> {
    let mut records = zstd::Decoder::with_buffer(packed).map_err(Damage::Records)?;
    let mut answers = Vec::new();
    for number in 0..header.keys {
        let answer = record::read(&mut records, &cx).map_err(|unread| match unread {
            Unread::Io(source) => Failure::Damage(Damage::Records(source)),
            Unread::Nonsense(reason) => Failure::Damage(Damage::Record { number, reason }),
            Unread::Future => Failure::Foreign(Foreign::Future),
        })?;
        answers.push(answer);
    }
    let more = records.read(&mut [0]).map_err(Damage::Records)?;
    let Header { id, parent, birth, built, plans, .. } = header;
    let generation = Generation::restored(id, parent, birth, built, plans, answers);
    let as_told = generation.checksum == header.checksum && generation.keys() as u64 == header.keys;
    if more > 0 || !as_told {
        return Err(Damage::Content.into());
    }
    Ok(generation)
}

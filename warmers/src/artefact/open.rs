//! Opening a generation's file: what is believed of it, and in which order.

use super::error::{ArtefactError, Damage, Foreign};
use super::format::{Header, MAGIC, TRAILER, VERSION};
use super::identity::Identity;
use crate::generation::MOST_PLANS;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use xxhash_rust::xxh3::Xxh3;

/// Why a file gave no generation.
pub(super) enum Failure {
    Io(io::Error),
    Damage(Damage),
    Foreign(Foreign),
    TooLarge(u64),
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

/// What a file says about its generation, whether the rest of it is whole or not.
pub(super) fn header(path: &Path) -> Result<Header, ArtefactError> {
    let parsed = || {
        let mut file = File::open(path)?;
        let begun = begin(&mut file)?;
        parse(&mut file, &begun)
    };
    parsed().map_err(|failure: Failure| failure.at(path, 0))
}

impl Failure {
    pub(super) fn at(self, path: &Path, limit: u64) -> ArtefactError {
        let path = path.to_owned();
        match self {
            Self::Io(source) => ArtefactError::File { path, doing: "reading", source },
            Self::Damage(damage) => ArtefactError::Damaged { path, damage },
            Self::Foreign(foreign) => ArtefactError::Foreign { path, foreign },
            Self::TooLarge(bytes) => ArtefactError::TooLarge { path, bytes, limit },
        }
    }
}

/// Where the parts of a file are.
struct Begun {
    /// Where the checksum begins.
    length: u64,
    header: u64,
}

const START: u64 = MAGIC.len() as u64 + 4 + 4;

fn begin(file: &mut File) -> Result<Begun, Failure> {
    let length = file.metadata()?.len().checked_sub(TRAILER).ok_or(Damage::Short)?;
    let mut start = [0; START as usize];
    // Whatever is no file, or ends here, is too short.
    file.take(length).read_exact(&mut start).map_err(|_| Damage::Short)?;
    let (magic, numbers) = start.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(Damage::Magic.into());
    }
    let [version, header] = [0, 4].map(|at| {
        let bytes = numbers.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        u32::from_le_bytes(bytes.unwrap_or_default())
    });
    if version != VERSION {
        return Err(Foreign::Version(version).into());
    }
    Ok(Begun { length, header: u64::from(header) })
}

fn parse(file: &mut File, begun: &Begun) -> Result<Header, Failure> {
    file.seek(SeekFrom::Start(START))?;
    begun.length.checked_sub(START + begun.header).ok_or(Damage::Short)?;
    let mut header = Vec::new();
    file.take(begun.header).read_to_end(&mut header)?;
    let header: Header = serde_json::from_slice(&header).map_err(Damage::Header)?;
    if header.plans.len() > MOST_PLANS { Err(Damage::Content.into()) } else { Ok(header) }
}

/// The header and the records of a file that is whole and belongs here.
pub(super) fn open(
    path: &Path,
    id: u64,
    identity: &Identity,
) -> Result<(Header, BufReader<io::Take<File>>), Failure> {
    let mut file = File::open(path)?;
    let begun = begin(&mut file)?;
    // All of it before any of it is believed.
    file.seek(SeekFrom::Start(0))?;
    check_sum(&mut file, begun.length)?;
    let header = parse(&mut file, &begun)?;
    if header.id != id {
        return Err(Damage::Number(header.id).into());
    }
    belongs(&header.identity, identity)?;
    let packed = begun.length.saturating_sub(START + begun.header);
    Ok((header, BufReader::new(file.take(packed))))
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
    if found.program != ours.program {
        return Err(Foreign::Program(found.program.clone()));
    }
    if found.catalogue != ours.catalogue {
        return Err(Foreign::Catalogue);
    }
    Ok(())
}

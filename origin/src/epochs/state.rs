//! The state directory: what has to be remembered over a restart.

use super::PurgeMode;
use super::tags::{Arrays, Scope, index, kind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fs::{self, File, TryLockError};
use std::hash::BuildHasher;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

const FORMAT: u32 = 1;
const FILE: &str = "state.json";
const LOCK: &str = "lock";
/// How often more a lock is tried that somebody has, and after how long.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// A directory that keeps the epochs' counter and tags, and the datasets' versions.
#[derive(Debug)]
pub struct StateDirectory {
    path: PathBuf,
    state: State,
    /// Held as long as the directory is in use.
    _lock: File,
}

/// What the file holds, behind a line with its checksum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    format: u32,
    /// Chosen when the directory was new: tells epochs of these epochs from those of others.
    #[serde(default)]
    identity: u64,
    counter: u64,
    /// `kind/index` → epochs of the last hard and soft purge.
    tags: BTreeMap<String, (u64, u64)>,
    /// Dataset → version of what was loaded when it was last looked at.
    versions: BTreeMap<String, u64>,
}

/// The state directory can't be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// Another process has it.
    #[error(
        "the state directory {0} is in use by another aqs; \
         choose another with --state or the key state"
    )]
    Busy(PathBuf),
    /// It is not there and can't be made.
    #[error(
        "the state directory {path} can't be made: {source}; \
         choose another with --state or the key state"
    )]
    Unmade {
        /// Which directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something else has its name.
    #[error(
        "the state directory {0} is no directory; choose another with --state or the key state"
    )]
    NoDirectory(PathBuf),
    /// Nothing can be written into it.
    #[error(
        "the state directory {path} can't be used: {source}; \
         choose another with --state or the key state"
    )]
    Unusable {
        /// Which directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file in it can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// What was found in a state directory.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing: it is new.
    New,
    /// What was left there.
    Kept,
    /// A directory that was in use, without what should be there.
    Lost,
    /// A file that can't be trusted; it was set aside under that name.
    Damaged(PathBuf),
}

impl Found {
    /// Whether purges may have been forgotten.
    pub fn is_untrusted(&self) -> bool {
        matches!(self, Self::Lost | Self::Damaged(_))
    }
}

impl StateDirectory {
    /// Opens a directory, makes it if need be, and keeps others out of it.
    pub fn open(path: &Path) -> Result<(Self, Found), StateError> {
        let fail = |path: PathBuf| move |source| StateError::File { path, source };
        make(path).map_err(|source| match path.exists() {
            true => StateError::NoDirectory(path.to_owned()),
            false => StateError::Unmade { path: path.to_owned(), source },
        })?;
        let lock_path = path.join(LOCK);
        let was_used = lock_path.exists();
        let unusable = |source| StateError::Unusable { path: path.to_owned(), source };
        let lock = File::create(&lock_path).map_err(unusable)?;
        match lock_patiently(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::Busy(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(fail(lock_path)(source)),
        }
        let file = path.join(FILE);
        let (state, found) = match fs::read(&file) {
            Ok(bytes) => match State::parse(&bytes) {
                Some(state) => (state, Found::Kept),
                None => {
                    let aside = path.join(format!("{FILE}.damaged"));
                    fs::rename(&file, &aside).map_err(fail(file))?;
                    (State::default(), Found::Damaged(aside))
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (State::default(), if was_used { Found::Lost } else { Found::New })
            }
            Err(error) => return Err(fail(file)(error)),
        };
        let mut opened = Self { path: path.to_owned(), state, _lock: lock };
        if opened.state.identity == 0 {
            opened.state.identity = new_identity();
        }
        Ok((opened, found))
    }

    /// Which directory it is. One whose state was lost is another.
    pub(super) fn identity(&self) -> u64 {
        self.state.identity
    }

    /// Whether a process that lives has a directory.
    ///
    /// # Errors
    ///
    /// If the system doesn't say.
    pub fn is_held(path: &Path) -> io::Result<bool> {
        let lock = match File::open(path.join(LOCK)) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match lock.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The epoch of the last purge that was written down.
    pub(super) fn counter(&self) -> u64 {
        self.state.counter
    }

    /// Brings the tags back into their arrays.
    pub(super) fn restore(&self, arrays: &Arrays) {
        for (name, (hard, soft)) in &self.state.tags {
            let place = name
                .split_once('/')
                .and_then(|(kind, index)| arrays.get(kind.parse().ok()?, index.parse().ok()?));
            if let Some(slot) = place {
                slot.raise(PurgeMode::Hard, *hard);
                slot.raise(PurgeMode::Soft, *soft);
            }
        }
    }

    /// Writes down where the epochs of this start begin.
    pub(super) fn begin(&mut self, epoch: u64) -> Result<(), StateError> {
        self.state.counter = epoch;
        self.write()
    }

    /// Writes a purge down.
    pub(super) fn record(
        &mut self,
        epoch: u64,
        scope: &Scope<'_>,
        depth: PurgeMode,
    ) -> Result<(), StateError> {
        let name = format!("{}/{}", kind(scope), index(scope));
        let slot = self.state.tags.entry(name).or_default();
        match depth {
            PurgeMode::Hard => slot.0 = epoch,
            PurgeMode::Soft => slot.1 = epoch,
        }
        self.state.counter = epoch;
        self.write()
    }

    /// The version of a dataset when it was last looked at.
    pub(super) fn version(&self, dataset: &str) -> Option<u64> {
        self.state.versions.get(dataset).copied()
    }

    /// Writes down which versions of datasets were looked at.
    pub(super) fn set_versions(
        &mut self,
        versions: &BTreeMap<&'static str, u64>,
    ) -> Result<(), StateError> {
        let new = versions.iter().map(|(name, version)| ((*name).to_owned(), *version));
        self.state.versions.extend(new);
        self.write()
    }

    fn write(&mut self) -> Result<(), StateError> {
        self.state.format = FORMAT;
        let file = self.path.join(FILE);
        let written = self.state.render().and_then(|bytes| {
            let mut temporary = tempfile::NamedTempFile::new_in(&self.path)?;
            temporary.write_all(&bytes)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&file).map_err(|error| error.error)?;
            // So that the new name is there after a crash of the machine, too.
            File::open(&self.path)?.sync_all()
        });
        written.map_err(|source| StateError::File { path: file, source })
    }
}

/// Makes a directory for its owner alone. One that is there keeps its rights.
fn make(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Locks a file. Who only asks whether it is locked has it for a moment, too.
fn lock_patiently(file: &File) -> Result<(), TryLockError> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
            done => return done,
        }
    }
    file.try_lock()
}

/// A number that no other state directory has. Nothing is guarded by it, so the hasher's keys,
/// which the system's random numbers seed, are good enough.
fn new_identity() -> u64 {
    RandomState::new().hash_one(std::process::id()).max(1)
}

impl State {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (checksum, json) = text.split_once('\n')?;
        if checksum != format!("{:016x}", xxh3_64(json.as_bytes())) {
            return None;
        }
        let state: Self = serde_json::from_str(json).ok()?;
        (state.format == FORMAT).then_some(state)
    }

    fn render(&self) -> io::Result<Vec<u8>> {
        let json = serde_json::to_string(self)?;
        Ok(format!("{:016x}\n{json}", xxh3_64(json.as_bytes())).into_bytes())
    }
}

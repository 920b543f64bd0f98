//! The state directory: what has to be remembered over a restart.

use super::PurgeMode;
use super::purge_tags::{Scope, Slots};
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

/// 1 kept endpoints and datasets by hash.
const FORMAT: u32 = 2;
const FILE: &str = "state.json";
const LOCK: &str = "lock";
/// How often a lock that is taken is tried again, and after how long.
const RETRIES: u32 = 5;
const RETRY_DELAY: Duration = Duration::from_millis(10);

/// A directory that keeps the epochs' counter and tags, and the datasets' versions.
#[derive(Debug)]
pub struct StateDirectory {
    path: PathBuf,
    state: State,
    /// Keeps other processes out.
    _lock: File,
}

/// What the file holds, behind a line with its checksum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    format: u32,
    /// Chosen when the directory was new: distinguishes its epochs from those of others.
    #[serde(default)]
    identity: u64,
    counter: u64,
    /// [`Scope::persisted`] → epochs of the last hard and soft purge. Names that the catalogue
    /// lacks stay: it may get them back.
    tags: BTreeMap<String, (u64, u64)>,
    /// Dataset → version that was last seen in the store.
    versions: BTreeMap<String, u64>,
}

#[derive(Debug, Error)]
pub enum StateError {
    #[error(
        "the state directory {0} is in use by another aqs; \
         choose another with --state or the key state"
    )]
    Busy(PathBuf),
    #[error(
        "the state directory {0} is no directory; choose another with --state or the key state"
    )]
    NoDirectory(PathBuf),
    #[error(
        "the state directory {path} can't be made: {source}; \
         choose another with --state or the key state"
    )]
    Unmade { path: PathBuf, source: io::Error },
    #[error(
        "the state directory {path} can't be used: {source}; \
         choose another with --state or the key state"
    )]
    Unusable { path: PathBuf, source: io::Error },
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
}

/// The content of a state directory when it was opened.
#[derive(Debug, PartialEq, Eq)]
pub enum StateStatus {
    /// It was new.
    New,
    /// A state of this format.
    Restored,
    /// A directory that was in use, without what should be there.
    Lost,
    /// A file that can't be trusted; it was moved to that name.
    Damaged(PathBuf),
    /// A file of another version of this program; it was moved to that name.
    OtherFormat { format: u32, moved: PathBuf },
}

impl StateStatus {
    /// Whether purges may have been forgotten.
    pub fn is_untrusted(&self) -> bool {
        match self {
            Self::New | Self::Restored => false,
            Self::Lost | Self::Damaged(_) | Self::OtherFormat { .. } => true,
        }
    }
}

impl StateDirectory {
    /// Opens a directory, makes it if need be, and keeps others out of it.
    pub fn open(path: &Path) -> Result<(Self, StateStatus), StateError> {
        let fail = |path: PathBuf| move |source| StateError::File { path, source };
        make(path).map_err(|source| match path.exists() {
            true => StateError::NoDirectory(path.to_owned()),
            false => StateError::Unmade { path: path.to_owned(), source },
        })?;
        let lock_path = path.join(LOCK);
        let was_used = lock_path.exists();
        let unusable = |source| StateError::Unusable { path: path.to_owned(), source };
        let lock = File::create(&lock_path).map_err(unusable)?;
        match lock_with_retries(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::Busy(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(fail(lock_path)(source)),
        }
        let file = path.join(FILE);
        let (state, found) = match fs::read(&file) {
            Ok(bytes) => match State::parse(&bytes) {
                Some(state) if state.format == FORMAT => (state, StateStatus::Restored),
                other => {
                    let reason = if other.is_some() { "other-format" } else { "damaged" };
                    let moved = path.join(format!("{FILE}.{reason}"));
                    fs::rename(&file, &moved).map_err(fail(file))?;
                    let found = match other {
                        Some(State { format, .. }) => StateStatus::OtherFormat { format, moved },
                        None => StateStatus::Damaged(moved),
                    };
                    (State::default(), found)
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (State::default(), if was_used { StateStatus::Lost } else { StateStatus::New })
            }
            Err(error) => return Err(fail(file)(error)),
        };
        let mut opened = Self { path: path.to_owned(), state, _lock: lock };
        if opened.state.identity == 0 {
            opened.state.identity = new_identity();
        }
        Ok((opened, found))
    }

    /// The identity of the directory: another one if its state was lost.
    pub(super) fn identity(&self) -> u64 {
        self.state.identity
    }

    /// Whether a live process holds a directory.
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

    /// The epoch of the last purge that was written.
    pub(super) fn counter(&self) -> u64 {
        self.state.counter
    }

    /// Brings the purges back into their slots.
    pub(super) fn restore(&self, slots: &Slots) {
        for (scope, (hard, soft)) in &self.state.tags {
            if let Some(slot) = slots.persisted(scope) {
                slot.raise(PurgeMode::Hard, *hard);
                slot.raise(PurgeMode::Soft, *soft);
            }
        }
    }

    /// Writes the first epoch of this start.
    pub(super) fn begin(&mut self, epoch: u64) -> Result<(), StateError> {
        self.state.counter = epoch;
        self.write()
    }

    pub(super) fn record(
        &mut self,
        epoch: u64,
        scope: &Scope<'_>,
        mode: PurgeMode,
    ) -> Result<(), StateError> {
        let (hard, soft) = self.state.tags.entry(scope.persisted()).or_default();
        match mode {
            PurgeMode::Hard => *hard = epoch,
            PurgeMode::Soft => *soft = epoch,
        }
        self.state.counter = epoch;
        self.write()
    }

    pub(super) fn versions(&self) -> &BTreeMap<String, u64> {
        &self.state.versions
    }

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

/// Makes a directory for its owner alone. An existing one keeps its permissions.
fn make(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Locks a file. [`StateDirectory::is_held`] holds the lock for a moment, too.
fn lock_with_retries(file: &File) -> Result<(), TryLockError> {
    for _ in 0..RETRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(RETRY_DELAY),
            done => return done,
        }
    }
    file.try_lock()
}

/// A number that no other state directory has. It protects nothing, so the randomly seeded hasher
/// of the standard library is good enough.
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
        serde_json::from_str(json).ok()
    }

    fn render(&self) -> io::Result<Vec<u8>> {
        let json = serde_json::to_string(self)?;
        Ok(format!("{:016x}\n{json}", xxh3_64(json.as_bytes())).into_bytes())
    }
}

//! An open file, and whether it is still the file at its path.

use super::connect::{self, Access, FileId, Identity};
use super::error::{FileError, OpenError};
use super::pool::Pool;
use super::store::Options;
use std::fs::Metadata;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;

pub(super) const MAX_READERS: usize = 8;
/// Two writes within this time may leave the same time of modification.
const CLOCK_STEP: Duration = Duration::from_millis(50);

/// What tells a file from one that was written or put in its place since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileState {
    id: FileId,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileState {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        path.metadata().map(|metadata| Self::from(&metadata))
    }

    /// A number that differs between files at the same path, unless one was written over the other.
    pub(super) fn file_number(&self) -> u64 {
        self.id.number()
    }
}

impl From<&Metadata> for FileState {
    fn from(metadata: &Metadata) -> Self {
        Self {
            id: FileId::of(metadata),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

#[derive(Debug)]
pub(super) struct Opened {
    pub(super) readers: Pool,
    /// Always the same connection, because SQLite counts changes by connection.
    pub(super) watcher: Pool,
    /// Works for minutes.
    pub(super) checker: Pool,
    /// Cancelled when this is closed, for jobs that take long.
    pub(super) closing: CancellationToken,
    pub(super) access: Access,
    /// The file when it was opened.
    pub(super) state: FileState,
    log: Option<FileId>,
    /// How often the store was opened before.
    pub(super) number: u64,
}

impl Opened {
    /// Opens the file at a path. `previous` is closed. Blocks.
    pub(super) fn open(
        path: &Path,
        options: Options,
        previous: Option<&Self>,
    ) -> Result<Self, OpenError> {
        let found = path.metadata().map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                return OpenError::Missing { path: path.to_owned() };
            }
            FileError::io(path, error).into()
        })?;
        if !found.is_file() {
            return Err(OpenError::NotAFile { path: path.to_owned() });
        }
        if found.len() == 0 {
            return Err(FileError::Empty { path: path.to_owned() }.into());
        }
        // The log is next to the file itself, not next to a link to it.
        let real = path.canonicalize().map_err(|error| FileError::io(path, error))?;
        let log = connect::sibling(&real, "-wal");
        let state = FileState::from(&found);
        if let (Some(previous), Ok(left)) = (previous, log.metadata())
            && state.id != previous.state.id
            && left.len() > 0
            && previous.log == Some(FileId::of(&left))
        {
            // SQLite would merge it into the new file.
            let (path, bytes) = (path.to_owned(), left.len());
            return Err(OpenError::LeftoverLog { path, log, bytes });
        }
        let (watcher, access) = connect::first_reader(&real, options.access)?;
        if access == Access::Immutable {
            wait_for_clock_step(&found);
        }
        if connect::identify(&watcher, path)? == Identity::Blank {
            return Err(FileError::Empty { path: path.to_owned() }.into());
        }
        let default = || thread::available_parallelism().map_or(2, NonZeroUsize::get);
        let readers = options.readers.map_or_else(|| default().clamp(2, MAX_READERS), Into::into);
        let readers = (0..readers).map(|_| connect::reader(&real, access));
        let opened = Self {
            readers: Pool::new(readers.collect::<Result<_, _>>()?),
            watcher: Pool::new(vec![watcher]),
            checker: Pool::new(vec![connect::reader(&real, access)?]),
            closing: CancellationToken::new(),
            access,
            state,
            log: log.metadata().ok().map(|found| FileId::of(&found)),
            number: previous.map_or(0, |previous| previous.number + 1),
        };
        match opened.is_unchanged(path) {
            true => Ok(opened),
            false => Err(OpenError::Changing { path: path.to_owned() }),
        }
    }

    /// Whether what an immutable connection reads is the file as it was opened. Other connections
    /// see changes by themselves.
    pub(super) fn is_unchanged(&self, path: &Path) -> bool {
        self.access == Access::Live || FileState::of(path).is_ok_and(|state| state == self.state)
    }

    /// Closes all connections when their jobs have ended. Jobs that wait are refused.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        tokio::join!(self.readers.close(), self.watcher.close(), self.checker.close());
    }
}

/// Waits until a later write gives the file another time of modification.
fn wait_for_clock_step(found: &Metadata) {
    let age = found.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
    if age.is_none_or(|age| age < CLOCK_STEP) {
        thread::sleep(CLOCK_STEP);
    }
}

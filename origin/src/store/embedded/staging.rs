//! A new store, which is built in a staging file and then renamed.

use super::connect::{FileId, sibling};
use super::error::{FileError, WriteError};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

const LOCK_INTERVAL: Duration = Duration::from_millis(50);

/// A locked file next to a store's future path. It is removed unless it is published; what a
/// killed process leaves is overwritten by the next.
#[derive(Debug)]
pub(super) struct StagingFile {
    file: File,
    path: PathBuf,
    target: PathBuf,
    published: bool,
}

impl StagingFile {
    /// Creates an empty file, after waiting for other processes that create the same store.
    pub(super) fn create(target: &Path, wait: Duration) -> Result<Self, WriteError> {
        check_absent(target)?;
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(|error| FileError::io(folder, error))?;
        }
        let path = sibling(target, ".building");
        let failed = |error| FileError::io(&path, error);
        let started = Instant::now();
        let file = loop {
            let mut options = File::options();
            let file = options.read(true).write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(failed)?;
            match file.try_lock() {
                // The former holder may have renamed or removed the file that was opened here.
                Ok(()) => {
                    let opened = FileId::of(&file.metadata().map_err(failed)?);
                    if path.metadata().is_ok_and(|found| FileId::of(&found) == opened) {
                        break file;
                    }
                }
                Err(TryLockError::WouldBlock) if started.elapsed() >= wait => {
                    return Err(WriteError::Busy { path: target.to_owned(), waited: wait });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_INTERVAL.min(wait)),
                Err(TryLockError::Error(error)) => return Err(failed(error).into()),
            }
        };
        let staging = Self { file, path, target: target.to_owned(), published: false };
        check_absent(target)?;
        staging.file.set_len(0).map_err(|error| FileError::io(&staging.path, error))?;
        remove_logs(&staging.path);
        Ok(staging)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Renames the file to its target, safely on disk. All connections to it must be closed.
    pub(super) fn publish(mut self) -> Result<(), WriteError> {
        let target = self.target.clone();
        let failed = |error| FileError::io(&target, error);
        remove_logs(&self.path);
        self.file.sync_all().map_err(failed)?;
        // Every process that creates a store there holds the lock, so there is no race.
        check_absent(&target)?;
        // SQLite would apply the log of a removed store to this one.
        remove_logs(&target);
        fs::rename(&self.path, &target).map_err(failed)?;
        self.published = true;
        if let Some(folder) = target.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(())
    }
}

impl Drop for StagingFile {
    fn drop(&mut self) {
        if !self.published {
            let _ = fs::remove_file(&self.path);
            remove_logs(&self.path);
        }
    }
}

fn check_absent(path: &Path) -> Result<(), WriteError> {
    match path.symlink_metadata() {
        Ok(_) => Err(WriteError::Exists { path: path.to_owned() }),
        Err(_) => Ok(()),
    }
}

fn remove_logs(path: &Path) {
    for suffix in ["-journal", "-wal", "-shm"] {
        let _ = fs::remove_file(sibling(path, suffix));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn an_unpublished_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deep").join("store.db");
        let staging = StagingFile::create(&target, Duration::ZERO).unwrap();
        let path = staging.path().to_owned();
        assert!(path.exists());
        drop(staging);
        assert!(!path.exists() && !target.exists());
    }

    #[test]
    fn a_second_process_is_busy_and_leftovers_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("store.db");
        fs::write(sibling(&target, ".building"), "left by a killed process").unwrap();
        fs::write(sibling(&target, ".building-wal"), "and its log").unwrap();
        let mut first = StagingFile::create(&target, Duration::ZERO).unwrap();
        let second = StagingFile::create(&target, Duration::ZERO);
        assert!(matches!(second, Err(WriteError::Busy { .. })), "{second:?}");
        first.file.write_all(b"new").unwrap();
        first.publish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn logs_of_a_removed_store_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("store.db");
        for suffix in ["-wal", "-shm", "-journal"] {
            fs::write(sibling(&target, suffix), "of a store that was removed").unwrap();
        }
        StagingFile::create(&target, Duration::ZERO).unwrap().publish().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_existing_target_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("store.db");
        let staging = StagingFile::create(&target, Duration::ZERO).unwrap();
        fs::write(&target, "other").unwrap();
        assert!(matches!(staging.publish(), Err(WriteError::Exists { .. })));
        assert_eq!(fs::read(&target).unwrap(), b"other");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

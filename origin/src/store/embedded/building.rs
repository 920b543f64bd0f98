//! A new store, built where nobody looks and then put in its place.

use super::connect::beside;
use super::error::{FileError, WriteError};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// A file beside a store's future path, which one process at a time can build. It is removed
/// unless it is published; what a killed process leaves is removed by the next.
#[derive(Debug)]
pub(super) struct Building {
    file: File,
    path: PathBuf,
    target: PathBuf,
    published: bool,
}

impl Building {
    /// Begins with an empty file, when nobody else is building at this path (any more).
    pub(super) fn begin(target: &Path, patience: Duration) -> Result<Self, WriteError> {
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(|error| FileError::io(folder, error))?;
        }
        let path = beside(target, ".building");
        let since = Instant::now();
        let failed = |error| FileError::io(&path, error);
        loop {
            let file = open(&path).map_err(failed)?;
            match file.try_lock() {
                // Whoever had it may have published or removed it since it was opened here.
                Ok(()) if is_at(&file, &path).map_err(failed)? => {
                    file.set_len(0).map_err(failed)?;
                    let target = target.to_owned();
                    let building = Self { file, path, target, published: false };
                    building.remove_logs();
                    return Ok(building);
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if since.elapsed() >= patience => {
                    return Err(WriteError::Busy { path: target.to_owned(), waited: patience });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN_TRIES.min(patience)),
                Err(TryLockError::Error(error)) => return Err(failed(error).into()),
            }
        }
    }

    /// Where the file is meanwhile.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the file in its place, safely on disk. No connection to it may be open.
    pub(super) fn publish(mut self) -> Result<(), WriteError> {
        let target = self.target.clone();
        let failed = |error| FileError::io(&target, error);
        self.remove_logs();
        self.file.sync_all().map_err(failed)?;
        // Every program that makes a store there holds the lock first, so none comes between.
        if target.symlink_metadata().is_ok() {
            return Err(WriteError::Exists { path: target });
        }
        // What a removed store left behind would be taken for this one's log.
        remove_logs(&target);
        fs::rename(&self.path, &target).map_err(failed)?;
        self.published = true;
        if let Some(folder) = target.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(())
    }

    fn remove_logs(&self) {
        remove_logs(&self.path);
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        if !self.published {
            let _ = fs::remove_file(&self.path);
            self.remove_logs();
        }
    }
}

/// Removes the logs of a database that is not there (any more).
fn remove_logs(path: &Path) {
    for suffix in ["-journal", "-wal", "-shm"] {
        let _ = fs::remove_file(beside(path, suffix));
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let held = file.metadata()?;
    Ok(match path.metadata() {
        Ok(there) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    })
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> io::Result<bool> {
    path.try_exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_is_not_published_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deep").join("store.db");
        let building = Building::begin(&target, Duration::ZERO).unwrap();
        let path = building.path().to_owned();
        assert!(path.exists());
        drop(building);
        assert!(!path.exists() && !target.exists());
    }

    #[test]
    fn a_second_builder_is_told_and_a_dead_ones_rest_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("store.db");
        fs::write(beside(&target, ".building"), "left by a killed process").unwrap();
        fs::write(beside(&target, ".building-wal"), "and its log").unwrap();
        let mut first = Building::begin(&target, Duration::ZERO).unwrap();
        let second = Building::begin(&target, Duration::ZERO);
        assert!(matches!(second, Err(WriteError::Busy { .. })), "{second:?}");
        first.file.write_all(b"new").unwrap();
        first.publish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_former_stores_log_does_not_become_the_new_ones() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("store.db");
        for suffix in ["-wal", "-shm", "-journal"] {
            fs::write(beside(&target, suffix), "of a store that was removed").unwrap();
        }
        Building::begin(&target, Duration::ZERO).unwrap().publish().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_came_into_the_place_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("store.db");
        let building = Building::begin(&target, Duration::ZERO).unwrap();
        fs::write(&target, "somebody's").unwrap();
        assert!(matches!(building.publish(), Err(WriteError::Exists { .. })));
        assert_eq!(fs::read(&target).unwrap(), b"somebody's");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

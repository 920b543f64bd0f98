//! The directory of a hot set's files.

use super::file::{self, Header, Reader, RestoreContext};
use super::{ArtefactError, Identity};
use crate::generation::{Checksum, Generation};
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";
/// Holds the first id that was never used.
const NEXT: &str = "next";
const UNFINISHED: &str = ".unfinished-";
const PREFIX: &str = "gen-";
const SUFFIX: &str = ".aqs";
const DAMAGED: &str = ".aqs.damaged";
const FOREIGN: &str = ".aqs.foreign";
/// Quarantined files that stay, per kind.
const QUARANTINED: usize = 3;

/// A directory that a single process writes to. All methods block.
#[derive(Debug)]
pub struct ArtefactDirectory {
    path: PathBuf,
    identity: Identity,
    keep: usize,
    _lock: File,
}

impl ArtefactDirectory {
    /// Opens a directory, or creates it, and locks it. `keep` generations stay besides the
    /// newest.
    pub fn open(path: &Path, identity: Identity, keep: usize) -> Result<Self, ArtefactError> {
        fs::create_dir_all(path).map_err(fail(path, "create"))?;
        let lock_path = path.join(LOCK);
        let lock = File::create(&lock_path).map_err(fail(&lock_path, "create"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ArtefactError::Busy(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(fail(&lock_path, "lock")(source)),
        }
        let directory = Self { path: path.to_owned(), identity, keep, _lock: lock };
        // Left by a process that was killed.
        for name in directory.names()?.iter().filter(|name| name.starts_with(UNFINISHED)) {
            let unfinished = path.join(name);
            fs::remove_file(&unfinished).map_err(fail(&unfinished, "remove"))?;
        }
        Ok(directory)
    }

    /// The path of a generation's file.
    pub fn file(&self, id: u64) -> PathBuf {
        self.renamed(id, SUFFIX)
    }

    fn renamed(&self, id: u64, suffix: &str) -> PathBuf {
        self.path.join(format!("{PREFIX}{id:010}{suffix}"))
    }

    /// The ids of the kept generations, ascending.
    pub fn kept(&self) -> Result<Vec<u64>, ArtefactError> {
        self.ids(SUFFIX)
    }

    /// The last id that may have been used.
    pub fn last_id(&self) -> Result<u64, ArtefactError> {
        let mut last = 0;
        for suffix in [SUFFIX, DAMAGED, FOREIGN] {
            last = self.ids(suffix)?.pop().unwrap_or_default().max(last);
        }
        let path = self.path.join(NEXT);
        match fs::read_to_string(&path) {
            Ok(text) => match text.trim().parse::<u64>() {
                Ok(next) => last = last.max(next.saturating_sub(1)),
                Err(_) => tracing::warn!(path = %path.display(), "ignoring an invalid number"),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(fail(&path, "read")(error)),
        }
        Ok(last)
    }

    /// Records an id as used, whether its generation is ever written or not.
    pub fn reserve_id(&self, id: u64) -> Result<(), ArtefactError> {
        let path = self.path.join(NEXT);
        let next = id.saturating_add(1);
        let written = self.write_atomically(&path, |file| writeln!(file, "{next}"));
        written.map(|_| ()).map_err(fail(&path, "write"))
    }

    /// Reads a header, without looking whether the file is damaged or foreign.
    pub fn header(&self, id: u64) -> Result<Header, ArtefactError> {
        let path = self.file(id);
        Reader::open(&path).map(|reader| reader.header).map_err(|error| error.at(id, path, 0))
    }

    /// Reads a file as a whole, without keeping its answers, and returns its checksum.
    pub fn verify(&self, id: u64, ctx: RestoreContext<'_>) -> Result<Checksum, ArtefactError> {
        let path = self.file(id);
        let reader = Reader::open(&path);
        let header = reader.and_then(|reader| reader.read_all(id, &self.identity, ctx, |_, _| {}));
        header.map(|header| header.checksum).map_err(|error| error.at(id, path, ctx.limit))
    }

    /// Writes a generation and removes those that are too old. Returns the size of the file. If
    /// it fails, for instance on a full disk, nothing changes.
    pub fn write(&self, generation: &Generation) -> Result<u64, ArtefactError> {
        let path = self.file(generation.id);
        let written = self.write_atomically(&path, |file| {
            let out = BufWriter::with_capacity(1 << 18, file);
            file::write(generation, &self.identity, out)
        });
        let bytes = written.map_err(fail(&path, "write"))?;
        self.remove_oldest(SUFFIX, self.keep.saturating_add(1));
        Ok(bytes)
    }

    pub fn read(&self, id: u64, ctx: RestoreContext<'_>) -> Result<Generation, ArtefactError> {
        let path = self.file(id);
        let read = file::read(&path, id, &self.identity, ctx);
        read.map_err(|error| error.at(id, path, ctx.limit))
    }

    /// Reads the newest generation that can be used. Also returns why newer ones cannot be used;
    /// they are logged and, if they can never be used, renamed.
    pub fn load(
        &self,
        ctx: RestoreContext<'_>,
    ) -> Result<(Option<Generation>, Vec<ArtefactError>), ArtefactError> {
        let mut quarantined = Vec::new();
        for id in self.kept()?.into_iter().rev() {
            match self.read(id, ctx) {
                Ok(generation) => return Ok((Some(generation), quarantined)),
                Err(error) => {
                    self.quarantine(id, &error);
                    quarantined.push(error);
                }
            }
        }
        Ok((None, quarantined))
    }

    fn quarantine(&self, id: u64, error: &ArtefactError) {
        let suffix = match error {
            ArtefactError::Damaged { .. } => Some(DAMAGED),
            ArtefactError::Foreign { .. } => Some(FOREIGN),
            // The system or the limit is to blame: another start may succeed.
            ArtefactError::Busy(_)
            | ArtefactError::Missing { .. }
            | ArtefactError::File { .. }
            | ArtefactError::TooLarge { .. }
            | ArtefactError::Lost => None,
        };
        let path = suffix.map(|suffix| self.renamed(id, suffix));
        let path = path.filter(|new| match fs::rename(self.file(id), new) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, id, "failed to quarantine a file");
                false
            }
        });
        let renamed_to = path.as_ref().map(|path| tracing::field::display(path.display()));
        if matches!(error, ArtefactError::Foreign { .. }) {
            // The configuration has changed.
            tracing::info!(%error, renamed_to, "a kept generation is not used");
        } else {
            tracing::warn!(%error, renamed_to, "a kept generation cannot be used");
        }
        if let Some(suffix) = suffix {
            self.remove_oldest(suffix, QUARANTINED);
        }
    }

    /// Writes a temporary file, syncs it and renames it to `path`. Returns its size.
    fn write_atomically(
        &self,
        path: &Path,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<u64> {
        // It is removed when it is dropped.
        let mut unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.path)?;
        write(unfinished.as_file_mut())?;
        unfinished.as_file().sync_all()?;
        let bytes = unfinished.as_file().metadata()?.len();
        unfinished.persist(path).map_err(|error| error.error)?;
        // The new name must survive a crash of the machine, too.
        File::open(&self.path)?.sync_all()?;
        Ok(bytes)
    }

    /// Removes all but the newest `keep` files of a kind.
    fn remove_oldest(&self, suffix: &str, keep: usize) {
        let Ok(ids) = self.ids(suffix) else { return };
        for id in ids.iter().take(ids.len().saturating_sub(keep)) {
            let path = self.renamed(*id, suffix);
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(%error, path = %path.display(), "failed to remove an old generation");
            }
        }
    }

    /// The ids of the files of a kind, ascending.
    fn ids(&self, suffix: &str) -> Result<Vec<u64>, ArtefactError> {
        let id = |name: &String| {
            let digits = name.strip_prefix(PREFIX)?.strip_suffix(suffix)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let mut ids: Vec<u64> = self.names()?.iter().filter_map(id).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    fn names(&self) -> Result<Vec<String>, ArtefactError> {
        let names = || {
            let names = fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name().into_string()));
            let names: io::Result<Vec<_>> = names.collect();
            Ok(names?.into_iter().flatten().collect())
        };
        names().map_err(fail(&self.path, "list"))
    }
}

fn fail(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> ArtefactError + use<> {
    let path = path.to_owned();
    move |source| ArtefactError::File { path, action, source }
}

#[cfg(test)]
mod tests;

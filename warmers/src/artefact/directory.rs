//! The directory that generations are kept in.

use super::error::ArtefactError;
use super::format::Header;
use super::identity::Identity;
use super::open;
use super::read::{self, Context};
use super::write;
use crate::generation::{Checksum, Generation};
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";
/// Says which number was not given yet.
const NEXT: &str = "next";
/// How a file is called as long as it is written.
const UNFINISHED: &str = ".unfinished-";
const PREFIX: &str = "gen-";
const SUFFIX: &str = ".aqs";
/// How many files that can't be used stay, of each kind.
const KEPT_ASIDE: usize = 3;

/// A directory of generations, which one process writes.
#[derive(Debug)]
pub struct ArtefactDirectory {
    path: PathBuf,
    identity: Identity,
    keep: usize,
    /// Held as long as the directory is in use.
    _lock: File,
}

/// What a start found.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The newest generation that can be used.
    pub generation: Option<Generation>,
    /// What could not, and became what.
    pub set_aside: Vec<SetAside>,
}

/// A file that can't be used.
#[derive(Debug)]
pub struct SetAside {
    /// Its new name; `None` if it could not be renamed, or is not at fault itself.
    pub now: Option<PathBuf>,
    /// Why.
    pub error: ArtefactError,
}

impl ArtefactDirectory {
    /// Opens a directory, makes it if need be, and keeps others out of it. `keep` is how many
    /// generations stay beside the newest.
    pub fn open(path: &Path, identity: Identity, keep: usize) -> Result<Self, ArtefactError> {
        fs::create_dir_all(path).map_err(fail(path, "making"))?;
        let lock_path = path.join(LOCK);
        let lock = File::create(&lock_path).map_err(fail(&lock_path, "making"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ArtefactError::Busy(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(fail(&lock_path, "locking")(source)),
        }
        let directory = Self { path: path.to_owned(), identity, keep, _lock: lock };
        // Nobody writes any more what a process left that was killed while it wrote.
        for name in directory.names()?.iter().filter(|name| name.starts_with(UNFINISHED)) {
            let left = path.join(name);
            fs::remove_file(&left).map_err(fail(&left, "removing"))?;
        }
        Ok(directory)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a generation is kept.
    pub fn file(&self, id: u64) -> PathBuf {
        self.path.join(format!("{PREFIX}{id:010}{SUFFIX}"))
    }

    /// The numbers of the generations that are kept, ascending.
    pub fn kept(&self) -> Result<Vec<u64>, ArtefactError> {
        let names = self.names()?;
        let mut kept: Vec<u64> = names.iter().filter_map(|name| number(name, SUFFIX)).collect();
        kept.sort_unstable();
        Ok(kept)
    }

    /// The last number that may ever have been given, as far as anything tells of it.
    pub fn last_number(&self) -> Result<u64, ArtefactError> {
        let known = |name: &String| {
            let (name, _) = name.split_once(SUFFIX)?;
            number(&format!("{name}{SUFFIX}"), SUFFIX)
        };
        let highest = self.names()?.iter().filter_map(known).max().unwrap_or(0);
        let path = self.path.join(NEXT);
        let next = match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().unwrap_or_else(|_| {
                tracing::warn!(path = %path.display(), "the file holds no number");
                0_u64
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(fail(&path, "reading")(error)),
        };
        Ok(highest.max(next.saturating_sub(1)))
    }

    /// Makes sure that a number is known as given, whether its generation is ever written or not.
    ///
    /// # Errors
    ///
    /// If that can't be noted.
    pub fn reserve(&self, id: u64) -> Result<(), ArtefactError> {
        let path = self.path.join(NEXT);
        let noted = self.put(&path, |file| writeln!(file, "{}", id.saturating_add(1)));
        noted.map(|_| ()).map_err(fail(&path, "writing"))
    }

    /// What a file says about its generation, which may be damaged or foreign.
    pub fn header(&self, id: u64) -> Result<Header, ArtefactError> {
        open::header(&self.file(id))
    }

    /// The sum of the answers of a generation that is kept, for which it is read as a whole, but
    /// not into memory.
    pub fn checksum(&self, id: u64, ctx: Context<'_>) -> Result<Checksum, ArtefactError> {
        let path = self.file(id);
        missing(id, read::checksum(&path, id, &self.identity, ctx))
    }

    /// Keeps a generation, and removes those that are too old; tells how many bytes it took.
    ///
    /// If it fails, the disk being full for instance, everything is as before.
    pub fn write(&self, generation: &Generation) -> Result<u64, ArtefactError> {
        let path = self.file(generation.id);
        let written = self.put(&path, |file| {
            let mut out = BufWriter::with_capacity(1 << 18, file);
            write::generation(generation, &self.identity, &mut out)?;
            out.flush()
        });
        let bytes = written.map_err(fail(&path, "writing"))?;
        self.tidy();
        Ok(bytes)
    }

    /// Reads a generation that is kept.
    pub fn read(&self, id: u64, ctx: Context<'_>) -> Result<Generation, ArtefactError> {
        let path = self.file(id);
        missing(id, read::generation(&path, id, &self.identity, ctx))
    }

    /// Reads the newest generation that can be used. What can't be is told of in the log, and set
    /// aside if it never can.
    pub fn load(&self, ctx: Context<'_>) -> Result<Loaded, ArtefactError> {
        let mut loaded = Loaded::default();
        for id in self.kept()?.into_iter().rev() {
            match self.read(id, ctx) {
                Ok(generation) => {
                    loaded.generation = Some(generation);
                    break;
                }
                Err(error) => loaded.set_aside.push(self.set_aside(id, error)),
            }
        }
        Ok(loaded)
    }

    /// Gives a file that can't be used a name that says so.
    pub fn set_aside(&self, id: u64, error: ArtefactError) -> SetAside {
        let because = match &error {
            ArtefactError::Damaged { .. } => Some("damaged"),
            ArtefactError::Foreign { .. } => Some("foreign"),
            // The moment or the limit may be at fault: another start can do better.
            _ => None,
        };
        let path = self.file(id);
        let now = because.map(|because| path.with_extension(format!("aqs.{because}")));
        let now = now.filter(|now| match fs::rename(&path, now) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "a file can't be set aside");
                false
            }
        });
        let aside = now.as_ref().map(|path| tracing::field::display(path.display()));
        tracing::warn!(%error, aside, "a kept generation can't be used");
        if let Some(because) = because {
            self.tidy_aside(because);
        }
        SetAside { now, error }
    }

    /// Writes a file under another name, and gives it its own when it is whole and on the disk.
    fn put(&self, path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<u64> {
        let mut unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.path)?;
        // It removes itself if anything fails.
        write(unfinished.as_file_mut())?;
        unfinished.as_file().sync_all()?;
        let bytes = unfinished.as_file().metadata()?.len();
        unfinished.persist(path).map_err(|error| error.error)?;
        // So that the new name is there after a crash of the machine, too.
        File::open(&self.path)?.sync_all()?;
        Ok(bytes)
    }

    /// Removes generations beyond those that stay. One that can't be removed does no harm.
    fn tidy(&self) {
        let Ok(kept) = self.kept() else { return };
        let too_old = kept.len().saturating_sub(self.keep.saturating_add(1));
        for path in kept.iter().take(too_old).map(|id| self.file(*id)) {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(%error, path = %path.display(), "an old generation stays");
            }
        }
    }

    /// Removes all but the newest files that could not be used for a reason.
    fn tidy_aside(&self, because: &str) {
        let suffix = format!("{SUFFIX}.{because}");
        let Ok(names) = self.names() else { return };
        let mut aside: Vec<u64> = names.iter().filter_map(|name| number(name, &suffix)).collect();
        aside.sort_unstable();
        let too_many = aside.len().saturating_sub(KEPT_ASIDE);
        for id in aside.iter().take(too_many) {
            let path = self.file(*id).with_extension(format!("aqs.{because}"));
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(%error, path = %path.display(), "what is of no use stays");
            }
        }
    }

    fn names(&self) -> Result<Vec<String>, ArtefactError> {
        let failed = || fail(&self.path, "listing");
        let entries = fs::read_dir(&self.path).map_err(failed())?;
        let name = |entry: io::Result<fs::DirEntry>| match entry {
            Ok(entry) => entry.file_name().into_string().ok().map(Ok),
            Err(error) => Some(Err(failed()(error))),
        };
        entries.filter_map(name).collect()
    }
}

fn missing<T>(id: u64, read: Result<T, ArtefactError>) -> Result<T, ArtefactError> {
    match read {
        Err(ArtefactError::File { path, source, .. })
            if source.kind() == io::ErrorKind::NotFound =>
        {
            Err(ArtefactError::Missing { id, path })
        }
        read => read,
    }
}

fn number(name: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(suffix)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn fail(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> ArtefactError + use<> {
    let path = path.to_owned();
    move |source| ArtefactError::File { path, doing, source }
}

#[cfg(test)]
mod tests;

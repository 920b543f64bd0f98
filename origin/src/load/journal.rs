//! How far a load has come, kept in a file, so that it can go on after an interruption.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};
use xxhash_rust::xxh3::xxh3_64;

/// How long the file may be behind.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// How far a load has come. Kept nowhere if there is no place for it.
#[derive(Debug)]
pub struct Journal {
    path: Option<PathBuf>,
    files: BTreeMap<String, Reached>,
    saved: Instant,
    /// Saving failed, and it was said once.
    complained: bool,
}

/// How far one file is written to one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    file: Mark,
    /// Which table, so that one that was dropped and made anew is filled anew.
    table: String,
    /// Up to which line everything is written.
    lines: u64,
}

/// What tells whether a file is still the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    bytes: u64,
    modified_ns: u128,
}

impl Journal {
    /// The journal of loading a directory to a cluster, in a state directory: what an earlier
    /// load left if it didn't come to its end, unless it is to be forgotten.
    pub fn open(state: Option<&Path>, directory: &Path, cluster: &str, forget: bool) -> Self {
        let path = state.map(|state| state.join(name(directory, cluster)));
        let mut journal =
            Self { path, files: BTreeMap::new(), saved: Instant::now(), complained: false };
        if forget {
            journal.remove();
        } else if let Some(path) = &journal.path {
            journal.files = read(path);
        }
        journal
    }

    /// Whether an earlier load left something.
    pub fn has_earlier(&self) -> bool {
        self.files.values().any(|reached| reached.lines > 0)
    }

    /// Begins a file that goes into a table; the number of its lines that are written already.
    pub(crate) fn begin(&mut self, table: &str, id: &str, path: &Path) -> io::Result<u64> {
        let file = mark(path)?;
        let before = match self.files.get(table) {
            Some(reached) if reached.file == file && reached.table == id => reached.lines,
            _ => 0,
        };
        let reached = Reached { file, table: id.to_owned(), lines: before };
        self.files.insert(table.to_owned(), reached);
        Ok(before)
    }

    /// Came to a line of a table's file; saved if that is due.
    pub(crate) fn reached(&mut self, table: &str, lines: u64) {
        if let Some(reached) = self.files.get_mut(table) {
            reached.lines = lines;
        }
        if self.saved.elapsed() >= SAVE_EVERY {
            self.save();
        }
    }

    /// Saves it. What can't be saved costs time after an interruption, and so is only warned of.
    pub(crate) fn save(&mut self) {
        self.saved = Instant::now();
        let Some(path) = &self.path else { return };
        if let Err(error) = write(path, &self.files) {
            if !self.complained {
                let path = path.display();
                tracing::warn!(%path, %error, "how far the load is can't be kept: it could not go on after an interruption");
            }
            self.complained = true;
        }
    }

    /// Forgets it: the load is at its end.
    pub(crate) fn remove(&mut self) {
        self.files.clear();
        let Some(path) = &self.path else { return };
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "a finished load's journal stays");
            }
            _ => {}
        }
    }
}

fn name(directory: &Path, cluster: &str) -> String {
    let mut key = directory.as_os_str().as_encoded_bytes().to_vec();
    key.push(0);
    key.extend_from_slice(cluster.as_bytes());
    format!("load-{:016x}.json", xxh3_64(&key))
}

fn mark(path: &Path) -> io::Result<Mark> {
    let found = fs::metadata(path)?;
    let modified = found.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Mark { bytes: found.len(), modified_ns: modified.as_nanos() })
}

fn read(path: &Path) -> BTreeMap<String, Reached> {
    let failed = |error: io::Error| {
        tracing::warn!(path = %path.display(), %error, "how far an earlier load came can't be read: all is loaded");
        BTreeMap::new()
    };
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| failed(error.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => failed(error),
    }
}

/// Writes a whole file or none, so that one that was cut off is never read.
fn write(path: &Path, files: &BTreeMap<String, Reached>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, files)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    struct Place {
        folder: TempDir,
        file: PathBuf,
    }

    fn place() -> io::Result<Place> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("unique_devices.ndjson");
        fs::write(&file, "{}\n{}\n")?;
        Ok(Place { folder, file })
    }

    impl Place {
        fn open(&self, cluster: &str, forget: bool) -> Journal {
            let state = self.folder.path().join("state");
            Journal::open(Some(&state), self.folder.path(), cluster, forget)
        }

        /// Loads as far as line 7, and is interrupted.
        fn interrupted(&self) -> io::Result<()> {
            let mut journal = self.open("ours", false);
            assert_eq!(journal.begin("unique_devices", "id-1", &self.file)?, 0);
            journal.reached("unique_devices", 7);
            journal.save();
            Ok(())
        }

        fn before(&self, cluster: &str, id: &str) -> io::Result<u64> {
            self.open(cluster, false).begin("unique_devices", id, &self.file)
        }
    }

    #[test]
    fn an_interrupted_load_goes_on() -> io::Result<()> {
        let place = place()?;
        assert!(!place.open("ours", false).has_earlier());
        place.interrupted()?;
        assert!(place.open("ours", false).has_earlier());
        assert_eq!(place.before("ours", "id-1")?, 7);
        Ok(())
    }

    #[test]
    fn another_cluster_table_or_file_is_loaded_from_its_beginning() -> io::Result<()> {
        let place = place()?;
        place.interrupted()?;
        assert_eq!(place.before("theirs", "id-1")?, 0);
        assert_eq!(place.before("ours", "id-2")?, 0);
        fs::write(&place.file, "{}\n{}\n{}\n")?;
        assert_eq!(place.before("ours", "id-1")?, 0);
        Ok(())
    }

    #[test]
    fn a_finished_or_forgotten_load_leaves_nothing() -> io::Result<()> {
        let place = place()?;
        place.interrupted()?;
        place.open("ours", false).remove();
        assert_eq!(place.before("ours", "id-1")?, 0);
        place.interrupted()?;
        assert!(!place.open("ours", true).has_earlier());
        assert_eq!(place.before("ours", "id-1")?, 0);
        Ok(())
    }

    #[test]
    fn a_damaged_journal_costs_no_more_than_time() -> io::Result<()> {
        let place = place()?;
        place.interrupted()?;
        let state = place.folder.path().join("state");
        let path = state.join(name(place.folder.path(), "ours"));
        let whole = fs::read(&path)?;
        fs::write(&path, whole.get(..whole.len() / 2).unwrap_or_default())?;
        assert_eq!(place.before("ours", "id-1")?, 0);
        Ok(())
    }

    #[test]
    fn without_a_place_nothing_is_kept() -> io::Result<()> {
        let place = place()?;
        let mut journal = Journal::open(None, place.folder.path(), "ours", false);
        assert_eq!(journal.begin("unique_devices", "id-1", &place.file)?, 0);
        journal.reached("unique_devices", 7);
        journal.save();
        journal.remove();
        Ok(())
    }
}

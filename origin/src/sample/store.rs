//! The sample as an embedded store: built at the first start, kept in the user's cache folder.

use super::SampleError;
use super::{VERSION, default_rows, rows};
use crate::row::{Cell, Sink, SinkError};
use crate::store::embedded::{
    EmbeddedStore, OpenError, Options, StoreWriter, WriteError, WriterOptions,
};
use aqs_api::{Catalogue, Table};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// How long another process may take to build the same store.
const BUILD_TIMEOUT: Duration = Duration::from_secs(120);

#[derive(Debug)]
pub struct SampleStore {
    pub path: PathBuf,
    /// Where the file is if the cache folder is not writable; removed on drop.
    _temporary: Option<TempDir>,
}

impl SampleStore {
    /// Finds the store in the user's cache folder, or builds it there. `building` is called before
    /// a build, which takes some seconds.
    ///
    /// # Errors
    ///
    /// If it can be neither read nor built, or `ended` became true during the build, which then
    /// leaves nothing behind.
    pub fn find_or_build(
        catalogue: &Catalogue,
        building: impl FnOnce(&Path),
        ended: &AtomicBool,
    ) -> Result<Self, SampleError> {
        let (folder, temporary) = match cache_folder() {
            Some(folder) => (folder, None),
            None => {
                let created = tempfile::Builder::new().prefix("aqs-sample-").tempdir();
                let temporary = created.map_err(SampleError::NoFolder)?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let version = env!("CARGO_PKG_VERSION");
        let default_rows = default_rows::version(catalogue);
        let default_rows = default_rows.map(|version| format!("-{version}")).unwrap_or_default();
        let path = folder.join(format!("sample-{VERSION}-{version}{default_rows}.sqlite"));
        let store = Self { path, _temporary: temporary };
        match EmbeddedStore::open(&store.path, catalogue, Options::default()) {
            Ok(_) => return Ok(store),
            Err(OpenError::Missing { .. }) => {}
            // A file that is unreadable for now may be intact. Only one that is no store of this
            // program is replaced.
            Err(OpenError::File(error)) if !error.is_damage() => {
                return Err(SampleError::Unreadable(error.into()));
            }
            Err(
                error @ (OpenError::UnmergedLog { .. }
                | OpenError::LeftoverLog { .. }
                | OpenError::Changing { .. }),
            ) => {
                return Err(SampleError::Unreadable(error));
            }
            Err(error) => {
                tracing::warn!(%error, "rebuilding the sample data");
                let path = &store.path;
                let failed = |source| SampleError::Damaged { path: path.clone(), source };
                std::fs::remove_file(path).map_err(failed)?;
            }
        }
        building(&store.path);
        match StoreWriter::create(&store.path, catalogue, WriterOptions { wait: BUILD_TIMEOUT }) {
            Ok(mut writer) => {
                rows(catalogue, &mut UntilEnded { writer: &mut writer, ended })?;
                writer.commit()?;
            }
            // Another process was faster.
            Err(WriteError::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(store)
    }
}

/// Passes rows on until `ended` is set.
struct UntilEnded<'a> {
    writer: &'a mut StoreWriter,
    ended: &'a AtomicBool,
}

impl Sink for UntilEnded<'_> {
    fn row(&mut self, table: &'static Table, cells: &[Cell<'_>]) -> Result<(), SinkError> {
        if self.ended.load(Ordering::Relaxed) {
            return Err(SinkError::Interrupted);
        }
        self.writer.row(table, cells)
    }
}

fn cache_folder() -> Option<PathBuf> {
    let folder = directories::BaseDirs::new()?.cache_dir().join("aqs");
    std::fs::create_dir_all(&folder).ok()?;
    tempfile::tempfile_in(&folder).ok()?;
    Some(folder)
}

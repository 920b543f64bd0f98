//! The sample as an embedded store: built at first start, kept in the user's cache folder.

use crate::load::row::{Cell, Sink, SinkError};
use crate::sample::{self, SampleError};
use crate::store::embedded::{
    EmbeddedStore, OpenError, Options, StoreWriter, WriteError, WriterOptions,
};
use aqs_api::{Catalogue, Table};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use thiserror::Error;

/// How long another process may take to build the same store.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the sample's store is.
#[derive(Debug)]
pub struct SampleStore {
    /// Its file.
    pub path: PathBuf,
    /// Where it was built if the cache folder can't be written; removed in the end.
    _temporary: Option<TempDir>,
}

/// The sample can't be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SampleStoreError {
    /// Its rows can't be made or written.
    #[error("building the sample data failed: {0}")]
    Sample(#[from] SampleError),
    /// Its store can't be made.
    #[error("building the sample data failed: {0}")]
    Write(#[from] WriteError),
    /// It can be written nowhere.
    #[error(
        "the sample data needs a folder that can be written: {0}; or name a store with --store"
    )]
    NoFolder(io::Error),
    /// It is there, but can't be read.
    #[error("the sample data can't be read: {0}")]
    Unreadable(OpenError),
    /// A damaged one can't be moved out of the way.
    #[error("{path} is damaged and can't be removed: {source}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl SampleStore {
    /// Finds the store in the user's cache folder or builds it there; `building` is called
    /// before the latter, which takes some seconds.
    ///
    /// # Errors
    ///
    /// If it can't be had, or `ended` turned true before it was built: nothing is left of it then.
    pub fn find_or_build(
        catalogue: &Catalogue,
        building: impl FnOnce(&Path),
        ended: &AtomicBool,
    ) -> Result<Self, SampleStoreError> {
        let (folder, temporary) = match cache_folder() {
            Some(folder) => (folder, None),
            None => {
                let made = tempfile::Builder::new().prefix("aqs-sample-").tempdir();
                let temporary = made.map_err(SampleStoreError::NoFolder)?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let version = env!("CARGO_PKG_VERSION");
        let path = folder.join(format!("sample-{}-{version}.sqlite", sample::VERSION));
        Self::find_or_build_at(&path, catalogue, building, ended)?;
        Ok(Self { path, _temporary: temporary })
    }

    /// The same at a path.
    pub fn find_or_build_at(
        path: &Path,
        catalogue: &Catalogue,
        building: impl FnOnce(&Path),
        ended: &AtomicBool,
    ) -> Result<(), SampleStoreError> {
        match EmbeddedStore::open(path, catalogue, Options::default()) {
            Ok(_) => return Ok(()),
            Err(OpenError::Missing { .. }) => {}
            // What can't be read now may be in order: only what is no store of ours is made again.
            Err(OpenError::File(error)) if !error.is_damage() => {
                return Err(SampleStoreError::Unreadable(error.into()));
            }
            Err(error @ OpenError::UnmergedLog { .. }) => {
                return Err(SampleStoreError::Unreadable(error));
            }
            Err(error) => {
                tracing::warn!(%error, "the sample data is built anew");
                std::fs::remove_file(path).map_err(|source| SampleStoreError::Damaged {
                    path: path.to_owned(),
                    source,
                })?;
            }
        }
        building(path);
        let options = WriterOptions { wait: PATIENCE };
        match StoreWriter::create(path, catalogue, options) {
            Ok(mut writer) => {
                sample::rows(&mut UntilEnded { writer: &mut writer, ended })?;
                writer.commit()?;
            }
            // Another process was faster.
            Err(WriteError::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// Writes rows until somebody ends it.
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

/// The user's cache folder, if it can be written.
fn cache_folder() -> Option<PathBuf> {
    let folder = directories::BaseDirs::new()?.cache_dir().join("aqs");
    std::fs::create_dir_all(&folder).ok()?;
    tempfile::tempfile_in(&folder).ok()?;
    Some(folder)
}

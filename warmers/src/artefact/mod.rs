//! Generations on disk, so that a restarted server serves at once what was served before, also
//! without its store.
//!
//! A file `gen-0000000007.aqs` is written under a temporary name, synced and renamed: under its
//! own name it is complete or absent. Files that are damaged, or of another store, state or
//! build, are renamed (`.damaged`, `.foreign`) and never read again. Purges hold: answers keep
//! their epochs, which are valid for a single state directory, so a file names its own.

mod directory;
mod file;

pub use directory::ArtefactDirectory;
pub use file::{Header, RestoreContext};

use aqs_api::{Catalogue, fingerprint};
use aqs_origin::stores::RoutedStore;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;
use thiserror::Error;
use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode;

/// What the answers of a file depend on, besides the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The state directory whose epochs the answers have: `Epochs::identity`.
    pub state: u64,
    /// The stores of the answers.
    pub stores: Vec<StoreIdentity>,
    /// The version of the program, and the fingerprint of its catalogue and bodies.
    pub build: String,
}

/// A store and what is read from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreIdentity {
    /// Such as contact points. Stores that share a name are the same.
    pub names: Vec<String>,
    pub datasets: Vec<String>,
}

impl StoreIdentity {
    pub fn of(store: &RoutedStore) -> Self {
        let datasets = store.datasets().iter().map(|dataset| dataset.name.to_owned());
        Self { names: store.identity(), datasets: datasets.collect() }
    }

    fn is(&self, other: &Self) -> bool {
        self.datasets == other.datasets && self.names.iter().any(|name| other.names.contains(name))
    }
}

impl Identity {
    pub fn new(state: u64, stores: Vec<StoreIdentity>, catalogue: &Catalogue) -> Self {
        let build = format!("{} {:016x}", env!("CARGO_PKG_VERSION"), fingerprint(catalogue));
        Self { state, stores, build }
    }
}

#[derive(Debug, Error)]
pub enum ArtefactError {
    #[error("the hot set's directory {0} is in use by another aqs")]
    Busy(PathBuf),
    #[error("generation {id} is not kept: there is no {path}")]
    Missing { id: u64, path: PathBuf },
    #[error("failed to {action} {path}: {source}")]
    File { path: PathBuf, action: &'static str, source: io::Error },
    /// The file is not what was written.
    #[error("{path} is damaged: {reason}")]
    Damaged { path: PathBuf, reason: String },
    /// The generation exceeds the memory limit. Its file stays for a higher one.
    #[error(
        "{path} holds a generation of {bytes} bytes or more, and one may take {limit}; raise the \
         limit to use it"
    )]
    TooLarge { path: PathBuf, bytes: u64, limit: u64 },
    /// The file is intact, but of no use here.
    #[error("{path} cannot be used here: {reason}")]
    Foreign { path: PathBuf, reason: String },
    /// The runtime shuts down, or the task has panicked.
    #[error("a task of the hot set ended without a result")]
    Lost,
}

/// Why a file could not be read, without its path.
#[derive(Debug, Error)]
enum ReadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is intact, but of no use.
    #[error("{0}")]
    Foreign(String),
    #[error("it takes {0} bytes or more")]
    TooLarge(u64),
}

impl ReadError {
    fn damaged(reason: impl Into<String>) -> Self {
        Self::Io(io::Error::new(io::ErrorKind::InvalidData, reason.into()))
    }

    fn at(self, id: u64, path: PathBuf, limit: u64) -> ArtefactError {
        match self {
            Self::Foreign(reason) => ArtefactError::Foreign { path, reason },
            Self::TooLarge(bytes) => ArtefactError::TooLarge { path, bytes, limit },
            Self::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                ArtefactError::Missing { id, path }
            }
            Self::Io(error) if is_damage(&error) => {
                ArtefactError::Damaged { path, reason: error.to_string() }
            }
            Self::Io(source) => ArtefactError::File { path, action: "read", source },
        }
    }
}

/// Whether the content of a file is at fault, and not the system that reads it.
fn is_damage(error: &io::Error) -> bool {
    match error.get_ref().and_then(|error| error.downcast_ref::<zstd::Error>()) {
        Some(error) => !error.is(ZSTD_ErrorCode::ZSTD_error_memory_allocation),
        None => {
            matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
        }
    }
}

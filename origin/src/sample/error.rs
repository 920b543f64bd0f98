use crate::row::SinkError;
use crate::store::embedded::{OpenError, WriteError};
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// The sample could not be written or opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SampleError {
    /// A bundled file does not hold what the generator expects, which is a defect of the build.
    #[error("failed to read bundled file {file}, line {line}: {reason}")]
    Bundled { file: &'static str, line: usize, reason: String },
    /// The sink refused a row.
    #[error("failed to write the sample data: {0}")]
    Sink(#[from] SinkError),
    #[error("failed to write the sample data: {0}")]
    Write(#[from] WriteError),
    /// The directory already holds a table, which is not overwritten.
    #[error("{} exists already; give a directory without tables", path.display())]
    Occupied { path: PathBuf },
    #[error(
        "failed to find a writable folder for the sample data: {0}; or name a store with --store"
    )]
    NoFolder(io::Error),
    #[error("failed to read the sample data: {0}")]
    Unreadable(OpenError),
    /// A damaged store could not be removed.
    #[error("failed to remove {}, which is damaged: {source}", path.display())]
    Damaged { path: PathBuf, source: io::Error },
}

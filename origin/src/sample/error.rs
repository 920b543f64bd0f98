//! What can go wrong with the sample.

use crate::load::row::SinkError;
use std::io;
use thiserror::Error;

/// The sample could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SampleError {
    /// Whoever takes the rows refused one.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A bundled file doesn't hold what the generator expects: a fault of the build.
    #[error("bundled file {file}, line {line}: {reason}")]
    Bundled {
        /// Its name in `config/sample`.
        file: &'static str,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A directory already holds tables, which are not overwritten.
    #[error("{path} is there already; give a directory without tables")]
    Occupied {
        /// The file in the way.
        path: String,
    },
    /// A directory could not be made or read.
    #[error("{path}: {source}")]
    Directory {
        /// Which one.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}

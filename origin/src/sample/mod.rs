//! The bundled sample data, which the embedded store is filled with by default.
//!
//! Published figures (see `config/sample/PROVENANCE.md`) are taken over exactly; a generator
//! completes them. The generator is driven by descriptions of tables (`tables`):
//!
//! ```text
//! bundled ─▶ world ──┐
//!    └─▶ published ──┴▶ numbers ──▶ lists ─┐
//!                          └──────────────┴▶ rows ─▶ Sink
//! ```
//!
//! A table that is not described gets rows by the roles of its columns and the endpoints that read
//! it (`default_rows`). For figures that agree with those of other tables, describe it in `tables`.

mod bundled;
mod cube;
mod default_rows;
mod directory;
mod lists;
mod noise;
mod numbers;
mod rows;
mod store;
mod tables;
#[cfg(test)]
mod tests;

pub use directory::write_directory;
pub use rows::{Summary, rows};
pub use store::SampleStore;

use crate::row::SinkError;
use crate::store::embedded::{OpenError, WriteError};
use jiff::civil::Date;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// The version of the output. A store that was filled with another version is not used.
pub const VERSION: u32 = 2;

/// What users are told about the figures.
pub const NOTICE: &str = "These are sample data: most figures are generated, and the others are published ones of \
                          Wikimedia.\nconfig/sample/README.md in the source says which.";

/// The last day of the sample.
pub const END: Date = Date::constant(2026, 10, 31);

/// The sample can't be written or opened.
#[derive(Debug, Error)]
pub enum SampleError {
    /// A bundled file does not hold what the generator expects, which is a defect of the build.
    #[error("failed to read bundled file {file}, line {line}: {reason}")]
    Bundled { file: &'static str, line: usize, reason: String },
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
    #[error("failed to remove {}, which is damaged: {source}", path.display())]
    Damaged { path: PathBuf, source: io::Error },
}

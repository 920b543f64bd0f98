//! Filling stores: rows, where they come from and where they go.
//!
//! A load is a directory of NDJSON, a file for each table and named after it
//! (`unique_devices.ndjson`, or `.ndjson.gz`). A line is a row and its fields are columns: one
//! that is absent leaves what the store has, `null` clears it. JSON columns are text that holds
//! JSON. Rows that make no sense are reported with file, line and reason, and left out.

mod bad_row;
mod cluster;
mod directory;
mod error;
mod file;
mod find;
mod journal;
mod json_text;
mod lines;
mod parse;
pub(crate) mod period;
mod progress;
mod report;
pub mod row;
mod value;

pub use bad_row::{BadRow, Reason};
pub use cluster::{ClusterReport, into_cluster};
pub use directory::{Options, directory, into_store};
pub use error::LoadError;
pub use journal::Journal;
pub use period::BadPeriod;
pub use progress::{Advance, Progress};
pub use report::{Report, TableReport};

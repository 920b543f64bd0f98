//! Loads rows into stores.
//!
//! A load reads a directory of NDJSON: one file for each table, named after it
//! (`unique_devices.ndjson` or `.ndjson.gz`). A line is a row and its fields are columns: an absent
//! column keeps the stored value, `null` clears it. JSON columns are text that holds JSON. Invalid
//! rows are reported with file, line and reason, and left out.

mod directory;
mod error;
mod parse;
mod report;
mod source;

pub use crate::period::{BadPeriod, MissingColumn};
pub use directory::{Options, directory, into_cluster, into_store};
pub use error::LoadError;
pub use report::{Advance, BadRow, Progress, Reason, Report, TableReport};

//! How far a load is.

use super::bad_row::BadRow;
use std::path::Path;

/// Is told how far a load is. Every method may do nothing.
pub trait Progress {
    /// Goes on with a load that was interrupted.
    fn goes_on(&mut self) {}

    /// Begins a file.
    fn file(&mut self, path: &Path, table: &'static str) {
        let _ = (path, table);
    }

    /// Came further: now and then, and at the end of each file.
    fn advanced(&mut self, at: Advance) {
        let _ = at;
    }

    /// Left a row out. Every one is told, however many there are.
    fn bad_row(&mut self, row: &BadRow) {
        let _ = row;
    }
}

/// How far a load is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advance {
    /// Bytes read of the files, as they are on disk.
    pub bytes: u64,
    /// Bytes of all files.
    pub total: u64,
    /// Rows written.
    pub rows: u64,
    /// Rows left out.
    pub bad: u64,
}

/// Tells nobody.
impl Progress for () {}

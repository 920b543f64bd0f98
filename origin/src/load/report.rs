//! What a load has done.

use super::bad_row::BadRow;
use std::collections::BTreeMap;

/// What a load has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// By table, of each that had a file.
    pub tables: BTreeMap<&'static str, TableReport>,
    /// The first rows that were left out, at most as many as were to be kept.
    pub bad_rows: Vec<BadRow>,
    /// The datasets in which something is another now; empty unless a store was loaded.
    pub changed: Vec<&'static str>,
}

/// What a load has done to one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableReport {
    /// Rows written.
    pub rows: u64,
    /// Rows left out.
    pub bad: u64,
}

impl Report {
    /// Rows written, of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }

    /// Rows left out, of all tables.
    pub fn bad(&self) -> u64 {
        self.tables.values().map(|table| table.bad).sum()
    }
}

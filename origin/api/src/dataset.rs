//! Datasets: what arrives together, is as new together and is purged together.

use crate::granularity::Granularity;
use crate::table::Table;
use std::hash::{Hash, Hasher};

/// A table at one granularity.
#[derive(Debug)]
pub struct Dataset {
    /// Its name, as operators and `/metrics/datasets` see it.
    pub name: &'static str,
    /// Where its rows are.
    pub table: &'static Table,
    /// Which of the table's rows are meant: `granularity` of a series; `Monthly` means
    /// `all-days` where a table has days.
    pub granularity: Granularity,
    /// A partition that is as new as all others, for a store that can't look at all of them: a
    /// text for each column of the partition key, up to the first that is a date.
    pub probe: &'static [&'static str],
}

/// A dataset's position in its catalogue, for arrays by dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DatasetId(pub(crate) u16);

impl DatasetId {
    /// The position.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

// Names are unique in a catalogue (checked when it is built), so they stand for the dataset.
impl PartialEq for Dataset {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Dataset {}

impl Hash for Dataset {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

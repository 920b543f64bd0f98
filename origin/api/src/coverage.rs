//! What a store holds, by dataset.

use crate::calendar::Digits;
use crate::dataset::Dataset;
use std::collections::BTreeMap;

/// What is loaded of one dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The oldest period, in the digits of its table's timestamps.
    pub first: Digits,
    /// The newest period: "data through".
    pub last: Digits,
    /// How many partitions there are, if the store can tell.
    pub series: Option<u64>,
}

/// What is loaded, of every dataset that has a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<&'static str, Extent>);

impl Coverage {
    /// What is loaded of a dataset; `None` if nothing is.
    pub fn get(&self, dataset: &Dataset) -> Option<&Extent> {
        self.0.get(dataset.name)
    }

    /// Notes what is loaded of a dataset.
    pub fn insert(&mut self, dataset: &'static Dataset, extent: Extent) {
        self.0.insert(dataset.name, extent);
    }

    /// Whether nothing is loaded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

//! What a store is asked.

use crate::calendar::Digits;
use crate::dataset::Dataset;
use crate::query::Query;
use crate::table::Calendar;
use crate::text_list::TextList;

/// A question to a store. Equal lookups have equal answers, so they can share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lookup {
    /// Rows of one partition of a table.
    Points(Read),
}

/// A read of one partition: all value columns, so that one read serves every column's askers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Read {
    /// What is read.
    pub dataset: &'static Dataset,
    /// A text for each column of the table's partition key, in order.
    pub partition: TextList,
    /// The first and last timestamp wanted, both included; `None` for a table without one.
    pub range: Option<(Digits, Digits)>,
}

impl Lookup {
    /// The periods of a series that a query spans, in the digits of its table.
    pub fn series<const N: usize>(
        query: &Query,
        dataset: &'static Dataset,
        partition: [&str; N],
    ) -> Self {
        let range = match dataset.table.calendar {
            Calendar::Series(form) => query.range(form),
            Calendar::YearMonthDay | Calendar::YearMonth => None,
        };
        Self::Points(Read { dataset, partition: partition.into_iter().collect(), range })
    }

    /// The one row of a partition that is a whole answer.
    pub fn whole<const N: usize>(dataset: &'static Dataset, partition: [&str; N]) -> Self {
        Self::Points(Read { dataset, partition: partition.into_iter().collect(), range: None })
    }

    /// The dataset that is asked.
    pub fn dataset(&self) -> &'static Dataset {
        match self {
            Self::Points(read) => read.dataset,
        }
    }
}

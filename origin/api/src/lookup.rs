//! What a store is asked.

use crate::calendar::Digits;
use crate::dataset::Dataset;
use crate::query::Query;
use crate::table::{ALL_DAYS, Calendar};
use crate::text_list::TextList;

/// A question to a store. Equal lookups have equal answers, so they can share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

impl Read {
    /// The period that the partition key itself is about, in the digits of its dataset's extent:
    /// a day, or the first of a month. `None` where periods are rows.
    pub fn period(&self) -> Option<Digits> {
        let table = self.dataset.table;
        let part = |name| {
            let index = table.partition.iter().position(|column| column.name == name)?;
            self.partition.get(index)
        };
        let day = match table.calendar {
            Calendar::Series(_) => return None,
            Calendar::YearMonth => "01",
            Calendar::YearMonthDay => part("day").filter(|day| *day != ALL_DAYS).unwrap_or("01"),
        };
        Digits::from_text(&format!("{}{}{day}", part("year")?, part("month")?))
    }
}

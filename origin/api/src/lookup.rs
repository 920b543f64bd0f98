//! What is read from a store.

use crate::calendar::{Digits, Span};
use crate::rows::{Rows, RowsBuilder};
use crate::source::EventSource;
use crate::table::{ALL_DAYS, ColumnRole, Dataset, Table};
use crate::text_list::TextList;
use std::hash::{Hash, Hasher};

/// A read of a store. Equal lookups have equal rows, so they can share a read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Lookup {
    /// Rows of one partition of a table.
    Points(Read),
    /// Aggregated events.
    Events(EventRead),
}

/// A read of one partition: all value columns, so that one read serves the answers of every column.
#[derive(Clone, Debug)]
pub struct Read {
    pub dataset: &'static Dataset,
    /// The table of the dataset.
    pub table: &'static Table,
    /// A text for each column of the table's partition key, in order.
    pub partition: TextList,
    /// The first and last timestamp, both included; `None` for a table without timestamps.
    pub range: Option<(Digits, Digits)>,
}

/// An aggregation of events.
#[derive(Clone, Debug)]
pub struct EventRead {
    pub dataset: &'static Dataset,
    pub source: &'static EventSource,
    /// A text for each of the source's filters, in order.
    pub values: TextList,
    pub span: Option<Span>,
}

impl EventRead {
    // Each source is one static.
    fn identity(&self) -> (*const EventSource, &'static Dataset, &TextList, Option<Span>) {
        (self.source, self.dataset, &self.values, self.span)
    }
}

impl PartialEq for EventRead {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for EventRead {}

impl Hash for EventRead {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl PartialEq for Read {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Read {}

impl Hash for Read {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl Lookup {
    /// Starts the rows that answer it.
    pub fn rows(&self) -> RowsBuilder {
        match self {
            Self::Points(read) => Rows::of(read.table),
            Self::Events(read) => Rows::of_events(read.source),
        }
    }

    /// The first and last timestamp of the rows, if they have any.
    pub fn range(&self) -> Option<(Digits, Digits)> {
        match self {
            Self::Points(read) => read.range,
            Self::Events(_) => None,
        }
    }

    pub fn dataset(&self) -> &'static Dataset {
        match self {
            Self::Points(read) => read.dataset,
            Self::Events(read) => read.dataset,
        }
    }
}

impl Read {
    // A dataset is of one table.
    fn identity(&self) -> (&'static Dataset, &TextList, Option<(Digits, Digits)>) {
        (self.dataset, &self.partition, self.range)
    }

    /// The period of the partition, in the digits of its dataset's extent: a day, or the first of
    /// a month. `None` where periods are rows.
    pub fn period(&self) -> Option<Digits> {
        let table = self.table;
        let part = |role| self.partition.get(table.partition_position(role)?);
        let (year, month) = part(ColumnRole::Year).zip(part(ColumnRole::Month))?;
        let day = part(ColumnRole::Day).filter(|day| *day != ALL_DAYS).unwrap_or("01");
        Digits::from_text(&format!("{year}{month}{day}"))
    }
}

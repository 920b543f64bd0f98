//! Where the rows of an endpoint come from. Which store has them is not part of it.

use crate::param::Param;
use crate::table::{Column, Dataset, Table};

/// The rows of an endpoint.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// Rows of one partition of a table.
    Table(&'static TableSource),
    /// Aggregated edit events.
    Events(&'static EventSource),
}

/// One partition of a table.
#[derive(Debug)]
pub struct TableSource {
    pub table: &'static Table,
    /// Its rows, once for each granularity that is stored. Where it is stored in one only, that
    /// answers all: months are summed from days.
    pub datasets: &'static [&'static Dataset],
    /// A value for each column of the partition key, in order.
    pub partition: &'static [KeyValue],
    /// The rows are a list in JSON.
    pub list: Option<&'static JsonList>,
}

/// The value of a column of a partition key.
#[derive(Clone, Copy, Debug)]
pub enum KeyValue {
    Param(&'static Param),
    Const(&'static str),
}

/// A list of objects in JSON, in the first row of a partition.
#[derive(Debug)]
pub struct JsonList {
    /// The columns that may hold it. The first that is not null counts.
    pub columns: &'static [&'static str],
    /// The members of its objects.
    pub members: &'static [Member],
    /// The members by which its objects are ordered.
    pub order: &'static [(&'static str, Order)],
}

/// A member of an object in a JSON list. Others are ignored.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub name: &'static str,
    pub kind: MemberType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberType {
    Int,
    /// Null, or no such member, is 0.
    OptionalInt,
    Text,
    IntOrText,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
}

/// An aggregation of edit events (contract §5.3).
#[derive(Debug)]
pub struct EventSource {
    /// The events, once for each granularity.
    pub datasets: &'static [&'static Dataset],
    /// Which events are counted.
    pub events: Events,
    /// The parameters that select among them, in the order of the query's filters.
    pub filters: &'static [(&'static Param, Dimension)],
    /// The name of the figure in query and result.
    pub metric: &'static str,
    pub figure: Figure,
    pub grouping: Grouping,
    /// The columns of the rows: the period or the dimension, then the metric.
    pub columns: &'static [Column],
}

/// Which events an aggregation counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    /// Revisions.
    Revisions,
    /// Revisions of pages that were not deleted.
    RevisionsKept,
    /// New pages, without redirects.
    PagesCreated,
    /// Accounts that their users created.
    UsersRegistered,
    /// Users that were active in a period, one event each.
    ActiveUsers,
    /// Pages that were edited in a period, one event each.
    EditedPages,
}

/// What a parameter selects by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    Project,
    UserType,
    PageType,
    ActivityLevel,
    PageTitle,
    UserText,
    UserCentralId,
}

/// The figure that is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    Events,
    NetBytes,
    AbsoluteBytes,
}

/// The rows of an aggregation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// A row for each period that is loaded.
    ByPeriod,
    /// A row for each period that has events.
    BySparsePeriod,
    /// The hundred greatest values of a dimension.
    Top(Dimension),
}

impl Source {
    /// What the rows are of, for messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Table(source) => source.table.name,
            Self::Events(source) => source.metric,
        }
    }

    /// The columns of the rows: those of the key, and the values.
    pub fn columns(&self) -> (&'static [Column], &'static [Column]) {
        match self {
            Self::Table(source) => (source.table.clustering, source.table.values),
            Self::Events(source) => source.columns.split_at(source.columns.len().min(1)),
        }
    }

    /// The list in JSON that the rows are.
    pub const fn list(&self) -> Option<&'static JsonList> {
        match self {
            Self::Table(source) => source.list,
            Self::Events(_) => None,
        }
    }

    /// The datasets that it may read.
    pub const fn datasets(&self) -> &'static [&'static Dataset] {
        match self {
            Self::Table(source) => source.datasets,
            Self::Events(source) => source.datasets,
        }
    }
}

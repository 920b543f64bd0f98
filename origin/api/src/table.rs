//! Descriptions of tables (contract §4.2), from which every store makes its DDL and statements.

use crate::calendar::{Form, Granularity};
use std::hash::{Hash, Hasher};

/// A table. `_domain` and `_tid`, which RESTBase-style Cassandra tables have in every key, are
/// constants and no columns of the description.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name without the `local_group_default_T_` that keyspaces carry.
    pub name: &'static str,
    /// The partition key after `_domain`, in order.
    pub partition: &'static [Column],
    /// The clustering columns before `_tid`, in order.
    pub clustering: &'static [Column],
    pub values: &'static [Column],
    pub calendar: Calendar,
    pub compression: Compression,
}

/// How Cassandra compresses a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As the cluster does by default.
    Default,
    /// In large chunks, slower and better. For tables with many similar rows.
    Deflate,
}

/// A column: a name as it is stored, and a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name, case included.
    pub name: &'static str,
    pub kind: ColumnType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    Text,
    Json,
    Int,
    BigInt,
    Double,
}

/// Where a table has the period of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    /// In a clustering column [`TIMESTAMP`] of that many digits, at the partition's `granularity`.
    Series(Form),
    /// In the partition columns `year`, `month`, `day`, where `day` may be `all-days`.
    YearMonthDay,
    /// In the partition columns `year`, `month`.
    YearMonth,
}

/// A table at one granularity: what is loaded, and purged, together.
#[derive(Debug)]
pub struct Dataset {
    /// Its name for operators and in `/metrics/datasets`.
    pub name: &'static str,
    pub table: &'static Table,
    /// Selects the table's rows: the `granularity` of a series; `Monthly` means `all-days` where a
    /// table has days.
    pub granularity: Granularity,
    /// A partition that is as new as all others, for a store that can't read all of them: a text
    /// for each column of the partition key, up to the first that is a date.
    pub probe: &'static [&'static str],
    /// Whether no more periods arrive. The name of such a dataset begins with `legacy-`, which the
    /// alerts for late data leave out.
    pub ended: bool,
}

/// A dataset's position in its catalogue, for arrays by dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DatasetId(pub(crate) u16);

impl DatasetId {
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

/// `_domain` in every row of production's tables.
pub const DOMAIN: &str = "analytics.wikimedia.org";
/// `_tid` as the loaders write it, so that a reload overwrites.
pub const TID: &str = "13814000-1dd2-11b2-8080-808080808080";
/// The day of a top list over a whole month.
pub const ALL_DAYS: &str = "all-days";

/// The column that holds the periods of a series.
pub const TIMESTAMP: &str = "timestamp";

impl Table {
    /// Whether a column holds the periods of rows.
    pub fn is_timestamp(&self, column: &Column) -> bool {
        matches!(self.calendar, Calendar::Series(_)) && column.name == TIMESTAMP
    }

    /// Every column: partition, clustering, values.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> + use<> {
        self.partition.iter().chain(self.clustering).chain(self.values)
    }

    /// The columns that a read returns: clustering and values.
    pub fn read_columns(&self) -> impl Iterator<Item = &'static Column> + use<> {
        self.clustering.iter().chain(self.values)
    }

    /// The columns that identify a row: partition and clustering.
    pub fn key_columns(&self) -> impl Iterator<Item = &'static Column> + use<> {
        self.partition.iter().chain(self.clustering)
    }
}

pub const fn text(name: &'static str) -> Column {
    Column { name, kind: ColumnType::Text }
}

pub const fn json(name: &'static str) -> Column {
    Column { name, kind: ColumnType::Json }
}

pub const fn int(name: &'static str) -> Column {
    Column { name, kind: ColumnType::Int }
}

pub const fn bigint(name: &'static str) -> Column {
    Column { name, kind: ColumnType::BigInt }
}

pub const fn double(name: &'static str) -> Column {
    Column { name, kind: ColumnType::Double }
}

//! Tables as descriptions (contract §4.2): keys, columns and types, from which every store
//! makes its DDL and its statements.

use crate::calendar::Form;

/// A table that rows are read from.
///
/// `_domain` and `_tid`, which RESTBase-style Cassandra tables have in every key, are constants
/// of the description and no columns of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name without the `local_group_default_T_` that keyspaces carry.
    pub name: &'static str,
    /// The partition key after `_domain`, in order.
    pub partition: &'static [Column],
    /// The clustering columns before `_tid`, in order.
    pub clustering: &'static [Column],
    /// What a row holds beside its key.
    pub values: &'static [Column],
    /// Where a row's period is written.
    pub calendar: Calendar,
}

/// A column: a name as it is stored, and a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name, case included.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// JSON, as text.
    Json,
    /// An integer of 32 bits.
    Int,
    /// An integer of 64 bits.
    BigInt,
}

/// Where a table writes the period that a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    /// In a clustering column [`TIMESTAMP`] of that many digits, at the partition's `granularity`.
    Series(Form),
    /// In the partition columns `year`, `month`, `day`, where `day` may be `all-days`.
    YearMonthDay,
    /// In the partition columns `year`, `month`.
    YearMonth,
}

/// What `_domain` is in every row of production's tables.
pub const DOMAIN: &str = "analytics.wikimedia.org";
/// What the loaders write as `_tid`, so that a reload overwrites.
pub const TID: &str = "13814000-1dd2-11b2-8080-808080808080";
/// What the day of a top list over a whole month is called.
pub const ALL_DAYS: &str = "all-days";

/// The column that holds the periods of a series.
pub const TIMESTAMP: &str = "timestamp";

impl Table {
    /// Whether a column holds the periods that rows are about.
    pub fn is_timestamp(&self, column: &Column) -> bool {
        matches!(self.calendar, Calendar::Series(_)) && column.name == TIMESTAMP
    }

    /// Every column: partition, clustering, values.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> + use<> {
        self.partition.iter().chain(self.clustering).chain(self.values)
    }

    /// The columns that a read gives back: clustering and values.
    pub fn read_columns(&self) -> impl Iterator<Item = &'static Column> + use<> {
        self.clustering.iter().chain(self.values)
    }

    /// The columns that identify a row: partition and clustering.
    pub fn key_columns(&self) -> impl Iterator<Item = &'static Column> + use<> {
        self.partition.iter().chain(self.clustering)
    }
}

/// A text column.
pub const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

/// A column of JSON text.
pub const fn json(name: &'static str) -> Column {
    Column { name, kind: Kind::Json }
}

/// A column of 32-bit integers.
pub const fn int(name: &'static str) -> Column {
    Column { name, kind: Kind::Int }
}

/// A column of 64-bit integers.
pub const fn bigint(name: &'static str) -> Column {
    Column { name, kind: Kind::BigInt }
}

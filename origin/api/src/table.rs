//! Descriptions of tables (contract §4.2), from which every store makes its DDL and statements.

use crate::calendar::{Form, Granularity};
use std::hash::{Hash, Hasher};

/// A table. What else its layout has in every key is no column of the description.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    pub layout: Layout,
    /// Its name in its layout, unique in a catalogue.
    pub name: &'static str,
    /// The partition key, in order.
    pub partition: &'static [Column],
    /// The clustering columns, ascending, in order.
    pub clustering: &'static [Column],
    pub values: &'static [Column],
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

/// How a Cassandra cluster names a table, and what it adds to the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `"local_group_default_T_<name>"."data"`. The partition key begins with `_domain`. `_tid`,
    /// newest first, follows the period in the clustering key, and comes before all other columns.
    Restbase,
    /// `"keyspace"."name"`, with the described columns alone.
    Plain { keyspace: &'static str },
}

/// A column: a name as it is stored, a type, and what its values stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name, case included.
    pub name: &'static str,
    pub kind: ColumnType,
    pub role: ColumnRole,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    Text,
    Json,
    Int,
    BigInt,
    Double,
    /// A period, stored as a moment in UTC.
    Timestamp,
    /// A period, stored as a day.
    Date,
}

impl ColumnType {
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::Int | Self::BigInt)
    }
}

/// What the values of a column stand for. Code goes by roles, never by names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnRole {
    Plain,
    /// The granularity of a partition, which selects the dataset.
    Granularity,
    /// The year of a partition.
    Year,
    /// The month of a partition.
    Month,
    /// The day of a partition, or `all-days` for the whole month.
    Day,
    /// The period of a row, the first clustering column of a series.
    Period(Form),
    /// The place of a row among those of its partition.
    Rank,
}

/// What is loaded, and purged, together: a table or edit events at one granularity.
#[derive(Debug)]
pub struct Dataset {
    /// Its name for operators and in `/metrics/datasets`.
    pub name: &'static str,
    pub content: Content,
    /// Selects the table's rows where a column has the granularity. Where one has the day,
    /// `Monthly` means `all-days`.
    pub granularity: Granularity,
    /// Whether no more periods arrive. The name of such a dataset begins with `legacy-`, which the
    /// alerts for late data leave out.
    pub ended: bool,
}

/// The tables of some datasets, each once. Events have none.
pub fn tables_of(datasets: &[&Dataset]) -> Vec<&'static Table> {
    let mut tables: Vec<&'static Table> = Vec::new();
    for table in datasets.iter().filter_map(|dataset| dataset.table()) {
        if !tables.iter().any(|held| held.name == table.name) {
            tables.push(table);
        }
    }
    tables
}

/// What a dataset consists of.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    Table {
        table: &'static Table,
        /// A partition that is as new as all others, for a store that can't read all of them: a
        /// text for each of [`Table::probe_columns`].
        probe: &'static [&'static str],
    },
    /// Edit events (contract §5).
    Events {
        /// The name of the datasource in Druid, unless it is configured.
        datasource: &'static str,
    },
}

impl Dataset {
    /// A dataset of a table that grows.
    pub const fn new(
        name: &'static str,
        table: &'static Table,
        granularity: Granularity,
        probe: &'static [&'static str],
    ) -> Self {
        Self { name, content: Content::Table { table, probe }, granularity, ended: false }
    }

    /// A dataset of events that grows.
    pub const fn events(
        name: &'static str,
        datasource: &'static str,
        granularity: Granularity,
    ) -> Self {
        Self { name, content: Content::Events { datasource }, granularity, ended: false }
    }

    /// The table whose rows it has, if it has rows of one.
    pub const fn table(&self) -> Option<&'static Table> {
        match self.content {
            Content::Table { table, .. } => Some(table),
            Content::Events { .. } => None,
        }
    }

    /// See [`Content::Table`].
    pub const fn probe(&self) -> &'static [&'static str] {
        match self.content {
            Content::Table { probe, .. } => probe,
            Content::Events { .. } => &[],
        }
    }

    #[cfg(test)]
    pub(crate) fn set_probe(&mut self, new: &'static [&'static str]) {
        if let Content::Table { probe, .. } = &mut self.content {
            *probe = new;
        }
    }

    /// The digits of its periods.
    pub fn form(&self) -> Form {
        self.table().map_or(Form::Day, Table::form)
    }
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

impl Table {
    /// The column that holds the periods of rows; `None` if a partition is one period.
    pub fn period_column(&self) -> Option<&'static Column> {
        self.clustering.iter().find(|column| column.form().is_some())
    }

    /// The digits of the periods of rows; `None` if a partition is one period.
    pub fn period_form(&self) -> Option<Form> {
        self.period_column()?.form()
    }

    /// Whether rows have periods.
    pub fn is_series(&self) -> bool {
        self.period_column().is_some()
    }

    /// The digits of its periods, of rows or of partitions.
    pub fn form(&self) -> Form {
        self.period_form().unwrap_or(Form::Day)
    }

    /// The position of a role in the partition key.
    pub fn partition_position(&self, role: ColumnRole) -> Option<usize> {
        self.partition.iter().position(|column| column.role == role)
    }

    /// The columns of the partition key before its date.
    pub fn probe_columns(&self) -> &'static [Column] {
        let date = self.partition.iter().position(Column::is_date).unwrap_or(self.partition.len());
        self.partition.get(..date).unwrap_or_default()
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

impl Column {
    const fn of(name: &'static str, kind: ColumnType) -> Self {
        Self { name, kind, role: ColumnRole::Plain }
    }

    const fn with(self, role: ColumnRole) -> Self {
        Self { role, ..self }
    }

    pub const fn granularity(self) -> Self {
        self.with(ColumnRole::Granularity)
    }

    pub const fn year(self) -> Self {
        self.with(ColumnRole::Year)
    }

    pub const fn month(self) -> Self {
        self.with(ColumnRole::Month)
    }

    pub const fn day(self) -> Self {
        self.with(ColumnRole::Day)
    }

    /// The period of a row, in digits of this form.
    pub const fn period(self, form: Form) -> Self {
        self.with(ColumnRole::Period(form))
    }

    pub const fn rank(self) -> Self {
        self.with(ColumnRole::Rank)
    }

    /// The digits of its periods, if it holds periods.
    pub const fn form(&self) -> Option<Form> {
        match self.role {
            ColumnRole::Period(form) => Some(form),
            ColumnRole::Plain
            | ColumnRole::Granularity
            | ColumnRole::Year
            | ColumnRole::Month
            | ColumnRole::Day
            | ColumnRole::Rank => None,
        }
    }

    /// Whether it is a part of the period of a partition.
    pub const fn is_date(&self) -> bool {
        matches!(self.role, ColumnRole::Year | ColumnRole::Month | ColumnRole::Day)
    }
}

pub const fn text(name: &'static str) -> Column {
    Column::of(name, ColumnType::Text)
}

pub const fn json(name: &'static str) -> Column {
    Column::of(name, ColumnType::Json)
}

pub const fn int(name: &'static str) -> Column {
    Column::of(name, ColumnType::Int)
}

pub const fn bigint(name: &'static str) -> Column {
    Column::of(name, ColumnType::BigInt)
}

pub const fn double(name: &'static str) -> Column {
    Column::of(name, ColumnType::Double)
}

pub const fn timestamp(name: &'static str) -> Column {
    Column::of(name, ColumnType::Timestamp)
}

pub const fn date(name: &'static str) -> Column {
    Column::of(name, ColumnType::Date)
}

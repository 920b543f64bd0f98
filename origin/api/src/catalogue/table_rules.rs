//! The rules that a table must keep, so that every store can hold it.

use crate::calendar::{Form, Granularity};
use crate::source::TableSource;
use crate::table::{Column, ColumnRole, ColumnType, Layout, Table};
use thiserror::Error;

/// A mistake in the declaration of a table.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TableError {
    #[error("column {0:?} is declared twice, or its layout has it already")]
    Name(&'static str),
    #[error("key column {0:?} has a type that no key can have")]
    KeyType(&'static str),
    #[error("column {0:?} is a timestamp or date, and no period")]
    NoPeriod(&'static str),
    #[error("column {0:?} must be the only period, and the first clustering column")]
    Period(&'static str),
    #[error("column {0:?} has a type that can't hold its periods")]
    PeriodType(&'static str),
    #[error("column {0:?} has a role that its type or its place does not allow")]
    Role(&'static str),
    #[error("rows must have a period, or the partition key must end with year, month, perhaps day")]
    Dates,
    #[error("a table of plain layout must have a clustering column")]
    NoClustering,
    #[error("nothing selects the rows of a dataset, and there are several")]
    Granularity,
    #[error("its periods are days, and a dataset is hourly")]
    Hours,
}

pub(super) fn check(table: &'static Table) -> Result<(), TableError> {
    names(table)?;
    for column in table.key_columns() {
        if matches!(column.kind, ColumnType::Json | ColumnType::Double) {
            return Err(TableError::KeyType(column.name));
        }
    }
    for column in table.columns() {
        if matches!(column.kind, ColumnType::Timestamp | ColumnType::Date) && !is_period(column) {
            return Err(TableError::NoPeriod(column.name));
        }
    }
    roles(table)?;
    dates(table)?;
    if table.layout != Layout::Restbase && table.clustering.is_empty() {
        return Err(TableError::NoClustering);
    }
    Ok(())
}

fn is_period(column: &Column) -> bool {
    column.form().is_some()
}

fn names(table: &'static Table) -> Result<(), TableError> {
    let mut known = match table.layout {
        Layout::Restbase => vec!["_domain", "_tid", "_del"],
        Layout::Plain { .. } => Vec::new(),
    };
    for column in table.columns() {
        if column.name.is_empty() || known.contains(&column.name) {
            return Err(TableError::Name(column.name));
        }
        known.push(column.name);
    }
    Ok(())
}

fn roles(table: &'static Table) -> Result<(), TableError> {
    use ColumnType::{Date, Text, Timestamp};
    let is_allowed = |column: &Column, in_partition: bool, in_clustering: bool| match column.role {
        ColumnRole::Plain => true,
        ColumnRole::Granularity | ColumnRole::Day => in_partition && column.kind == Text,
        ColumnRole::Year | ColumnRole::Month => {
            in_partition && (column.kind == Text || column.kind.is_integer())
        }
        ColumnRole::Rank => in_clustering && column.kind.is_integer(),
        // Checked below.
        ColumnRole::Period(_) => true,
    };
    let places = [(table.partition, true, false), (table.clustering, false, true)];
    for (columns, in_partition, in_clustering) in
        places.into_iter().chain([(table.values, false, false)])
    {
        for (index, column) in columns.iter().enumerate() {
            if !is_allowed(column, in_partition, in_clustering) {
                return Err(TableError::Role(column.name));
            }
            let is_unique = !matches!(column.role, ColumnRole::Plain | ColumnRole::Period(_));
            let mut others = columns.iter().skip(index + 1).filter(|_| is_unique);
            if let Some(other) = others.find(|other| other.role == column.role) {
                return Err(TableError::Role(other.name));
            }
        }
    }
    let periods = table.columns().filter(|column| is_period(column));
    for (index, period) in periods.enumerate() {
        if index > 0 || table.clustering.first() != Some(period) {
            return Err(TableError::Period(period.name));
        }
        if !matches!((period.kind, period.form()), (Text | Timestamp, _) | (Date, Some(Form::Day)))
        {
            return Err(TableError::PeriodType(period.name));
        }
    }
    Ok(())
}

/// A partition of a series has no date, and every other has one, at the end of its key.
fn dates(table: &'static Table) -> Result<(), TableError> {
    let date = table.partition.get(table.probe_columns().len()..).unwrap_or_default();
    let date: Vec<_> = date.iter().map(|column| column.role).collect();
    let is_date = match &date[..] {
        [] => table.is_series(),
        [ColumnRole::Year, ColumnRole::Month]
        | [ColumnRole::Year, ColumnRole::Month, ColumnRole::Day] => !table.is_series(),
        _ => false,
    };
    if is_date { Ok(()) } else { Err(TableError::Dates) }
}

/// The rows of each dataset can be told from those of the others.
pub(super) fn datasets(source: &TableSource) -> Result<(), TableError> {
    let has = |role| source.table.partition_position(role).is_some();
    for dataset in source.datasets {
        let is_selected = match source.datasets {
            [_] => true,
            _ if has(ColumnRole::Granularity) => true,
            _ => has(ColumnRole::Day),
        };
        if !is_selected {
            return Err(TableError::Granularity);
        }
        if dataset.granularity == Granularity::Hourly && source.table.form() == Form::Day {
            return Err(TableError::Hours);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Compression, bigint, date, double, int, json, text, timestamp};

    const PERIOD: Column = text("timestamp").period(Form::Hour);
    const PLAIN: Layout = Layout::Plain { keyspace: "ks" };

    fn table(
        layout: Layout,
        partition: &[Column],
        clustering: &[Column],
        values: &[Column],
    ) -> Result<(), TableError> {
        let leak = |columns: &[Column]| -> &'static [Column] { columns.to_vec().leak() };
        let (partition, clustering) = (leak(partition), leak(clustering));
        let (values, compression) = (leak(values), Compression::Default);
        let table = Table { layout, name: "t", partition, clustering, values, compression };
        check(Box::leak(Box::new(table)))
    }

    /// A series whose clustering key and values are these.
    fn series(clustering: &[Column], values: &[Column]) -> Result<(), TableError> {
        table(Layout::Restbase, &[text("project"), text("g").granularity()], clustering, values)
    }

    /// A partition of one period whose key is this.
    fn top(partition: &[Column]) -> Result<(), TableError> {
        table(PLAIN, partition, &[int("rank").rank()], &[json("list")])
    }

    #[test]
    fn sound_tables_are_taken() {
        assert_eq!(series(&[PERIOD], &[double("v")]), Ok(()));
        assert_eq!(series(&[date("dt").period(Form::Day), text("metric")], &[]), Ok(()));
        assert_eq!(
            table(PLAIN, &[bigint("id")], &[timestamp("dt").period(Form::Day)], &[]),
            Ok(())
        );
        assert_eq!(top(&[text("p"), int("year").year(), int("month").month()]), Ok(()));
        let day = text("day").day();
        assert_eq!(top(&[text("year").year(), text("month").month(), day]), Ok(()));
    }

    #[test]
    fn names_are_unique() {
        let name = |name| Err(TableError::Name(name));
        assert_eq!(series(&[PERIOD], &[int("v"), int("v")]), name("v"));
        assert_eq!(series(&[PERIOD], &[int("project")]), name("project"));
        assert_eq!(series(&[PERIOD], &[text("_tid")]), name("_tid"));
        assert_eq!(series(&[PERIOD], &[text("")]), name(""));
    }

    #[test]
    fn keys_and_periods_have_usable_types() {
        assert_eq!(series(&[PERIOD, double("v")], &[]), Err(TableError::KeyType("v")));
        let keys = [json("p"), int("year").year(), int("month").month()];
        assert_eq!(top(&keys), Err(TableError::KeyType("p")));
        assert_eq!(series(&[PERIOD], &[timestamp("at")]), Err(TableError::NoPeriod("at")));
        let period = |column: Column| series(&[column], &[]);
        let unusable = Err(TableError::PeriodType("dt"));
        assert_eq!(period(date("dt").period(Form::Hour)), unusable);
        assert_eq!(period(int("dt").period(Form::Day)), unusable);
    }

    #[test]
    fn a_series_has_one_period() {
        let second = [PERIOD, text("b").period(Form::Day)];
        assert_eq!(series(&second, &[]), Err(TableError::Period("b")));
        assert_eq!(series(&[text("a"), PERIOD], &[]), Err(TableError::Period("timestamp")));
        assert_eq!(series(&[PERIOD], &[text("b").period(Form::Day)]), Err(TableError::Period("b")));
        assert_eq!(
            table(PLAIN, &[PERIOD], &[text("a")], &[]),
            Err(TableError::Period("timestamp"))
        );
        assert_eq!(series(&[], &[]), Err(TableError::Dates));
    }

    #[test]
    fn roles_have_their_places_and_types() {
        let role = |name| Err(TableError::Role(name));
        assert_eq!(series(&[PERIOD], &[int("r").rank()]), role("r"));
        assert_eq!(series(&[PERIOD, text("r").rank()], &[]), role("r"));
        assert_eq!(series(&[PERIOD, text("h").granularity()], &[]), role("h"));
        assert_eq!(series(&[PERIOD], &[int("y").year()]), role("y"));
        let (year, month) = (int("year").year(), int("month").month());
        assert_eq!(top(&[year, month, int("day").day()]), role("day"));
        assert_eq!(top(&[year, month, int("y").year()]), role("y"));
        assert_eq!(top(&[int("g").granularity(), year, month]), role("g"));
        assert_eq!(top(&[timestamp("t").year(), month]), Err(TableError::NoPeriod("t")));
    }

    #[test]
    fn a_date_ends_the_partition_key() {
        let (year, month, day) = (int("year").year(), int("month").month(), text("day").day());
        for partition in [
            &[month, year][..],
            &[year],
            &[year, day],
            &[year, month, text("p")],
            &[text("p"), day],
        ] {
            assert_eq!(top(partition), Err(TableError::Dates), "{partition:?}");
        }
        let dated = [text("p"), year, month];
        assert_eq!(table(PLAIN, &dated, &[PERIOD], &[]), Err(TableError::Dates));
        assert_eq!(table(PLAIN, &dated, &[], &[int("v")]), Err(TableError::NoClustering));
        assert_eq!(table(Layout::Restbase, &dated, &[], &[int("v")]), Ok(()));
    }
}

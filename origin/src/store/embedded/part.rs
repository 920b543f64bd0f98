//! Which rows of a table are a dataset's, and to which series of it they belong.

use super::schema::{quote, quoted};
use crate::load::period::When;
use crate::load::row::Cell;
use aqs_api::Dataset;
use aqs_api::calendar::Granularity;
use aqs_api::table::{ALL_DAYS, Calendar};

/// The rows of a table that are one dataset.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// Those whose `granularity`, at that position, is this.
    Granularity(usize, &'static str),
    /// Those whose `day`, at that position, is a day.
    Days(usize),
    /// Those whose `day`, at that position, is `all-days`.
    WholeMonths(usize),
    /// All.
    All,
}

impl Part {
    /// The rows of a dataset.
    pub(super) fn of(dataset: &'static Dataset) -> Self {
        let at = |name| dataset.table.partition.iter().position(|column| column.name == name);
        match dataset.table.calendar {
            Calendar::Series(_) => at("granularity")
                .map_or(Self::All, |at| Self::Granularity(at, dataset.granularity.as_str())),
            Calendar::YearMonthDay => at("day").map_or(Self::All, |day| {
                if dataset.granularity == Granularity::Monthly {
                    Self::WholeMonths(day)
                } else {
                    Self::Days(day)
                }
            }),
            Calendar::YearMonth => Self::All,
        }
    }

    /// Whether a row is one of them.
    pub(super) fn holds(&self, cells: &[Cell<'_>]) -> bool {
        let is = |at: usize, value: &str| match cells.get(at) {
            Some(Cell::Text(text)) => text == value,
            _ => false,
        };
        match *self {
            Self::Granularity(at, granularity) => is(at, granularity),
            Self::Days(day) => !is(day, ALL_DAYS),
            Self::WholeMonths(day) => is(day, ALL_DAYS),
            Self::All => true,
        }
    }

    /// The same as a condition of SQL. Its literals are this program's own words.
    fn condition(&self) -> String {
        match self {
            Self::Granularity(_, granularity) => format!("\"granularity\" = '{granularity}'"),
            Self::Days(_) => format!("\"day\" <> '{ALL_DAYS}'"),
            Self::WholeMonths(_) => format!("\"day\" = '{ALL_DAYS}'"),
            Self::All => "TRUE".to_owned(),
        }
    }
}

/// The positions of the columns that tell whose series a row belongs to.
pub(super) fn series_columns(dataset: &'static Dataset, when: &When) -> Vec<usize> {
    (0..dataset.table.partition.len()).filter(|column| !when.tells(*column)).collect()
}

/// Asks whether a series has a row: its columns are parameters, in order.
pub(super) fn probe_sql(dataset: &'static Dataset, series: &[usize]) -> String {
    let columns = series.iter().filter_map(|at| dataset.table.partition.get(*at));
    let conditions = columns.map(|column| format!("{} = ? AND ", quote(column.name)));
    format!(
        "SELECT 1 FROM {} WHERE {}{} LIMIT 1",
        quote(dataset.table.name),
        conditions.collect::<String>(),
        Part::of(dataset).condition(),
    )
}

/// Asks all rows for the first and last period and the number of series.
pub(super) fn scan_sql(dataset: &'static Dataset, series: &[usize]) -> String {
    let part = Part::of(dataset);
    let period = match (dataset.table.calendar, part) {
        (Calendar::Series(_), _) => r#""timestamp""#,
        (Calendar::YearMonthDay, Part::Days(_)) => r#""year" || "month" || "day""#,
        _ => r#""year" || "month" || '01'"#,
    };
    let columns = series.iter().filter_map(|at| dataset.table.partition.get(*at));
    let columns = quoted(columns.map(|column| column.name));
    let from = format!("FROM {} WHERE {}", quote(dataset.table.name), part.condition());
    format!(
        "SELECT min({period}), max({period}), \
         (SELECT count(*) FROM (SELECT DISTINCT {columns} {from})) {from}"
    )
}

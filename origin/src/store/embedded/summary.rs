//! What is loaded, by dataset, as the file says it.

use super::error::names_what_is_missing;
use super::part::scan_sql;
use super::schema::Present;
use aqs_api::calendar::Digits;
use aqs_api::{Dataset, Extent};
use rusqlite::Connection;
use std::collections::BTreeMap;
use thiserror::Error;

/// One dataset's line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    /// First and last period; none if it has no row.
    pub(super) extent: Option<(Digits, Digits)>,
    /// How many series it has.
    pub(super) series: u64,
    /// How many loads changed it.
    pub(super) version: u64,
}

/// The summary could not be read.
#[derive(Debug, Error)]
pub(super) enum SummaryError {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("dataset {dataset:?} is said to reach from {first:?} to {last:?}, which are no dates")]
    Dates { dataset: String, first: String, last: String },
}

impl Summary {
    /// The same as coverage; `None` if the dataset has no row.
    pub(super) fn extent(&self) -> Option<Extent> {
        let (first, last) = self.extent?;
        Some(Extent { first, last, series: Some(self.series), exact: true })
    }

    /// Notes that the dataset has a row of a period.
    pub(super) fn reach(&mut self, period: Digits) {
        let (first, last) = self.extent.unwrap_or((period, period));
        self.extent = Some((first.min(period), last.max(period)));
    }
}

/// Every line of the file. A file in which nothing was created has none.
pub(super) fn read(conn: &Connection) -> Result<BTreeMap<String, Summary>, SummaryError> {
    let sql = r#"SELECT "dataset", "first", "last", "series", "version" FROM "aqs_datasets""#;
    let mut summaries = BTreeMap::new();
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let dataset: String = row.get(0)?;
        let bounds: (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
        let (series, version): (i64, i64) = (row.get(3)?, row.get(4)?);
        let extent = dates(&dataset, bounds)?;
        let summary = Summary { extent, series: series as u64, version: version as u64 };
        summaries.insert(dataset, summary);
    }
    Ok(summaries)
}

fn dates(
    dataset: &str,
    bounds: (Option<String>, Option<String>),
) -> Result<Option<(Digits, Digits)>, SummaryError> {
    let (Some(first), Some(last)) = bounds else { return Ok(None) };
    match (Digits::from_text(&first), Digits::from_text(&last)) {
        (Some(first), Some(last)) => Ok(Some((first, last))),
        _ => Err(SummaryError::Dates { dataset: dataset.to_owned(), first, last }),
    }
}

/// Makes a dataset's line from its rows: for a dataset that is newer than the file.
pub(super) fn scan(
    conn: &Connection,
    dataset: &'static Dataset,
    series: &[usize],
) -> Result<Summary, SummaryError> {
    let line = conn.query_row(&scan_sql(dataset, series), [], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?))
    });
    let (first, last, series) = match line {
        // A table that isn't there has no rows.
        Err(error)
            if names_what_is_missing(&error)
                && Present::read(conn, dataset.table)?.is_missing() =>
        {
            return Ok(Summary::default());
        }
        line => line?,
    };
    let extent = dates(dataset.name, (first, last))?;
    Ok(Summary { extent, series: series as u64, version: u64::from(extent.is_some()) })
}

/// Writes a dataset's line.
pub(super) fn write(conn: &Connection, dataset: &str, summary: &Summary) -> rusqlite::Result<()> {
    let (first, last) = summary.extent.unzip();
    conn.execute(
        r#"INSERT OR REPLACE INTO "aqs_datasets"
           ("dataset", "first", "last", "series", "version") VALUES (?1, ?2, ?3, ?4, ?5)"#,
        (
            dataset,
            first.as_ref().map(Digits::as_str),
            last.as_ref().map(Digits::as_str),
            summary.series as i64,
            summary.version as i64,
        ),
    )?;
    Ok(())
}

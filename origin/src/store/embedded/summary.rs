//! Summaries of datasets, which a load updates without reading all rows again.

use super::error::{QueryError, is_unknown_name};
use super::schema::{ActualColumns, quote, quoted};
use crate::period::PeriodColumns;
use crate::row::Cell;
use aqs_api::calendar::Digits;
use aqs_api::calendar::Granularity;
use aqs_api::table::{ALL_DAYS, ColumnRole, ColumnType};
use aqs_api::{Dataset, Extent, Table};
use rusqlite::{Connection, params_from_iter};
use std::collections::BTreeMap;

/// The row of a dataset in `aqs_datasets`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    /// First and last period; `None` without rows.
    extent: Option<(Digits, Digits)>,
    series: u64,
    /// The number of loads that changed the dataset.
    pub(super) version: u64,
}

impl Summary {
    pub(super) fn extent(&self) -> Option<Extent> {
        let (first, last) = self.extent?;
        Some(Extent { first, last, series: Some(self.series), exact: true })
    }

    fn extend(&mut self, period: Digits) {
        let (first, last) = self.extent.unwrap_or((period, period));
        self.extent = Some((first.min(period), last.max(period)));
    }

    fn write(&self, conn: &Connection, dataset: &str) -> rusqlite::Result<()> {
        let (first, last) = self.extent.unzip();
        conn.execute(
            r#"INSERT OR REPLACE INTO "aqs_datasets"
               ("dataset", "first", "last", "series", "version") VALUES (?1, ?2, ?3, ?4, ?5)"#,
            (
                dataset,
                first.as_ref().map(Digits::as_str),
                last.as_ref().map(Digits::as_str),
                self.series as i64,
                self.version as i64,
            ),
        )?;
        Ok(())
    }
}

/// Reads all summaries by the names of their datasets.
pub(super) fn read(conn: &Connection) -> Result<BTreeMap<String, Summary>, QueryError> {
    let sql = r#"SELECT "dataset", "first", "last", "series", "version" FROM "aqs_datasets""#;
    let mut summaries = BTreeMap::new();
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let dataset: String = row.get(0)?;
        let extent = dates(&dataset, row.get(1)?, row.get(2)?)?;
        let (series, version): (i64, i64) = (row.get(3)?, row.get(4)?);
        let summary = Summary { extent, series: series as u64, version: version as u64 };
        summaries.insert(dataset, summary);
    }
    Ok(summaries)
}

fn dates(
    dataset: &str,
    first: Option<String>,
    last: Option<String>,
) -> Result<Option<(Digits, Digits)>, QueryError> {
    let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
    match Digits::from_text(&first).zip(Digits::from_text(&last)) {
        Some(dates) => Ok(Some(dates)),
        None => Err(QueryError::Dates { dataset: dataset.to_owned(), first, last }),
    }
}

/// Selects the rows of a dataset by a column of the partition key.
#[derive(Clone, Copy, Debug)]
struct Filter {
    position: usize,
    column: &'static str,
    value: &'static str,
    /// Whether the column must have the value, or another one.
    equal: bool,
}

impl Filter {
    /// `None` if all rows of the table belong to the dataset.
    fn of(table: &'static Table, dataset: &'static Dataset) -> Option<Self> {
        let by = |role, value, equal| {
            let position = table.partition_position(role)?;
            let column = table.partition.get(position)?.name;
            Some(Self { position, column, value, equal })
        };
        by(ColumnRole::Granularity, dataset.granularity.as_str(), true)
            .or_else(|| by(ColumnRole::Day, ALL_DAYS, dataset.granularity == Granularity::Monthly))
    }

    fn matches(&self, cells: &[Cell<'_>]) -> bool {
        let cell = cells.get(self.position);
        self.equal == matches!(cell, Some(Cell::Text(text)) if text == self.value)
    }

    /// The value is a constant of this program without quotes.
    fn sql(&self) -> String {
        let operator = if self.equal { "=" } else { "<>" };
        format!("{} {operator} '{}'", quote(self.column), self.value)
    }
}

/// Updates the summary of a dataset during a load. Loads never delete rows, so periods only get
/// wider, and a series is new if it has no row when its first is written.
#[derive(Debug)]
pub(super) struct SummaryWriter {
    pub(super) dataset: &'static Dataset,
    filter: Option<Filter>,
    /// The positions of the columns that identify a series.
    series: Vec<usize>,
    probe: String,
    last_series: Vec<Cell<'static>>,
    summary: Summary,
    changed: bool,
}

impl SummaryWriter {
    /// Starts from the summary in the file, or from the rows if the dataset is newer than the file.
    pub(super) fn start(
        conn: &Connection,
        table: &'static Table,
        dataset: &'static Dataset,
        period: &PeriodColumns,
        summary: Option<&Summary>,
    ) -> Result<Self, QueryError> {
        let filter = Filter::of(table, dataset);
        let series: Vec<_> =
            (0..table.partition.len()).filter(|column| !period.contains(*column)).collect();
        let names = series.iter().filter_map(|at| table.partition.get(*at)).map(|key| key.name);
        let from = from_sql(table, filter);
        let equal = names.clone().map(|name| format!(" AND {} = ?", quote(name)));
        let probe = format!("SELECT 1 {from}{} LIMIT 1", equal.collect::<String>());
        let summary = match summary {
            Some(summary) => *summary,
            None => {
                let scanned = scan(conn, table, dataset, &from, &quoted(names))?;
                scanned.write(conn, dataset.name)?;
                scanned
            }
        };
        let last_series = Vec::new();
        Ok(Self { dataset, filter, series, probe, last_series, summary, changed: false })
    }

    pub(super) fn matches(&self, cells: &[Cell<'_>]) -> bool {
        self.filter.is_none_or(|filter| filter.matches(cells))
    }

    /// Notes a row that is about to be written.
    pub(super) fn before_write(
        &mut self,
        conn: &Connection,
        cells: &[Cell<'_>],
        period: Digits,
    ) -> rusqlite::Result<()> {
        self.summary.extend(period);
        let series = || self.series.iter().filter_map(|column| cells.get(*column));
        // Rows mostly come series by series, so that few are probed.
        if !series().eq(self.last_series.iter()) {
            let exists = conn.prepare_cached(&self.probe)?.exists(params_from_iter(series()))?;
            self.last_series = series().cloned().map(Cell::into_owned).collect();
            self.summary.series += u64::from(!exists);
        }
        Ok(())
    }

    /// The clause that selects the rows of the dataset.
    pub(super) fn rows_sql(&self, table: &Table) -> String {
        from_sql(table, self.filter)
    }

    /// Summarises the rows that are left after a removal.
    pub(super) fn scan_again(
        &mut self,
        conn: &Connection,
        table: &Table,
    ) -> Result<(), QueryError> {
        let names = self.series.iter().filter_map(|at| table.partition.get(*at));
        let series = quoted(names.map(|key| key.name));
        let scanned = scan(conn, table, self.dataset, &self.rows_sql(table), &series)?;
        self.summary = Summary { version: self.summary.version, ..scanned };
        self.last_series.clear();
        self.changed = true;
        Ok(())
    }

    pub(super) fn set_changed(&mut self) {
        self.changed = true;
    }

    /// Writes the summary if a row changed. Returns the name of the dataset then.
    pub(super) fn finish(&mut self, conn: &Connection) -> rusqlite::Result<Option<&'static str>> {
        if !self.changed {
            return Ok(None);
        }
        self.summary.version += 1;
        self.summary.write(conn, self.dataset.name)?;
        Ok(Some(self.dataset.name))
    }
}

fn from_sql(table: &Table, filter: Option<Filter>) -> String {
    let condition = filter.map_or_else(|| "TRUE".to_owned(), |filter| filter.sql());
    format!("FROM {} WHERE {condition}", quote(table.name))
}

/// The period of a row as an SQL expression, in the digits of its table.
pub(super) fn period_sql(table: &Table, dataset: &Dataset) -> String {
    if let Some(period) = table.period_column() {
        return quote(period.name);
    }
    let part = |role, width| {
        let column = table.partition.get(table.partition_position(role)?)?;
        let name = quote(column.name);
        Some(match column.kind {
            ColumnType::Int | ColumnType::BigInt => format!("printf('%0{width}d', {name})"),
            ColumnType::Text
            | ColumnType::Json
            | ColumnType::Double
            | ColumnType::Timestamp
            | ColumnType::Date => name,
        })
    };
    let day = part(ColumnRole::Day, 2).filter(|_| dataset.granularity != Granularity::Monthly);
    let parts = [part(ColumnRole::Year, 4), part(ColumnRole::Month, 2), day];
    parts.map(|part| part.unwrap_or_else(|| "'01'".to_owned())).join(" || ")
}

fn scan(
    conn: &Connection,
    table: &Table,
    dataset: &'static Dataset,
    from: &str,
    series: &str,
) -> Result<Summary, QueryError> {
    let period = period_sql(table, dataset);
    let sql = format!(
        "SELECT min({period}), max({period}), \
         (SELECT count(*) FROM (SELECT DISTINCT {series} {from})) {from}"
    );
    let found = conn.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let (first, last, series): (_, _, i64) = match found {
        Err(error) if is_unknown_name(&error) && ActualColumns::read(conn, table)?.is_empty() => {
            return Ok(Summary::default());
        }
        found => found?,
    };
    let extent = dates(dataset.name, first, last)?;
    Ok(Summary { extent, series: series as u64, version: u64::from(extent.is_some()) })
}

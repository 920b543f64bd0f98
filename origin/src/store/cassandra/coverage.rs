//! How far the data of each dataset reach, found by probing one partition that is as new as the
//! rest.

use super::bind::hour_of_date;
use super::options::Options;
use super::read::{ReadError, TableReader};
use super::tables::{TableState, Tables};
use aqs_api::calendar::Granularity;
use aqs_api::calendar::{Digits, Form, Hour};
use aqs_api::coverage::Extent;
use aqs_api::table::{ALL_DAYS, ColumnRole};
use aqs_api::{Coverage, Dataset, Table};
use arc_swap::ArcSwap;
use futures_util::future::join_all;
use jiff::Span;
use jiff::civil::Date;
use scylla::client::session::Session;
use scylla::value::{CqlDate, CqlTimestamp, CqlValue};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use thiserror::Error;

/// How far back the newest top list is searched: enough for loads that are a month late.
const DAYS_BACK: i64 = 40;
const MONTHS_BACK: i64 = 14;
/// The least time limit of a query, however short that of clients' reads is.
const MIN_QUERY_TIMEOUT: Duration = Duration::from_secs(2);
/// No data are older.
const EARLIEST: Date = Date::constant(2007, 1, 1);
const EPOCH: Date = Date::constant(1970, 1, 1);

#[derive(Default)]
pub(super) struct ObservedCoverage {
    /// Changes with the coverage; 0 before the first observation.
    token: AtomicU64,
    observed: ArcSwap<Coverage>,
}

impl ObservedCoverage {
    pub(super) fn get(&self) -> Arc<Coverage> {
        self.observed.load_full()
    }

    pub(super) fn set(&self, observed: Coverage) {
        if self.change_token().is_none() || **self.observed.load() != observed {
            // The token last: a reader of a new token sees the new coverage.
            self.observed.store(observed.into());
            self.token.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A number that changes with the coverage; `None` before the first observation.
    pub(super) fn change_token(&self) -> Option<u64> {
        Some(self.token.load(Ordering::SeqCst)).filter(|token| *token > 0)
    }

    /// A version of each dataset with known coverage: its newest period as a number, which is
    /// the same in every process and after a restart.
    pub(super) fn versions(&self, datasets: &[&'static Dataset]) -> BTreeMap<&'static str, u64> {
        let observed = self.observed.load();
        let version = |dataset: &&'static Dataset| {
            let newest = observed.get(dataset)?.last.as_str().parse().ok()?;
            Some((dataset.name, newest))
        };
        datasets.iter().filter_map(version).collect()
    }
}

#[derive(Debug, Error)]
enum ProbeError {
    /// Reported as an issue of the table.
    #[error("its table can't be read")]
    NotReady,
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("its newest row has the timestamp {0}, which is not one")]
    Timestamp(String),
}

#[derive(Default)]
pub(super) struct ProbeRound {
    /// The observed coverage; of datasets whose probes failed, what was known before.
    pub(super) coverage: Coverage,
    /// Probes that failed, one message each.
    pub(super) issues: Vec<String>,
    /// Whether a node answered any probe.
    pub(super) is_answered: bool,
}

/// Probes all datasets at once, so that a silent node costs one timeout and not one for each.
pub(super) async fn probe(
    session: &Session,
    tables: &Tables,
    datasets: &[&'static Dataset],
    options: &Options,
    known: &Coverage,
    now_ms: u64,
) -> ProbeRound {
    let days = i64::try_from(now_ms / 86_400_000).unwrap_or(0);
    let today = add(EPOCH, Span::new().try_days(days)).unwrap_or(EPOCH);
    let of_tables = datasets.iter().filter_map(|dataset| Some((*dataset, dataset.table()?)));
    let probes = join_all(of_tables.map(|(dataset, table)| async move {
        let known = known.get(dataset).copied();
        let state = tables.get(table);
        (
            dataset,
            known,
            extent(session, (table, state.as_deref()), dataset, options, known, today).await,
        )
    }));
    let mut round = ProbeRound::default();
    for (dataset, known, probed) in probes.await {
        let (extent, is_answered) = probed.unwrap_or_else(|error| {
            if !matches!(error, ProbeError::NotReady) {
                round.issues.push(format!(
                    "dataset {}: failed to probe its coverage: {error}",
                    dataset.name
                ));
            }
            (known, false)
        });
        round.is_answered |= is_answered;
        if let Some(extent) = extent {
            round.coverage.insert(dataset, extent);
        }
    }
    round
}

/// Returns the extent of a dataset, and whether a node was queried for it.
async fn extent(
    session: &Session,
    (table, state): (&'static Table, Option<&TableState>),
    dataset: &'static Dataset,
    options: &Options,
    known: Option<Extent>,
    today: Date,
) -> Result<(Option<Extent>, bool), ProbeError> {
    let configured = options.extents.get(dataset.name);
    if let Some((first, last)) = configured.and_then(|extent| Some((extent.first, extent.last?))) {
        return Ok((Some(Extent { first, last, series: None, exact: true }), false));
    }
    let reader = match state {
        Some(TableState::Ready(reader)) => reader,
        Some(TableState::ExpectedAbsent) => return Ok((known, false)),
        Some(TableState::Missing(_) | TableState::Unusable(_)) | None => {
            return Err(ProbeError::NotReady);
        }
    };
    let key = match options.probes.get(dataset.name) {
        Some(values) => values.iter().map(String::as_str).collect(),
        None => dataset.probe().to_vec(),
    };
    let timeout = options.read_within.max(MIN_QUERY_TIMEOUT);
    let probe = Probe { session, reader, table, dataset, key, timeout };
    let Some(last) = probe.newest(today).await? else { return Ok((None, true)) };
    let first = match (configured, known) {
        (Some(configured), _) => configured.first,
        (None, Some(known)) if !probe.is_series() => known.first,
        _ => probe.oldest(last).await?,
    };
    Ok((Some(Extent { first, last, series: None, exact: false }), true))
}

struct Probe<'a> {
    session: &'a Session,
    reader: &'a TableReader,
    table: &'static Table,
    dataset: &'static Dataset,
    /// The partition key without its date columns.
    key: Vec<&'a str>,
    timeout: Duration,
}

impl Probe<'_> {
    fn is_series(&self) -> bool {
        self.table.is_series()
    }

    fn is_monthly(&self) -> bool {
        self.dataset.granularity == Granularity::Monthly
    }

    async fn newest(&self, today: Date) -> Result<Option<Digits>, ProbeError> {
        if self.is_series() {
            let newest = self.in_time(self.reader.newest_period(self.session, &self.key));
            return self.parse_period(newest.await?);
        }
        for step in 0..if self.is_monthly() { MONTHS_BACK } else { DAYS_BACK } {
            let Some(date) = self.step(today, -step) else { break };
            if self.has_data(date).await? {
                return Ok(digits(date));
            }
        }
        Ok(None)
    }

    /// Finds the oldest period. Of top lists by binary search, so that gaps make it seem newer.
    async fn oldest(&self, newest: Digits) -> Result<Digits, ProbeError> {
        if self.is_series() {
            let oldest = self.in_time(self.reader.oldest_period(self.session, &self.key));
            return Ok(self.parse_period(oldest.await?)?.unwrap_or(newest));
        }
        let Some(end) = Hour::parse(newest.as_str()).map(Hour::date) else { return Ok(newest) };
        // There are data `present` steps before the end, and none `absent` steps before it.
        let (mut present, mut absent) = (0, 1);
        let mut oldest = end;
        while let Some(date) = self.step(end, -absent).filter(|date| *date >= EARLIEST) {
            if !self.has_data(date).await? {
                break;
            }
            (present, oldest) = (absent, date);
            absent *= 2;
        }
        while absent - present > 1 {
            let middle = present + (absent - present) / 2;
            match self.step(end, -middle).filter(|date| *date >= EARLIEST) {
                Some(date) if self.has_data(date).await? => (present, oldest) = (middle, date),
                _ => absent = middle,
            }
        }
        Ok(digits(oldest).unwrap_or(newest))
    }

    /// The day that is `steps` of the dataset's periods later.
    fn step(&self, from: Date, steps: i64) -> Option<Date> {
        match self.is_monthly() {
            true => add(from.first_of_month(), Span::new().try_months(steps)),
            false => add(from, Span::new().try_days(steps)),
        }
    }

    /// Whether a top list of a period exists.
    async fn has_data(&self, date: Date) -> Result<bool, ProbeError> {
        let (year, month) = (format!("{:04}", date.year()), format!("{:02}", date.month()));
        let day = match self.is_monthly() {
            true => ALL_DAYS.to_owned(),
            false => format!("{:02}", date.day()),
        };
        let mut key = self.key.clone();
        key.extend([year.as_str(), month.as_str()]);
        if self.table.partition_position(ColumnRole::Day).is_some() {
            key.push(&day);
        }
        self.in_time(self.reader.has_rows(self.session, &key)).await
    }

    fn parse_period(&self, value: Option<CqlValue>) -> Result<Option<Digits>, ProbeError> {
        let Some(value) = value else { return Ok(None) };
        let form = self.table.form();
        let moment = value.as_cql_timestamp();
        let day = value.as_cql_date();
        let hour = moment.and_then(|CqlTimestamp(millis)| Hour::from_millis(millis));
        let hour = hour.or(day.and_then(|CqlDate(days)| hour_of_date(days)));
        let text = value.as_text().or(value.as_ascii());
        let digits = text.and_then(|text| Digits::from_text(text));
        let digits = digits.or(hour.and_then(|hour| hour.exact_digits(form)));
        digits.map(Some).ok_or_else(|| ProbeError::Timestamp(value.to_string()))
    }

    async fn in_time<T>(
        &self,
        query: impl Future<Output = Result<T, ReadError>>,
    ) -> Result<T, ProbeError> {
        let late = |_| Err(ReadError::Timeout { nodes: "the cluster".to_owned() });
        Ok(tokio::time::timeout(self.timeout, query).await.unwrap_or_else(late)?)
    }
}

fn digits(date: Date) -> Option<Digits> {
    Hour::midnight(date).map(|hour| hour.digits(Form::Day))
}

fn add(date: Date, span: Result<Span, jiff::Error>) -> Option<Date> {
    date.checked_add(span.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::Catalogue;

    fn observed(dataset: &'static Dataset, last: &str) -> Coverage {
        let digits = |text| Digits::from_text(text).unwrap();
        let (first, last) = (digits("20200101"), digits(last));
        let mut observed = Coverage::default();
        observed.insert(dataset, Extent { first, last, series: None, exact: false });
        observed
    }

    #[test]
    fn a_new_newest_period_changes_token_and_version() {
        let datasets = Catalogue::standard().unwrap().datasets().to_vec();
        let (first, second) = (datasets[0], datasets[1]);
        let coverage = ObservedCoverage::default();
        assert_eq!(coverage.change_token(), None);
        coverage.set(observed(first, "20240101"));
        let (token, versions) = (coverage.change_token(), coverage.versions(&datasets));
        coverage.set(observed(first, "20240101"));
        assert_eq!(
            (coverage.change_token(), coverage.versions(&datasets)),
            (token, versions.clone())
        );
        coverage.set(observed(first, "20240102"));
        let after = coverage.versions(&datasets);
        assert_ne!(coverage.change_token(), token);
        assert_ne!(after[first.name], versions[first.name]);
        assert_eq!(after.get(second.name), None, "its coverage is unknown");
    }

    #[test]
    fn an_empty_observation_counts() {
        let coverage = ObservedCoverage::default();
        coverage.set(Coverage::default());
        let token = coverage.change_token();
        assert!(token.is_some());
        coverage.set(Coverage::default());
        assert_eq!(coverage.change_token(), token);
    }
}

//! Finding out how far the data reach, without reading all of them: by one partition of each
//! dataset that is as new as the rest.

use super::options::Options;
use super::read::{ReadError, first_text};
use super::statements::{Standing, Statements};
use super::store::{CassandraStore, Up};
use aqs_api::calendar::{Digits, Form, Hour};
use aqs_api::coverage::Extent;
use aqs_api::granularity::Granularity;
use aqs_api::table::{ALL_DAYS, Calendar};
use aqs_api::{Coverage, Dataset};
use futures_util::future::join_all;
use jiff::Span;
use jiff::civil::Date;
use scylla::client::session::Session;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use thiserror::Error;

/// How far back a top list is looked for: this covers loads that were late for a month.
const DAYS_BACK: i64 = 40;
const MONTHS_BACK: i64 = 14;
/// How long a read_plan may take at least, however short the time for clients' reads is.
const PATIENCE: Duration = Duration::from_secs(2);
/// Nothing is older.
const EARLIEST: Date = Date::constant(2007, 1, 1);
const EPOCH: Date = Date::constant(1970, 1, 1);

#[derive(Debug, Error)]
enum ProbeError {
    /// Nothing is asked of a table that can't be read; that is told elsewhere.
    #[error("its table can't be read")]
    Unready,
    #[error("no answer in time")]
    Late,
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("its newest row has the timestamp {0:?}, which is none")]
    Timestamp(String),
}

/// What was found out of all datasets.
#[derive(Default)]
pub(super) struct Round {
    /// How far the data reach by now; of what could not be asked, as was known before.
    pub(super) found: Coverage,
    /// Why that can't be found out of some.
    pub(super) failed: BTreeMap<&'static str, String>,
    /// Whether it could be found out of any.
    pub(super) answered: bool,
}

/// Finds out how far the data reach by now. All datasets are asked at once, so that a round takes
/// as long as the slowest, and a node that is silent costs one wait and not one for each.
pub(super) async fn round(store: &CassandraStore, up: &Up) -> Round {
    let before = store.reach.coverage();
    let mut round = Round::default();
    let asked = join_all(store.datasets.iter().map(|dataset| {
        let known = before.get(dataset).copied();
        async move { (*dataset, known, one(store, up, dataset, known).await) }
    }));
    for (dataset, known, asked) in asked.await {
        let extent = match asked {
            Ok(extent) => {
                round.answered = true;
                extent
            }
            Err(ProbeError::Unready) => known,
            Err(error) => {
                round.failed.insert(dataset.name, error.to_string());
                known
            }
        };
        if let Some(extent) = extent {
            round.found.insert(dataset, extent);
        }
    }
    round
}

async fn one(
    store: &CassandraStore,
    up: &Up,
    dataset: &'static Dataset,
    known: Option<Extent>,
) -> Result<Option<Extent>, ProbeError> {
    let configured = store.options.extents.get(dataset.name);
    if let Some((first, last)) = configured.and_then(|told| Some((told.first, told.last?))) {
        return Ok(Some(Extent { first, last, series: None, exact: true }));
    }
    let standing = up.tables.standing(dataset.table).ok_or(ProbeError::Unready)?;
    let statements = match &*standing {
        Standing::Ready(statements) => statements,
        Standing::Absent => return Ok(known),
        Standing::Missing(_) | Standing::Unfit(_) => return Err(ProbeError::Unready),
    };
    let probe = Probe {
        session: &up.session,
        statements,
        dataset,
        key: key(&store.options, dataset),
        within: store.options.read_within.max(PATIENCE),
    };
    let today = today(store);
    let Some(last) = probe.newest(today).await? else { return Ok(None) };
    let first = match (configured, known) {
        (Some(told), _) => told.first,
        (None, Some(known)) if !probe.is_series() => known.first,
        _ => probe.oldest(last).await?,
    };
    Ok(Some(Extent { first, last, series: None, exact: false }))
}

/// The part of the probe's partition key that is no date.
fn key<'a>(options: &'a Options, dataset: &'static Dataset) -> Vec<&'a str> {
    match options.probes.get(dataset.name) {
        Some(values) => values.iter().map(String::as_str).collect(),
        None => dataset.probe.to_vec(),
    }
}

fn today(store: &CassandraStore) -> Date {
    let days = i64::try_from(store.clock.now().0 / 86_400_000).unwrap_or(0);
    plus(EPOCH, Span::new().try_days(days)).unwrap_or(EPOCH)
}

fn plus(date: Date, span: Result<Span, jiff::Error>) -> Option<Date> {
    date.checked_add(span.ok()?).ok()
}

struct Probe<'a> {
    session: &'a Session,
    statements: &'a Statements,
    dataset: &'static Dataset,
    key: Vec<&'a str>,
    within: Duration,
}

impl Probe<'_> {
    fn is_series(&self) -> bool {
        matches!(self.dataset.table.calendar, Calendar::Series(_))
    }

    async fn newest(&self, today: Date) -> Result<Option<Digits>, ProbeError> {
        if self.is_series() {
            return self.timestamp(&self.statements.newest).await;
        }
        let back = if self.by_months() { MONTHS_BACK } else { DAYS_BACK };
        for step in 0..back {
            let Some(date) = self.step(today, -step) else { break };
            if self.is_there(date).await? {
                return Ok(digits(date));
            }
        }
        Ok(None)
    }

    /// The oldest period, if all since then are there: gaps may make it seem newer.
    async fn oldest(&self, newest: Digits) -> Result<Digits, ProbeError> {
        if let Some(oldest) = &self.statements.oldest {
            return Ok(self.timestamp(oldest).await?.unwrap_or(newest));
        }
        let Some(end) = Hour::parse(newest.as_str()).map(Hour::date) else { return Ok(newest) };
        // What is there at `there` steps before the end, and is not at `gone` steps.
        let (mut there, mut gone) = (0, 1);
        let mut beginning = end;
        while let Some(date) = self.step(end, -gone).filter(|date| *date >= EARLIEST) {
            if !self.is_there(date).await? {
                break;
            }
            (there, beginning) = (gone, date);
            gone *= 2;
        }
        while gone - there > 1 {
            let middle = there + (gone - there) / 2;
            match self.step(end, -middle).filter(|date| *date >= EARLIEST) {
                Some(date) if self.is_there(date).await? => (there, beginning) = (middle, date),
                _ => gone = middle,
            }
        }
        Ok(digits(beginning).unwrap_or(newest))
    }

    /// The day that is so many of the dataset's periods later.
    fn step(&self, from: Date, steps: i64) -> Option<Date> {
        match self.by_months() {
            true => plus(from.first_of_month(), Span::new().try_months(steps)),
            false => plus(from, Span::new().try_days(steps)),
        }
    }

    fn by_months(&self) -> bool {
        self.dataset.granularity == Granularity::Monthly
    }

    async fn timestamp(
        &self,
        statement: &scylla::statement::prepared::PreparedStatement,
    ) -> Result<Option<Digits>, ProbeError> {
        let Some(text) = self.ask(statement, &self.key).await? else { return Ok(None) };
        match Digits::from_text(&text) {
            Some(digits) => Ok(Some(digits)),
            None => Err(ProbeError::Timestamp(text)),
        }
    }

    async fn is_there(&self, date: Date) -> Result<bool, ProbeError> {
        let (year, month) = (format!("{:04}", date.year()), format!("{:02}", date.month()));
        let day = match self.by_months() {
            true => ALL_DAYS.to_owned(),
            false => format!("{:02}", date.day()),
        };
        let mut key = self.key.clone();
        key.extend([year.as_str(), month.as_str()]);
        if self.dataset.table.calendar == Calendar::YearMonthDay {
            key.push(&day);
        }
        Ok(self.ask(&self.statements.newest, &key).await?.is_some())
    }

    async fn ask(
        &self,
        statement: &scylla::statement::prepared::PreparedStatement,
        key: &[&str],
    ) -> Result<Option<String>, ProbeError> {
        let until = Instant::now() + self.within;
        let asked = first_text(self.session, statement, key);
        let answer = tokio::time::timeout_at(until.into(), asked).await;
        Ok(answer.map_err(|_| ProbeError::Late)??)
    }
}

fn digits(date: Date) -> Option<Digits> {
    Hour::midnight(date).map(|hour| hour.digits(Form::Day))
}

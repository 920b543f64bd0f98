//! The period of a row, according to its table's columns.

use crate::row::Cell;
use aqs_api::Table;
use aqs_api::calendar::{Digits, Form, Hour};
use aqs_api::table::{ALL_DAYS, Column, ColumnRole};
use jiff::Timestamp;
use std::borrow::Cow;
use thiserror::Error;

/// The columns that hold the period of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PeriodColumns {
    Series {
        period: Position,
        form: Form,
        granularity: Option<Position>,
    },
    /// Without `day`, the period is a month; a `day` may be `all-days`.
    Date {
        year: Position,
        month: Position,
        day: Option<Position>,
    },
}

/// A column and its position in `Table::columns()`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    at: usize,
    column: &'static Column,
}

/// A table has no period of rows and no year and month of partitions.
#[derive(Debug, Error)]
#[error("has no columns for the period of a row")]
pub struct NoPeriod;

#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("column {column:?} must be {expected}, not {found:?}")]
pub struct BadPeriod {
    pub column: &'static str,
    pub expected: &'static str,
    pub found: String,
}

impl PeriodColumns {
    pub(crate) fn of(table: &'static Table) -> Result<Self, NoPeriod> {
        let find = |is: &dyn Fn(&Column) -> bool| {
            let (at, column) = table.columns().enumerate().find(|(_, column)| is(column))?;
            Some(Position { at, column })
        };
        let with = |role| find(&|column| column.role == role);
        let period = find(&|column| column.form().is_some());
        if let Some((period, form)) = period.zip(table.period_form()) {
            return Ok(Self::Series { period, form, granularity: with(ColumnRole::Granularity) });
        }
        let date = with(ColumnRole::Year).zip(with(ColumnRole::Month));
        let (year, month) = date.ok_or(NoPeriod)?;
        Ok(Self::Date { year, month, day: with(ColumnRole::Day) })
    }

    /// Whether a column is one of these, and so does not identify a series.
    pub(crate) fn contains(&self, column: usize) -> bool {
        match *self {
            Self::Series { period, .. } => column == period.at,
            Self::Date { year, month, day } => {
                column == year.at || column == month.at || day.is_some_and(|day| column == day.at)
            }
        }
    }

    /// Checks that the period of a series begins where one of its granularity does. No query would
    /// find others, and sums would count them twice.
    pub(crate) fn check_granularity(&self, cells: &[Cell<'_>]) -> Result<(), BadPeriod> {
        let Self::Series { period, granularity: Some(granularity), .. } = *self else {
            return Ok(());
        };
        let name = granularity.text(cells, 0);
        let timestamp = period.text(cells, 0);
        let (day, hour) = (timestamp.get(6..8), timestamp.get(8..10).unwrap_or("00"));
        let expected = match &*name {
            "hourly" => return Ok(()),
            "daily" if hour == "00" => return Ok(()),
            "daily" => "a day's, with hour 00",
            "monthly" if hour == "00" && day == Some("01") => return Ok(()),
            "monthly" => "a month's first day, with hour 00",
            _ => return Err(granularity.bad("hourly, daily or monthly", &name)),
        };
        Err(period.bad(expected, &timestamp))
    }

    /// The period of a row: its own, its day, or the first day of its month.
    pub(crate) fn read(&self, cells: &[Cell<'_>]) -> Result<Digits, BadPeriod> {
        match *self {
            Self::Series { period, form, .. } => series(period, &period.text(cells, 0), form),
            Self::Date { year, month, day } => date(cells, year, month, day),
        }
    }
}

impl Position {
    /// The text of its cell; of a number with this many digits.
    fn text<'a>(self, cells: &'a [Cell<'_>], width: usize) -> Cow<'a, str> {
        match cells.get(self.at) {
            Some(Cell::Text(text)) => Cow::Borrowed(text),
            Some(Cell::Int(number)) => Cow::Owned(format!("{number:0width$}")),
            Some(Cell::Absent | Cell::Null | Cell::Double(_)) | None => Cow::Borrowed(""),
        }
    }

    fn bad(self, expected: &'static str, found: &str) -> BadPeriod {
        BadPeriod { column: self.column.name, expected, found: found.to_owned() }
    }
}

/// Returns the period of a column of type timestamp or date in the digits of its form. It is given
/// in 8 or 10 digits, or as a moment of RFC 3339. A column of type text has its digits alone.
pub(crate) fn digits(column: &Column, text: String) -> Result<String, BadPeriod> {
    let moment = || Hour::from_millis(text.parse::<Timestamp>().ok()?.as_millisecond());
    let hour = Hour::parse(&text).or_else(moment);
    let form = column.form().unwrap_or(Form::Hour);
    match hour.and_then(|hour| hour.exact_digits(form)) {
        Some(digits) => Ok(digits.as_str().to_owned()),
        None => {
            let expected = match form {
                Form::Day => "the begin of a day in UTC: YYYYMMDD, or as RFC 3339 has it",
                Form::Hour => "the begin of an hour in UTC: YYYYMMDDHH, or as RFC 3339 has it",
            };
            Err(BadPeriod { column: column.name, expected, found: text })
        }
    }
}

fn series(period: Position, timestamp: &str, form: Form) -> Result<Digits, BadPeriod> {
    let expected = match form {
        Form::Day => "a day that exists, in 8 digits: YYYYMMDD",
        Form::Hour => "an hour that exists, in 10 digits: YYYYMMDDHH",
    };
    match Hour::parse(timestamp) {
        Some(hour) if timestamp.len() == form.len() => Ok(hour.digits(form)),
        _ => Err(period.bad(expected, timestamp)),
    }
}

fn date(
    cells: &[Cell<'_>],
    year: Position,
    month: Position,
    day: Option<Position>,
) -> Result<Digits, BadPeriod> {
    let digits = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    let year_text = year.text(cells, 4);
    if !digits(&year_text, 4) {
        return Err(year.bad("4 digits", &year_text));
    }
    let month_text = month.text(cells, 2);
    if !digits(&month_text, 2) || !("01"..="12").contains(&&*month_text) {
        return Err(month.bad("2 digits, 01 to 12", &month_text));
    }
    let day_text = day.map_or(Cow::Borrowed(ALL_DAYS), |day| day.text(cells, 2));
    let day = day.unwrap_or(month);
    let first = if day_text == ALL_DAYS { "01" } else { &day_text };
    if !digits(first, 2) {
        return Err(day.bad("2 digits or all-days", &day_text));
    }
    match Hour::parse(&format!("{year_text}{month_text}{first}")) {
        Some(hour) => Ok(hour.digits(Form::Day)),
        None => Err(day.bad("a day of that month", &day_text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::tables::{TOP_BY_COUNTRY, TOP_PAGEVIEWS, UNIQUE_DEVICES};

    fn period(table: &'static Table, key: &[&'static str]) -> Result<String, &'static str> {
        let cells: Vec<_> = key.iter().map(|text| Cell::Text((*text).into())).collect();
        let columns = PeriodColumns::of(table).map_err(|NoPeriod| "none")?;
        let digits = columns.read(&cells).map_err(|bad| bad.column)?;
        Ok(digits.as_str().to_owned())
    }

    #[test]
    fn timestamps_have_the_digits_of_their_table() {
        let at =
            |timestamp| period(&UNIQUE_DEVICES, &["en.wikipedia", "all-sites", "daily", timestamp]);
        assert_eq!(at("20240229"), Ok("20240229".to_owned()));
        for bad in ["20230229", "2024022900", "2024", "2024-2-1", ""] {
            assert_eq!(at(bad), Err("timestamp"), "{bad}");
        }
    }

    #[test]
    fn a_moment_is_the_begin_of_a_period() {
        use aqs_api::table::{date, timestamp};
        let day = timestamp("dt").period(Form::Day);
        let hour = timestamp("dt").period(Form::Hour);
        let given = |column: Column, text: &str| digits(&column, text.to_owned()).ok();
        for text in ["20240229", "2024022900", "2024-02-29T00:00:00Z", "2024-02-29T01:00:00+01:00"]
        {
            assert_eq!(given(day, text).as_deref(), Some("20240229"), "{text}");
            assert_eq!(given(hour, text).as_deref(), Some("2024022900"), "{text}");
        }
        assert_eq!(given(hour, "2024-02-29T23:00:00.000Z").as_deref(), Some("2024022923"));
        assert_eq!(given(date("dt").period(Form::Day), "20240229").as_deref(), Some("20240229"));
        for bad in ["2024-02-29T23:00:00Z", "2024022923", "2024-02-30T00:00:00Z", "2024-02-29", ""]
        {
            assert_eq!(given(day, bad), None, "{bad}");
        }
        assert_eq!(given(hour, "2024-02-29T23:00:01Z"), None);
    }

    #[test]
    fn dates_are_padded() {
        let at = |[y, m, d]: [&'static str; 3]| period(&TOP_PAGEVIEWS, &["en", "all", y, m, d]);
        assert_eq!(at(["2024", "02", "29"]), Ok("20240229".to_owned()));
        assert_eq!(at(["2024", "02", "all-days"]), Ok("20240201".to_owned()));
        for (date, column) in [
            (["24", "02", "29"], "year"),
            (["2024", "2", "29"], "month"),
            (["2024", "13", "01"], "month"),
            (["2024", "00", "01"], "month"),
            (["2024", "02", "9"], "day"),
            (["2024", "02", "30"], "day"),
            (["2024", "02", "ALL-DAYS"], "day"),
            (["2024", "é", "01"], "month"),
        ] {
            assert_eq!(at(date), Err(column), "{date:?}");
        }
        assert_eq!(
            period(&TOP_BY_COUNTRY, &["en", "all", "2024", "02"]),
            Ok("20240201".to_owned())
        );
    }
}

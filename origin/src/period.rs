//! The period of a row, according to its table's calendar.

use crate::row::Cell;
use aqs_api::Table;
use aqs_api::calendar::{Digits, Form, Hour};
use aqs_api::table::{ALL_DAYS, Calendar, TIMESTAMP};
use thiserror::Error;

/// The columns that hold the period of a row, as positions in `Table::columns()`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PeriodColumns {
    Series {
        timestamp: usize,
        form: Form,
        granularity: Option<usize>,
    },
    /// Without `day`, the period is a month; a `day` may be `all-days`.
    Date {
        year: usize,
        month: usize,
        day: Option<usize>,
    },
}

/// A table's calendar needs a column that the table does not have.
#[derive(Debug, Error)]
#[error("has no column {0:?}, which its calendar needs")]
pub struct MissingColumn(&'static str);

#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("column {column:?} must be {expected}, not {found:?}")]
pub struct BadPeriod {
    pub column: &'static str,
    pub expected: &'static str,
    pub found: String,
}

impl PeriodColumns {
    pub(crate) fn of(table: &'static Table) -> Result<Self, MissingColumn> {
        let position = |name| {
            table.columns().position(|column| column.name == name).ok_or(MissingColumn(name))
        };
        Ok(match table.calendar {
            Calendar::Series(form) => Self::Series {
                timestamp: position(TIMESTAMP)?,
                form,
                granularity: position("granularity").ok(),
            },
            calendar @ (Calendar::YearMonthDay | Calendar::YearMonth) => Self::Date {
                year: position("year")?,
                month: position("month")?,
                day: match calendar {
                    Calendar::YearMonthDay => Some(position("day")?),
                    _ => None,
                },
            },
        })
    }

    /// Whether a column is one of these, and so does not identify a series.
    pub(crate) fn contains(&self, column: usize) -> bool {
        match *self {
            Self::Series { timestamp, .. } => column == timestamp,
            Self::Date { year, month, day } => {
                column == year || column == month || day == Some(column)
            }
        }
    }

    /// Checks that the period of a series begins where one of its granularity does. No query would
    /// find others, and sums would count them twice.
    pub(crate) fn check_granularity(&self, cells: &[Cell<'_>]) -> Result<(), BadPeriod> {
        let Self::Series { timestamp, granularity: Some(granularity), .. } = *self else {
            return Ok(());
        };
        let granularity = text(cells, granularity);
        let timestamp = text(cells, timestamp);
        let (day, hour) = (timestamp.get(6..8), timestamp.get(8..10).unwrap_or("00"));
        let expected = match granularity {
            "hourly" => return Ok(()),
            "daily" if hour == "00" => return Ok(()),
            "daily" => "a day's, with hour 00",
            "monthly" if hour == "00" && day == Some("01") => return Ok(()),
            "monthly" => "a month's first day, with hour 00",
            _ => return Err(bad("granularity", "hourly, daily or monthly", granularity)),
        };
        Err(bad(TIMESTAMP, expected, timestamp))
    }

    /// The period of a row: its timestamp, its day, or the first day of its month.
    pub(crate) fn read(&self, cells: &[Cell<'_>]) -> Result<Digits, BadPeriod> {
        match *self {
            Self::Series { timestamp, form, .. } => series(text(cells, timestamp), form),
            Self::Date { year, month, day } => date(
                text(cells, year),
                text(cells, month),
                day.map_or(ALL_DAYS, |day| text(cells, day)),
            ),
        }
    }
}

fn text<'a>(cells: &'a [Cell<'_>], column: usize) -> &'a str {
    match cells.get(column) {
        Some(Cell::Text(text)) => text,
        _ => "",
    }
}

fn bad(column: &'static str, expected: &'static str, found: &str) -> BadPeriod {
    BadPeriod { column, expected, found: found.to_owned() }
}

fn series(timestamp: &str, form: Form) -> Result<Digits, BadPeriod> {
    let (len, expected) = match form {
        Form::Day => (8, "a day that exists, in 8 digits: YYYYMMDD"),
        Form::Hour => (10, "an hour that exists, in 10 digits: YYYYMMDDHH"),
    };
    match Hour::parse(timestamp) {
        Some(hour) if timestamp.len() == len => Ok(hour.digits(form)),
        _ => Err(bad(TIMESTAMP, expected, timestamp)),
    }
}

fn date(year: &str, month: &str, day: &str) -> Result<Digits, BadPeriod> {
    let digits = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(year, 4) {
        return Err(bad("year", "4 digits", year));
    }
    if !digits(month, 2) || !("01"..="12").contains(&month) {
        return Err(bad("month", "2 digits, 01 to 12", month));
    }
    let first = if day == ALL_DAYS { "01" } else { day };
    if !digits(first, 2) {
        return Err(bad("day", "2 digits or all-days", day));
    }
    match Hour::parse(&format!("{year}{month}{first}")) {
        Some(hour) => Ok(hour.digits(Form::Day)),
        None => Err(bad("day", "a day of that month", day)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::tables::{TOP_BY_COUNTRY, TOP_PAGEVIEWS, UNIQUE_DEVICES};

    fn period(table: &'static Table, key: &[&'static str]) -> Result<String, &'static str> {
        let cells: Vec<_> = key.iter().map(|text| Cell::Text((*text).into())).collect();
        let columns = PeriodColumns::of(table).map_err(|missing| missing.0)?;
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

//! The period that a row is about, by its table's calendar.

use super::row::Cell;
use aqs_api::Table;
use aqs_api::calendar::{Digits, Form, Hour};
use aqs_api::table::{ALL_DAYS, Calendar, TIMESTAMP};
use thiserror::Error;

/// Where a table's rows say when: positions in `Table::columns()`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    /// In one column of digits.
    Series { timestamp: usize, form: Form, granularity: Option<usize> },
    /// In three columns, the last perhaps `all-days`.
    YearMonthDay { year: usize, month: usize, day: usize },
    /// In two columns.
    YearMonth { year: usize, month: usize },
}

/// A row whose period can't be told.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("column {column:?} must be {expected}, not {found:?}")]
pub struct BadPeriod {
    /// Where the period is written.
    pub column: &'static str,
    /// What belongs there.
    pub expected: &'static str,
    /// What is there.
    pub found: String,
}

impl When {
    /// What a table's description says; the missing column if it says it of one it hasn't got.
    pub(crate) fn of(table: &'static Table) -> Result<Self, &'static str> {
        let at = |name| table.columns().position(|column| column.name == name).ok_or(name);
        Ok(match table.calendar {
            Calendar::Series(form) => Self::Series {
                timestamp: at(TIMESTAMP)?,
                form,
                granularity: at("granularity").ok(),
            },
            Calendar::YearMonthDay => {
                Self::YearMonthDay { year: at("year")?, month: at("month")?, day: at("day")? }
            }
            Calendar::YearMonth => Self::YearMonth { year: at("year")?, month: at("month")? },
        })
    }

    /// Whether a column of the key tells the period, and so not whose series it is.
    pub(crate) fn tells(&self, column: usize) -> bool {
        match *self {
            Self::Series { timestamp, .. } => column == timestamp,
            Self::YearMonthDay { year, month, day } => [year, month, day].contains(&column),
            Self::YearMonth { year, month } => [year, month].contains(&column),
        }
    }

    /// Whether a series' period begins where one of its granularity does: else nobody could ask
    /// for it, or a sum would count it twice.
    pub(crate) fn check_granularity(&self, cells: &[Cell<'_>]) -> Result<(), BadPeriod> {
        let Self::Series { timestamp, granularity: Some(granularity), .. } = *self else {
            return Ok(());
        };
        let found = text(cells, granularity);
        let timestamp = text(cells, timestamp);
        let (day, hour) = (timestamp.get(6..8), timestamp.get(8..10).unwrap_or("00"));
        let expected = match found {
            "hourly" => return Ok(()),
            "daily" if hour == "00" => return Ok(()),
            "daily" => "a day's, with hour 00",
            "monthly" if hour == "00" && day == Some("01") => return Ok(()),
            "monthly" => "a month's first day, with hour 00",
            _ => {
                let expected = "hourly, daily or monthly";
                return Err(BadPeriod { column: "granularity", expected, found: found.to_owned() });
            }
        };
        Err(BadPeriod { column: TIMESTAMP, expected, found: timestamp.to_owned() })
    }

    /// The period of a row, in digits: its timestamp, its day, or the first of its month.
    pub(crate) fn read(&self, cells: &[Cell<'_>]) -> Result<Digits, BadPeriod> {
        match *self {
            Self::Series { timestamp, form, .. } => series(text(cells, timestamp), form),
            Self::YearMonthDay { year, month, day } => {
                day_of(text(cells, year), text(cells, month), text(cells, day))
            }
            Self::YearMonth { year, month } => {
                day_of(text(cells, year), text(cells, month), ALL_DAYS)
            }
        }
    }
}

fn text<'a>(cells: &'a [Cell<'_>], column: usize) -> &'a str {
    match cells.get(column) {
        Some(Cell::Text(text)) => text,
        _ => "",
    }
}

fn series(timestamp: &str, form: Form) -> Result<Digits, BadPeriod> {
    let (len, expected) = match form {
        Form::Day => (8, "a day that exists, in 8 digits: YYYYMMDD"),
        Form::Hour => (10, "an hour that exists, in 10 digits: YYYYMMDDHH"),
    };
    match Hour::parse(timestamp) {
        Some(hour) if timestamp.len() == len => Ok(hour.digits(form)),
        _ => Err(BadPeriod { column: TIMESTAMP, expected, found: timestamp.to_owned() }),
    }
}

fn day_of(year: &str, month: &str, day: &str) -> Result<Digits, BadPeriod> {
    let digits = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    let bad = |column, expected, found: &str| {
        Err(BadPeriod { column, expected, found: found.to_owned() })
    };
    if !digits(year, 4) {
        return bad("year", "4 digits", year);
    }
    if !digits(month, 2) || !("01"..="12").contains(&month) {
        return bad("month", "2 digits, 01 to 12", month);
    }
    let whole_month = day == ALL_DAYS;
    if !whole_month && !digits(day, 2) {
        return bad("day", "2 digits or all-days", day);
    }
    let mut joined = [b'0'; 8];
    let parts = [year, month, if whole_month { "01" } else { day }];
    for (slot, byte) in joined.iter_mut().zip(parts.into_iter().flat_map(str::bytes)) {
        *slot = byte;
    }
    let hour = std::str::from_utf8(&joined).ok().and_then(Hour::parse);
    match hour {
        Some(hour) => Ok(hour.digits(Form::Day)),
        None => bad("day", "a day of that month", day),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::tables::{TOP_BY_COUNTRY, TOP_PAGEVIEWS, UNIQUE_DEVICES};

    fn period(table: &'static Table, key: &[&'static str]) -> Result<String, &'static str> {
        let cells: Vec<_> = key.iter().map(|text| Cell::Text((*text).into())).collect();
        let digits = When::of(table)?.read(&cells).map_err(|bad| bad.column)?;
        Ok(digits.as_str().to_owned())
    }

    #[test]
    fn a_series_has_the_digits_of_its_table() {
        let at =
            |timestamp| period(&UNIQUE_DEVICES, &["en.wikipedia", "all-sites", "daily", timestamp]);
        assert_eq!(at("20240229"), Ok("20240229".to_owned()));
        for bad in ["20230229", "2024022900", "2024", "2024-2-1", ""] {
            assert_eq!(at(bad), Err("timestamp"), "{bad}");
        }
    }

    #[test]
    fn a_top_list_has_a_padded_date() {
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

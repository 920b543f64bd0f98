//! Windows of time, relative to what is loaded.

use aqs_api::calendar::Hour;
use aqs_api::granularity::Granularity;
use aqs_api::{Dataset, Extent};
use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// For which time answers are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Window {
    /// `last 7 days`: one series up to the newest that is loaded; of months, whole ones.
    Last(u32, Unit),
    /// `everything`: one series of all that is loaded.
    Everything,
    /// `newest 7 days`: a list for each of them.
    Newest(u32, Unit),
}

/// What a window counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Days.
    Days,
    /// Calendar months.
    Months,
}

/// A text that is no window.
#[derive(Debug, Error)]
#[error(
    "{text:?} is no window: write `last 7 days`, `last 13 months` or `everything` for series, \
     and `newest 7 days` or `newest 3 months` for lists; at most {MOST}"
)]
pub struct BadWindow {
    text: String,
}

/// A hundred years of days.
pub(super) const MOST: u32 = 36_600;

impl FromStr for Window {
    type Err = BadWindow;

    fn from_str(text: &str) -> Result<Self, BadWindow> {
        let parse = || {
            let mut words = text.split_whitespace();
            let make = match (words.next()?, words.next()) {
                ("everything", None) => return Some(Self::Everything),
                ("last", Some(count)) => (Self::Last as fn(u32, Unit) -> Self, count),
                ("newest", Some(count)) => (Self::Newest as fn(u32, Unit) -> Self, count),
                _ => return None,
            };
            let unit = match words.next()? {
                "day" | "days" => Unit::Days,
                "month" | "months" => Unit::Months,
                _ => return None,
            };
            let count: u32 = make.1.parse().ok().filter(|count| (1..=MOST).contains(count))?;
            words.next().is_none().then(|| make.0(count, unit))
        };
        parse().ok_or_else(|| BadWindow { text: text.to_owned() })
    }
}

impl TryFrom<String> for Window {
    type Error = BadWindow;

    fn try_from(text: String) -> Result<Self, BadWindow> {
        text.parse()
    }
}

impl fmt::Display for Window {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, count, unit) = match self {
            Self::Everything => return text.write_str("everything"),
            Self::Last(count, unit) => ("last", count, unit),
            Self::Newest(count, unit) => ("newest", count, unit),
        };
        let unit = match unit {
            Unit::Days => "day",
            Unit::Months => "month",
        };
        write!(text, "{word} {count} {unit}{}", if *count == 1 { "" } else { "s" })
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

impl Window {
    /// Whether a series of that granularity can have this window.
    pub(super) fn fits_series(self, granularity: Option<Granularity>) -> bool {
        match self {
            Self::Everything | Self::Last(_, Unit::Months) => true,
            // A month is not told day by day.
            Self::Last(_, Unit::Days) => granularity != Some(Granularity::Monthly),
            Self::Newest(..) => false,
        }
    }

    /// The first and last hour of a series, if the window fits and there is any of it.
    pub(super) fn span(
        self,
        granularity: Option<Granularity>,
        dataset: &Dataset,
        extent: &Extent,
    ) -> Option<(Hour, Hour)> {
        if !self.fits_series(granularity) {
            return None;
        }
        let (first, last) =
            (Hour::parse(extent.first.as_str())?, Hour::parse(extent.last.as_str())?);
        let by_month = granularity == Some(Granularity::Monthly);
        match self {
            Self::Newest(..) => None,
            Self::Everything if by_month => {
                let day = first.date();
                let begun = day != day.first_of_month();
                let start = back(day.first_of_month(), -i64::from(begun).months())?;
                let end = last_hour(newest_month(last, dataset)?.last_of_month())?;
                (start <= end).then_some((start, end))
            }
            Self::Everything => Some((first, last)),
            Self::Last(count, Unit::Days) => {
                Some((back(last.date(), (i64::from(count) - 1).days())?, last))
            }
            Self::Last(count, Unit::Months) => {
                let month = newest_month(last, dataset)?;
                let start = back(month, (i64::from(count) - 1).months())?;
                Some((start, last_hour(month.last_of_month())?))
            }
        }
    }

    /// The days, or the firsts of months, of which a list is wanted, newest first.
    pub(super) fn dates(self, dataset: &Dataset, extent: &Extent) -> Vec<Date> {
        let ends = [&extent.first, &extent.last].map(|end| Hour::parse(end.as_str()));
        let [Some(first), Some(last)] = ends else { return Vec::new() };
        let dates = |newest: Date, oldest: Date, count: u32, step: fn(i64) -> Span| {
            let date = |back: u32| newest.checked_sub(step(i64::from(back))).ok();
            (0..count).map_while(date).take_while(|date| *date >= oldest).collect()
        };
        match self {
            Self::Newest(count, Unit::Days) => {
                dates(last.date(), first.date(), count, |days| days.days())
            }
            Self::Newest(count, Unit::Months) => {
                let oldest = first.date().first_of_month();
                newest_month(last, dataset)
                    .map(|month| dates(month, oldest, count, |months| months.months()))
                    .unwrap_or_default()
            }
            Self::Last(..) | Self::Everything => Vec::new(),
        }
    }
}

/// The first day of the newest month that is wholly loaded.
fn newest_month(last: Hour, dataset: &Dataset) -> Option<Date> {
    let (day, month) = (last.date(), last.date().first_of_month());
    let is_last_day = day == day.last_of_month();
    let whole = match dataset.granularity {
        Granularity::Monthly => true,
        Granularity::Daily => is_last_day,
        Granularity::Hourly => is_last_day && last.hour() == 23,
    };
    if whole { Some(month) } else { month.checked_sub(1.month()).ok() }
}

fn back(date: Date, span: Span) -> Option<Hour> {
    date.checked_sub(span).ok().and_then(Hour::midnight)
}

fn last_hour(day: Date) -> Option<Hour> {
    Hour::parse(&format!("{:04}{:02}{:02}23", day.year(), day.month(), day.day()))
}

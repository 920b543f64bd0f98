//! From a window to dates.

use super::text::{Unit, Window};
use aqs_api::calendar::Granularity;
use aqs_api::calendar::Hour;
use aqs_api::{Dataset, Extent};
use jiff::civil::Date;
use jiff::{Span, ToSpan};

impl Window {
    /// Whether a series of a granularity can have this window.
    pub(super) fn fits_series(self, granularity: Option<Granularity>) -> bool {
        match self {
            Self::Everything | Self::Last(_, Unit::Months) => true,
            Self::Last(_, Unit::Days) => granularity != Some(Granularity::Monthly),
            Self::Newest(..) => false,
        }
    }

    /// The first and last hour of a series. `None` if the window does not fit or is empty.
    pub(super) fn span(
        self,
        granularity: Option<Granularity>,
        dataset: &Dataset,
        extent: &Extent,
    ) -> Option<(Hour, Hour)> {
        if !self.fits_series(granularity) {
            return None;
        }
        let (first, last) = hours(extent)?;
        match self {
            Self::Newest(..) => None,
            Self::Everything if granularity == Some(Granularity::Monthly) => {
                let day = first.date();
                let is_cut = day != day.first_of_month();
                let start = back(day.first_of_month(), -i64::from(is_cut).months())?;
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

    /// The days, or first days of months, of a window of lists, newest first.
    pub(super) fn dates(self, dataset: &Dataset, extent: &Extent) -> Vec<Date> {
        let (Self::Newest(count, unit), Some((first, last))) = (self, hours(extent)) else {
            return Vec::new();
        };
        let (newest, oldest) = match unit {
            Unit::Days => (Some(last.date()), first.date()),
            Unit::Months => (newest_month(last, dataset), first.date().first_of_month()),
        };
        let date = |back: u32| {
            let back = match unit {
                Unit::Days => i64::from(back).days(),
                Unit::Months => i64::from(back).months(),
            };
            newest?.checked_sub(back).ok()
        };
        (0..count).map_while(date).take_while(|date| *date >= oldest).collect()
    }
}

fn hours(extent: &Extent) -> Option<(Hour, Hour)> {
    Some((Hour::parse(extent.first.as_str())?, Hour::parse(extent.last.as_str())?))
}

/// The first day of the newest month that is completely loaded.
fn newest_month(last: Hour, dataset: &Dataset) -> Option<Date> {
    let (day, month) = (last.date(), last.date().first_of_month());
    let is_last_day = day == day.last_of_month();
    let is_complete = match dataset.granularity {
        Granularity::Monthly => true,
        Granularity::Daily => is_last_day,
        Granularity::Hourly => is_last_day && last.hour() == 23,
    };
    if is_complete { Some(month) } else { month.checked_sub(1.month()).ok() }
}

fn back(date: Date, span: Span) -> Option<Hour> {
    date.checked_sub(span).ok().and_then(Hour::midnight)
}

fn last_hour(day: Date) -> Option<Hour> {
    Hour::parse(&format!("{:04}{:02}{:02}23", day.year(), day.month(), day.day()))
}

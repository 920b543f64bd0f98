//! The days and months that the sample is about.

use std::ops::Range;
use std::sync::LazyLock;

/// Page views begin here.
pub(super) const FIRST: usize = index(2015, 7, 1);
/// Where the long daily series begin.
pub(super) const LONG: usize = index(2019, 1, 1);
/// Where most daily series begin.
pub(super) const THREE_YEARS: usize = index(2023, 11, 1);
/// Where the short daily series begin.
pub(super) const QUARTER: usize = index(2026, 8, 1);
/// The day after the last.
pub(super) const AFTER: usize = index(2026, 10, 31) + 1;
/// From here on readings by programs are told apart from those by users.
pub(super) const AUTOMATED: Month = Month::new(2020, 5);

/// A day since [`FIRST`].
#[derive(Debug)]
pub(super) struct Day {
    /// Its place in [`days`].
    pub(super) index: usize,
    pub(super) month: u8,
    pub(super) day: u8,
    /// Monday is 0.
    pub(super) weekday: u8,
    pub(super) whole_month: Month,
    /// `YYYYMMDD00`
    pub(super) stamp: String,
}

impl Day {
    /// The day for noise.
    pub(super) fn period(&self) -> u64 {
        self.index as u64
    }

    /// `YYYYMMDD`
    pub(super) fn date(&self) -> &str {
        &self.stamp[..8]
    }

    /// `DD`
    pub(super) fn of_month(&self) -> &str {
        &self.stamp[6..8]
    }
}

/// A month of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(usize);

impl Month {
    /// A month of a year, from 1.
    pub(super) const fn new(year: usize, month: usize) -> Self {
        Self(year * 12 + month - 1)
    }

    /// Reads the first six digits of a timestamp.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let year = text.get(0..4)?.parse().ok()?;
        let month = text.get(4..6)?.parse().ok()?;
        (1..=12).contains(&month).then_some(Self::new(year, month))
    }

    /// Months since the year 0.
    pub(super) const fn index(self) -> usize {
        self.0
    }

    pub(super) const fn year(self) -> usize {
        self.0 / 12
    }

    /// From 1.
    pub(super) const fn month(self) -> usize {
        self.0 % 12 + 1
    }

    /// `YYYYMM`
    pub(super) fn text(self) -> String {
        format!("{:04}{:02}", self.year(), self.month())
    }

    /// How many days it has.
    pub(super) const fn length(self) -> usize {
        let next = Self(self.0 + 1);
        civil(next.year(), next.month(), 1) - civil(self.year(), self.month(), 1)
    }

    /// Its days in [`days`], as far as they lie there.
    pub(super) fn days(self) -> Range<usize> {
        let first = civil(self.year(), self.month(), 1).saturating_sub(EPOCH);
        first..(first + self.length()).min(AFTER)
    }
}

/// Months from the first to the last that the sample has.
pub(super) fn months(first: Month) -> impl Iterator<Item = Month> {
    (first.0..=Month::new(2026, 10).0).map(Month)
}

const EPOCH: usize = civil(2015, 7, 1);

/// The place of a day in [`days`].
pub(super) const fn index(year: usize, month: usize, day: usize) -> usize {
    civil(year, month, day) - EPOCH
}

/// Days since the first of March of the year 0.
const fn civil(year: usize, month: usize, day: usize) -> usize {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1
}

/// Every day, in order.
pub(super) fn days() -> &'static [Day] {
    static DAYS: LazyLock<Vec<Day>> = LazyLock::new(|| {
        let mut days = Vec::with_capacity(AFTER);
        let mut whole_month = Month::new(2015, 7);
        while days.len() < AFTER {
            for day in 1..=whole_month.length() {
                let index = days.len();
                days.push(Day {
                    index,
                    month: whole_month.month() as u8,
                    day: day as u8,
                    // The first day was a Wednesday.
                    weekday: ((index + 2) % 7) as u8,
                    whole_month,
                    stamp: format!("{}{day:02}00", whole_month.text()),
                });
            }
            whole_month = Month(whole_month.0 + 1);
        }
        days
    });
    &DAYS
}

/// The day of a timestamp or of an ISO date.
pub(super) fn find(text: &str) -> Option<&'static Day> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let stamp = format!("{}00", digits.get(..8)?);
    let days = days();
    days.get(days.binary_search_by(|day| day.stamp.as_str().cmp(&stamp)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::Date;

    #[test]
    fn days_are_the_calendars() {
        let mut date = Date::constant(2015, 7, 1);
        for day in days() {
            let stamp = format!("{:04}{:02}{:02}00", date.year(), date.month(), date.day());
            assert_eq!(day.stamp, stamp);
            assert_eq!(i8::try_from(day.weekday).unwrap(), date.weekday().to_monday_zero_offset());
            assert_eq!(find(&stamp).unwrap().index, day.index);
            assert!(day.whole_month.days().contains(&day.index));
            date = date.tomorrow().unwrap();
        }
        assert_eq!(date.yesterday().unwrap(), crate::sample::END);
        assert_eq!(days()[LONG].date(), "20190101");
        assert_eq!(FIRST, 0);
    }
}

//! Days, hours and granularities as the API writes them, and the date rules of contract §1.2.

use jiff::civil::Date;
use std::fmt;

/// An hour of the calendar, years 0000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hour {
    date: Date,
    hour: u8,
}

/// A timestamp in digits, as rows hold it: `YYYYMMDD` or `YYYYMMDDHH`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digits {
    bytes: [u8; 10],
    len: u8,
}

/// The digits of a timestamp in a table or a canonical path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `YYYYMMDD`
    Day,
    /// `YYYYMMDDHH`
    Hour,
}

impl Form {
    #[allow(clippy::len_without_is_empty, reason = "a form always has digits")]
    pub const fn len(self) -> usize {
        match self {
            Self::Day => 8,
            Self::Hour => 10,
        }
    }

    /// Its name in messages (contract §2.2).
    pub const fn format_name(self) -> &'static str {
        match self {
            Self::Day => "YYYYMMDD",
            Self::Hour => "YYYYMMDDHH",
        }
    }
}

/// The length of a period of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Granularity {
    Hourly,
    Daily,
    Monthly,
}

impl Granularity {
    /// The spelling in paths, bodies and the stores' keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Monthly => "monthly",
        }
    }
}

/// What a rule does with months that lie only partly between the dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Months {
    /// Nothing.
    Any,
    /// Refuses if no whole month lies between the dates, else leaves them (2.0 page series).
    Check,
    /// Moves both dates inwards to whole months, refuses if none is left (legacy).
    Trim,
    /// Moves the start to the next first of a month and the end, which is not included, back to
    /// one; refuses if no month is left (edit events).
    TrimEvents,
}

/// What is wrong with two dates that are in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMonths {
    /// No whole month lies between the dates of a series of pages or media.
    Between,
    /// No whole month is left of the dates of a series of edit events.
    InRange,
}

/// The periods from one hour to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Span {
    /// The last period is part of it.
    Closed { first: Hour, last: Hour },
    /// The period that begins at the end is no part of it.
    HalfOpen { start: Hour, end: Hour },
}

impl Span {
    /// The first and last period that it may contain, both included, in the digits of a table.
    /// They are in the wrong order if it is empty.
    pub fn digits(self, form: Form) -> (Digits, Digits) {
        match self {
            Self::Closed { first, last } => (first.digits(form), last.digits(form)),
            Self::HalfOpen { start, end } => {
                let nothing = Digits { len: form.len() as u8, ..Digits::ZEROS };
                let last = end.hour_before().map_or(nothing, |last| last.digits(form));
                (start.digits(form), last)
            }
        }
    }

    /// The bounds as they were requested.
    pub const fn bounds(self) -> (Hour, Hour) {
        match self {
            Self::Closed { first, last } => (first, last),
            Self::HalfOpen { start, end } => (start, end),
        }
    }
}

/// How `start` and `end` of an endpoint are read at one granularity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateRule {
    /// `Form::Day` takes 8 or 10 digits, `Form::Hour` 10 only.
    pub accepts: Form,
    /// Whether the hour counts; where it doesn't, it must still be one.
    pub keeps_hour: bool,
    pub months: Months,
    /// Whether the period of the end is part of the span.
    pub end_included: bool,
    /// The longest span.
    pub max_days: Option<u16>,
}

impl DateRule {
    /// Daily page series.
    pub const DR1: Self = Self::new(Form::Day, false, Months::Any);
    /// Monthly page series.
    pub const DR1M: Self = Self::new(Form::Day, false, Months::Check);
    /// Hourly page series.
    pub const DR2: Self = Self::new(Form::Hour, true, Months::Any);
    /// Unique devices, daily and monthly.
    pub const DR3: Self = Self::new(Form::Day, false, Months::Any);
    /// Legacy page counts, hourly.
    pub const DR4H: Self = Self::new(Form::Hour, true, Months::Any);
    /// Legacy page counts, daily: ten digits are required, the hour becomes `00`.
    pub const DR4: Self = Self::new(Form::Hour, false, Months::Any);
    /// Legacy page counts, monthly.
    pub const DR4M: Self = Self::new(Form::Hour, false, Months::Trim);
    /// Series of edit events, daily.
    pub const DR5: Self = Self::half_open(Months::Any);
    /// Series of edit events, monthly.
    pub const DR5M: Self = Self::half_open(Months::TrimEvents);
    /// Knowledge gaps: days.
    pub const DR9: Self = Self::new(Form::Day, false, Months::Any);
    /// Commons metrics.
    pub const DR10: Self = Self::half_open(Months::Any);
    /// Endpoints of version 3.
    pub const DR11: Self = Self::half_open(Months::Any);

    const fn new(accepts: Form, keeps_hour: bool, months: Months) -> Self {
        Self { accepts, keeps_hour, months, end_included: true, max_days: None }
    }

    const fn half_open(months: Months) -> Self {
        let (accepts, keeps_hour) = (Form::Day, false);
        Self { accepts, keeps_hour, months, end_included: false, max_days: None }
    }

    /// The rule with a longest span.
    pub const fn at_most(self, days: u16) -> Self {
        Self { max_days: Some(days), ..self }
    }

    /// The longest span, if one between two bounds that are in order is longer.
    pub fn exceeded(&self, start: Hour, end: Hour) -> Option<u16> {
        let (days, hours) = ((end.date - start.date).get_days(), end.hour.cmp(&start.hour));
        let is_longer = |max: &u16| {
            let max = i32::from(*max);
            days > max || (days == max && hours.is_gt())
        };
        self.max_days.filter(is_longer)
    }

    /// Reads one bound. `None` if it isn't in the rule's digits or no such hour exists.
    pub fn read(&self, text: &str) -> Option<Hour> {
        let hour = Hour::parse(text)?;
        match (self.accepts, text.len()) {
            (Form::Hour, 8) => None,
            (Form::Hour, _) => Some(hour),
            // Days are compared without their hours.
            (Form::Day, _) => Some(Hour { hour: 0, ..hour }),
        }
    }

    /// The end to request, so that the day or hour of `last` is part of the span; `None` at the
    /// calendar's end.
    pub fn end_after(&self, last: Hour) -> Option<Hour> {
        if self.end_included { Some(last) } else { last.next(Granularity::Daily) }
    }

    /// Applies the rule to two bounds that are in order; an error if no whole month is left.
    pub fn apply(&self, start: Hour, end: Hour) -> Result<Span, NoMonths> {
        let whole = |hour| if self.keeps_hour { hour } else { Hour { hour: 0, ..hour } };
        let (start, end) = (whole(start), whole(end));
        // An overflow at the calendar's edge leaves no whole month either.
        let months = || start.first_whole_month().zip(end.last_whole_month());
        let months = || months().filter(|(first, last)| first <= last).ok_or(NoMonths::Between);
        let (start, end) = match self.months {
            Months::Any => (start, end),
            Months::Check => months().map(|_| (start, end))?,
            Months::Trim => months()?,
            Months::TrimEvents => {
                let first = start.first_whole_month().filter(|first| *first < end.month_start());
                (first.ok_or(NoMonths::InRange)?, end.month_start())
            }
        };
        Ok(match self.end_included {
            true => Span::Closed { first: start, last: end },
            false => Span::HalfOpen { start, end },
        })
    }
}

const EPOCH: Date = Date::constant(1970, 1, 1);
const HOUR_MILLIS: i64 = 3_600_000;
const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;

impl Hour {
    /// Reads `YYYYMMDD` or `YYYYMMDDHH`: digits alone, a day that exists, hour 00 to 23.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if !matches!(bytes.len(), 8 | 10) || !bytes.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let number = |range: std::ops::Range<usize>| -> Option<i16> {
            Some(bytes.get(range)?.iter().fold(0, |sum, digit| sum * 10 + i16::from(digit - b'0')))
        };
        let hour = if bytes.len() == 10 { number(8..10)? } else { 0 };
        if hour > 23 {
            return None;
        }
        let date = Date::new(number(0..4)?, number(4..6)? as i8, number(6..8)? as i8).ok()?;
        Some(Self { date, hour: hour as u8 })
    }

    /// The first hour of a day; `None` outside the years 0000 to 9999.
    pub fn midnight(date: Date) -> Option<Self> {
        (0..=9999).contains(&date.year()).then_some(Self { date, hour: 0 })
    }

    /// The hour that begins at a moment, in milliseconds since 1970 in UTC; `None` if none does.
    pub fn from_millis(millis: i64) -> Option<Self> {
        let (days, rest) = (millis.div_euclid(DAY_MILLIS), millis.rem_euclid(DAY_MILLIS));
        let midnight = Self::from_days(days).filter(|_| rest % HOUR_MILLIS == 0)?;
        Some(Self { hour: (rest / HOUR_MILLIS) as u8, ..midnight })
    }

    /// Its begin, in milliseconds since 1970 in UTC.
    pub fn millis(self) -> i64 {
        self.days() * DAY_MILLIS + i64::from(self.hour) * HOUR_MILLIS
    }

    /// The first hour of a day that is counted from 1970; `None` outside the years 0000 to 9999.
    pub fn from_days(days: i64) -> Option<Self> {
        let days = jiff::Span::new().try_days(days).ok()?;
        EPOCH.checked_add(days).ok().and_then(Self::midnight)
    }

    /// The days from 1970 to its day.
    pub fn days(self) -> i64 {
        self.date.duration_since(EPOCH).as_hours() / 24
    }

    /// Its digits, if they are all of it: a day has no other hour than 00.
    pub fn exact_digits(self, form: Form) -> Option<Digits> {
        (form == Form::Hour || self.hour == 0).then(|| self.digits(form))
    }

    pub const fn date(self) -> Date {
        self.date
    }

    pub const fn hour(self) -> u8 {
        self.hour
    }

    pub fn digits(self, form: Form) -> Digits {
        let mut bytes = [b'0'; 10];
        let mut put = |range: std::ops::Range<usize>, mut value: i16| {
            for slot in bytes[range].iter_mut().rev() {
                *slot = b'0' + (value % 10) as u8;
                value /= 10;
            }
        };
        put(0..4, self.date.year());
        put(4..6, i16::from(self.date.month()));
        put(6..8, i16::from(self.date.day()));
        put(8..10, i16::from(self.hour));
        Digits { bytes, len: form.len() as u8 }
    }

    /// The start of the period after the one that begins here.
    pub(crate) fn next(self, granularity: Granularity) -> Option<Self> {
        let date = match granularity {
            Granularity::Hourly if self.hour < 23 => {
                return Some(Self { hour: self.hour + 1, ..self });
            }
            Granularity::Hourly | Granularity::Daily => self.date.tomorrow().ok()?,
            Granularity::Monthly => self.date.last_of_month().tomorrow().ok()?,
        };
        Self::midnight(date)
    }

    fn hour_before(self) -> Option<Self> {
        match self.hour.checked_sub(1) {
            Some(hour) => Some(Self { hour, ..self }),
            None => {
                let day = self.date.yesterday().ok().and_then(Self::midnight)?;
                Some(Self { hour: 23, ..day })
            }
        }
    }

    fn month_start(self) -> Self {
        Self { date: self.date.first_of_month(), hour: 0 }
    }

    fn first_whole_month(self) -> Option<Self> {
        if self.date.day() == 1 {
            return Some(Self { hour: 0, ..self });
        }
        self.date.last_of_month().tomorrow().ok().and_then(Self::midnight)
    }

    fn last_whole_month(self) -> Option<Self> {
        if self.date == self.date.last_of_month() {
            return Some(Self { hour: 0, ..self });
        }
        self.date.first_of_month().yesterday().ok().and_then(Self::midnight)
    }
}

impl Digits {
    /// A placeholder.
    pub(crate) const ZEROS: Self = Self { bytes: [b'0'; 10], len: 8 };

    /// Reads a row's timestamp; `None` unless it is 8 or 10 digits.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::from_bytes(text.as_bytes())
    }

    /// As [`Self::from_text`], of bytes.
    pub fn from_bytes(text: &[u8]) -> Option<Self> {
        // Each row has one: arrays of a known length are checked with few instructions.
        let mut bytes = [b'0'; 10];
        if let Ok(day) = <&[u8; 8]>::try_from(text) {
            bytes[..8].copy_from_slice(day);
        } else {
            bytes = *<&[u8; 10]>::try_from(text).ok()?;
        }
        let all_digits = bytes.iter().fold(true, |all, byte| all & byte.is_ascii_digit());
        all_digits.then_some(Self { bytes, len: text.len() as u8 })
    }

    /// Year, month, day and hour; without an hour, `00`.
    pub const fn bytes(&self) -> [u8; 10] {
        self.bytes
    }

    /// The timestamp of its month, of the same length.
    pub fn month_start(self) -> Self {
        let mut bytes = self.bytes;
        bytes[6..].copy_from_slice(b"0100");
        Self { bytes, len: self.len }
    }

    /// The same with an hour: `00` where there was none.
    pub fn hour_digits(self) -> Self {
        Self { len: 10, ..self }
    }

    pub fn as_str(&self) -> &str {
        // Only ASCII digits ever get in.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The period in ISO 8601, by its granularity: `2026-10-31T23`, `2026-10-31`, `2026-10`.
    pub fn iso(&self, granularity: Granularity) -> String {
        self.label(granularity).replace(' ', "T").trim_end_matches('h').to_owned()
    }

    /// The period for people, by its granularity: `2026-10-31 23h`, `2026-10-31`, `2026-10`.
    pub fn label(&self, granularity: Granularity) -> String {
        let text = self.as_str();
        let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
        match granularity {
            Granularity::Monthly => format!("{}-{}", part(0..4), part(4..6)),
            Granularity::Daily => format!("{}-{}-{}", part(0..4), part(4..6), part(6..8)),
            Granularity::Hourly => {
                format!("{}-{}-{} {}h", part(0..4), part(4..6), part(6..8), part(8..10))
            }
        }
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn apply(rule: DateRule, start: &str, end: &str) -> Option<(String, String)> {
        let (start, end) = rule.apply(rule.read(start)?, rule.read(end)?).ok()?.bounds();
        Some((
            start.digits(Form::Day).as_str().to_owned(),
            end.digits(Form::Day).as_str().to_owned(),
        ))
    }

    fn days(start: &str, end: &str) -> Option<(String, String)> {
        Some((start.to_owned(), end.to_owned()))
    }

    #[test]
    fn every_day_of_ten_thousand_years_is_read_and_written() {
        let mut date = Date::constant(0, 1, 1);
        let last = Date::constant(9999, 12, 31);
        loop {
            let text = format!("{:04}{:02}{:02}", date.year(), date.month(), date.day());
            let hour = Hour::parse(&text).map(|hour| (hour.date(), hour.digits(Form::Day)));
            assert_eq!(hour, Digits::from_text(&text).map(|digits| (date, digits)), "{text}");
            if date == last {
                break;
            }
            date = date.tomorrow().expect("before the last day");
        }
    }

    #[test]
    fn moments_are_hours_in_utc() {
        for (millis, days, digits) in [
            (0, 0, "1970010100"),
            (1_735_689_600_000, 20_089, "2025010100"),
            (1_735_693_200_000, 20_089, "2025010101"),
            (-3_600_000, -1, "1969123123"),
            (-62_167_219_200_000, -719_528, "0000010100"),
            (253_402_297_200_000, 2_932_896, "9999123123"),
        ] {
            let hour = Hour::parse(digits);
            assert_eq!(Hour::from_millis(millis), hour, "{digits}");
            assert_eq!(hour.map(Hour::millis), Some(millis), "{digits}");
            assert_eq!(hour.map(Hour::days), Some(days), "{digits}");
            assert_eq!(Hour::from_days(days).map(Hour::date), hour.map(Hour::date), "{digits}");
        }
        for no_hour in [1, -1, 3_599_999, 253_402_300_800_000, i64::MIN, i64::MAX] {
            assert_eq!(Hour::from_millis(no_hour), None, "{no_hour}");
        }
        let one = Hour::parse("2025010101").unwrap();
        assert_eq!(one.exact_digits(Form::Day), None);
        assert_eq!(one.exact_digits(Form::Hour), Digits::from_text("2025010101"));
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for year in 0..=9999_i16 {
            for (month, day) in
                [(2, 29), (2, 30), (4, 31), (0, 1), (13, 1), (1, 0), (1, 32), (99, 99)]
            {
                let text = format!("{year:04}{month:02}{day:02}");
                let exists = Date::new(year, month, day).is_ok();
                assert_eq!(Hour::parse(&text).is_some(), exists, "{text}");
            }
        }
    }

    #[test]
    fn digits_and_hours_are_strict() {
        assert_eq!(Hour::parse("2021010123").map(Hour::hour), Some(23));
        for bad in [
            "",
            "2021",
            "2021010",
            "202101011",
            "2021010124",
            "20210101000",
            "2021-01-01",
            "2021010a",
            "+2210101",
            "２０２１０１０１",
            "20150701zz",
        ] {
            assert_eq!(Hour::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn rules_require_their_digits() {
        assert!(DateRule::DR1.read("20210101").is_some());
        assert_eq!(DateRule::DR1.read("2021010107"), DateRule::DR1.read("20210101"));
        assert_eq!(DateRule::DR2.read("20210101"), None);
        assert_eq!(DateRule::DR2.read("2021010107").map(Hour::hour), Some(7));
        assert_eq!(DateRule::DR4.read("20210101"), None);
        // Its hours count for the order of the bounds, and then no more.
        assert_eq!(DateRule::DR4.read("2021010107").map(Hour::hour), Some(7));
        assert_eq!(apply(DateRule::DR4, "2021010107", "2021010108"), days("20210101", "20210101"));
    }

    #[test]
    fn months_are_checked_but_not_trimmed_in_page_series() {
        let rule = DateRule::DR1M;
        assert_eq!(apply(rule, "20200201", "20200229"), days("20200201", "20200229"));
        assert_eq!(apply(rule, "20200201", "20200301"), days("20200201", "20200301"));
        assert_eq!(apply(rule, "20200202", "20200430"), days("20200202", "20200430"));
        assert_eq!(apply(rule, "20200215", "20200301"), None);
        assert_eq!(apply(rule, "20230815", "20230901"), None);
        assert_eq!(apply(rule, "20200201", "20200228"), None);
    }

    #[test]
    fn months_are_trimmed_in_legacy() {
        let rule = DateRule::DR4M;
        assert_eq!(apply(rule, "2023050100", "2023060100"), days("20230501", "20230531"));
        assert_eq!(apply(rule, "2023050100", "2023053100"), days("20230501", "20230531"));
        assert_eq!(apply(rule, "2022120200", "2023022823"), days("20230101", "20230228"));
        assert_eq!(apply(rule, "2023081500", "2023090100"), None);
    }

    #[test]
    fn months_of_events_end_before_their_end() {
        let rule = DateRule::DR5M;
        assert_eq!(apply(rule, "20230501", "20230601"), days("20230501", "20230601"));
        assert_eq!(apply(rule, "20230415", "20230620"), days("20230501", "20230601"));
        for (start, end) in [("20230501", "20230531"), ("20200215", "20200301")] {
            let (start, end) = (rule.read(start).unwrap(), rule.read(end).unwrap());
            assert_eq!(rule.apply(start, end), Err(NoMonths::InRange));
        }
        assert_eq!(apply(rule, "20200202", "20200430"), days("20200301", "20200401"));
        assert_eq!(apply(DateRule::DR5, "20230502", "20230502"), days("20230502", "20230502"));
    }

    #[test]
    fn a_half_open_span_ends_before_its_end() {
        let span = |start: &str, end: &str| {
            let rule = DateRule::DR10;
            let span = rule.apply(rule.read(start).unwrap(), rule.read(end).unwrap()).unwrap();
            let (first, last) = span.digits(Form::Day);
            (first.as_str().to_owned(), last.as_str().to_owned())
        };
        let owned = |first: &str, last: &str| (first.to_owned(), last.to_owned());
        assert_eq!(span("20250101", "20250301"), owned("20250101", "20250228"));
        assert_eq!(span("20250101", "20250101"), owned("20250101", "20241231"));
        assert_eq!(span("00000101", "00000101"), owned("00000101", "00000000"));
        assert_eq!(span("00000101", "99991231"), owned("00000101", "99991230"));
    }

    #[test]
    fn the_limits_of_the_calendar_are_exact() {
        assert_eq!(apply(DateRule::DR1M, "00000101", "99991231"), days("00000101", "99991231"));
        assert_eq!(apply(DateRule::DR1M, "99991202", "99991231"), None);
        assert_eq!(apply(DateRule::DR1M, "00000101", "00000102"), None);
    }

    #[test]
    fn the_end_to_request_includes_the_last_day() {
        for rule in [DateRule::DR1, DateRule::DR3, DateRule::DR5, DateRule::DR10, DateRule::DR11] {
            let [first, last] = ["20240131", "20240229"].map(|day| Hour::parse(day).unwrap());
            let span = rule.apply(first, rule.end_after(last).unwrap()).unwrap();
            assert_eq!(span.digits(Form::Day).1.as_str(), "20240229", "{rule:?}");
        }
        let last = Hour::parse("99991231").unwrap();
        assert_eq!(DateRule::DR10.end_after(last), None);
        assert_eq!(DateRule::DR1.end_after(last), Some(last));
    }

    proptest! {
        #[test]
        fn any_ten_digits_agree_with_jiff(year in 0i16..=9999, month in 0i8..=13, day in 0i8..=32, hour in 0u8..=25) {
            let text = format!("{year:04}{month:02}{day:02}{hour:02}");
            let expected = Date::new(year, month, day).ok().filter(|_| hour < 24);
            prop_assert_eq!(Hour::parse(&text).map(Hour::date), expected);
            if let Some(parsed) = Hour::parse(&text) {
                let digits = parsed.digits(Form::Hour);
                prop_assert_eq!(digits.as_str(), text);
            }
        }

        #[test]
        fn any_text_is_survived(text in any::<String>()) {
            let _ = Hour::parse(&text);
            let _ = Digits::from_text(&text);
        }
    }
}

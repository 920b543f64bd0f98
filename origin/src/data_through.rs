//! Up to which moment there are data.

use aqs_api::calendar::{Digits, Hour};
use aqs_api::granularity::Granularity;
use jiff::ToSpan;
use jiff::tz::TimeZone;

/// When a period ends, in seconds since 1970: the first moment that is not of it any more, in UTC
/// as all days here. `None` if the digits are no date, or the calendar ends there.
pub(crate) fn end_of(period: &Digits, granularity: Granularity) -> Option<i64> {
    let hour = Hour::parse(period.as_str())?;
    let day = hour.date();
    let (begin, length) = match granularity {
        Granularity::Hourly => (day.at(hour.hour().try_into().ok()?, 0, 0, 0), 1.hour()),
        Granularity::Daily => (day.at(0, 0, 0, 0), 1.day()),
        Granularity::Monthly => (day.first_of_month().at(0, 0, 0, 0), 1.month()),
    };
    let end = TimeZone::UTC.to_timestamp(begin.checked_add(length).ok()?).ok()?;
    Some(end.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures are `date -u -d ... +%s`.
    #[test]
    fn a_period_ends_where_the_next_one_begins() {
        for (period, granularity, end) in [
            ("2026103122", Granularity::Hourly, 1_793_487_600),
            ("2026103123", Granularity::Hourly, 1_793_491_200),
            ("20261031", Granularity::Daily, 1_793_491_200),
            ("2026103100", Granularity::Daily, 1_793_491_200),
            ("20261001", Granularity::Monthly, 1_793_491_200),
            ("2026100100", Granularity::Monthly, 1_793_491_200),
            ("20241231", Granularity::Daily, 1_735_689_600),
            ("20240201", Granularity::Monthly, 1_709_251_200),
        ] {
            let digits = Digits::from_text(period).unwrap();
            assert_eq!(end_of(&digits, granularity), Some(end), "{period} {granularity:?}");
        }
    }

    #[test]
    fn what_is_no_date_ends_nowhere() {
        for period in ["20260230", "2026010124", "99991231"] {
            let digits = Digits::from_text(period).unwrap();
            assert_eq!(end_of(&digits, Granularity::Daily), None, "{period}");
        }
    }
}

//! Targets as clients send them.

use crate::synthetic::ABSENT;

/// Spelled as its key is, without escapes.
pub const PLAIN: &str =
    "/metrics/pageviews/per-article/en.wikipedia/all-access/user/Banana/daily/20260101/20260131";

/// Spelled unlike its key in every respect: project, escapes that are needed and others that are not,
/// lower-case hexadecimal, ten-digit dates.
pub const ODD_TITLE: &str = "/api/rest_v1/metrics/pageviews/per-article/www.FR.wikipedia.org/All-Access/User/L%27%c3%89t%C3%A9_de_%22AC%2fDC%22_%28%e6%97%a5%e6%9c%ac%29/Daily/2026010100/2026013100";

/// Refused late: only the last date is wrong.
pub const REFUSED: &str =
    "/metrics/pageviews/per-article/en.wikipedia/all-access/user/Banana/daily/20260101/20260231";

/// Unique devices of a month: about 5 kB.
pub const DEVICES_MONTH: &str =
    "/metrics/unique-devices/en.wikipedia/all-sites/daily/20260101/20260131";

/// Views of an article on each day of a leap year.
pub const ARTICLE_YEAR: &str =
    "/metrics/pageviews/per-article/en.wikipedia/all-access/user/Banana/daily/20240101/20241231";

/// Views of an article by month, summed from five years of days.
pub const ARTICLE_MONTHS: &str =
    "/metrics/pageviews/per-article/en.wikipedia/all-access/user/Banana/monthly/20210101/20251231";

/// The thousand most viewed articles of a day.
pub const TOP: &str = "/metrics/pageviews/top/en.wikipedia/all-access/2026/01/31";

/// An article that does not exist; see [`ABSENT`].
pub fn absent() -> String {
    format!(
        "/metrics/pageviews/per-article/en.wikipedia/all-access/user/{ABSENT}/daily/20260101/20260131"
    )
}

//! Problem details: the texts that clients get instead of data (contract §2.1, §2.2).

use crate::calendar::NoMonths;
use crate::json;
use crate::param::Param;
use crate::target::Uri;
use std::borrow::Cow;

/// A problem that is rendered as `application/problem+json`, for each request: its `uri` is
/// that of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub status: u16,
    /// What went wrong, for metrics and logs.
    pub code: Code,
    pub detail: Cow<'static, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// No endpoint has the path.
    InvalidRoute,
    /// A named thing does not exist.
    Unknown,
    Conflict,
    InvalidParameter,
    /// The request is valid, and there is no data for it.
    NoData(NoDataReason),
    Unauthorized,
    Forbidden,
    MethodNotAllowed,
    /// The request is malformed HTTP, too large or too slow.
    BadRequest,
    /// A store holds something that can't be shaped.
    BrokenData,
    StoreFailed,
    /// A store can't be reached, or is overloaded.
    Unavailable,
    /// A store took too long.
    Timeout,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoDataReason {
    /// The store was read and has nothing.
    NoData,
    /// All of the query is newer than what is loaded.
    NotLoadedYet,
    /// All of the query is older than what is loaded.
    OutOfRange,
}

impl NoDataReason {
    pub const ALL: [Self; 3] = [Self::NoData, Self::NotLoadedYet, Self::OutOfRange];

    pub const fn name(self) -> &'static str {
        match self {
            Self::NoData => "no-data",
            Self::NotLoadedYet => "not-loaded",
            Self::OutOfRange => "out-of-range",
        }
    }
}

/// The no-data text, as it was seen on the wire in 2026.
const NO_DATA: &str = "The date(s) you used are valid, but we either do not have data for those \
                       date(s), or the project you asked for is not loaded yet. Please check \
                       documentation for more information";

impl Problem {
    pub fn new(status: u16, code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into() }
    }

    pub fn invalid_parameter(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, Code::InvalidParameter, detail)
    }

    pub fn no_data_reason(&self) -> Option<NoDataReason> {
        match self.code {
            Code::NoData(reason) => Some(reason),
            _ => None,
        }
    }

    pub fn invalid_route() -> Self {
        Self::new(404, Code::InvalidRoute, "invalid route")
    }

    /// The client gets the same text for every reason.
    pub fn no_data(reason: NoDataReason) -> Self {
        Self::new(404, Code::NoData(reason), NO_DATA)
    }

    pub fn method_not_allowed() -> Self {
        Self::new(405, Code::MethodNotAllowed, "method not allowed, use GET, HEAD or OPTIONS")
    }

    /// A value outside a closed set (contract §9, U1: the text is a guess).
    pub fn not_allowed(param: &Param) -> Self {
        let list = param.role.closed_values().unwrap_or_default().join(", ");
        let name = param.name;
        Self::invalid_parameter(format!(
            "{name} should be equal to one of the allowed values: [{list}]"
        ))
    }

    /// A segment that is not percent-encoded UTF-8.
    pub fn bad_encoding(name: &'static str) -> Self {
        let detail = format!("The parameter `{name}` is not valid percent-encoded UTF-8.");
        Self::invalid_parameter(detail)
    }

    /// A project with characters that no project has. The misspelling is upstream's (U1).
    pub fn bad_project(name: &'static str) -> Self {
        Self::invalid_parameter(format!("The parameter `{name}` contains invalid charaters."))
    }

    /// A start or end that is no date in the expected digits.
    pub fn bad_date(name: &'static str, format: &str) -> Self {
        let detail =
            format!("{name} timestamp is invalid, must be a valid date in {format} format");
        Self::invalid_parameter(detail)
    }

    pub fn wrong_order() -> Self {
        Self::invalid_parameter("start timestamp should be before the end timestamp")
    }

    pub fn no_full_months(reason: NoMonths) -> Self {
        Self::invalid_parameter(match reason {
            NoMonths::Between => "no full months between dates",
            NoMonths::InRange => "no full months found in specified date range",
        })
    }

    /// A number of a user that is none (contract §10; the text is a guess).
    pub fn bad_id(name: &'static str) -> Self {
        Self::invalid_parameter(format!("The parameter `{name}` should be a positive integer."))
    }

    /// Several projects where only one is answered (N-NOALL).
    pub fn several_projects() -> Self {
        let detail = "`all-...` project values are not accepted for this metric.";
        Self::invalid_parameter(detail)
    }

    pub fn bad_year_month_day() -> Self {
        Self::invalid_parameter("Given year/month/day is invalid date")
    }

    pub fn bad_year_month() -> Self {
        Self::invalid_parameter("Given year/month is invalid date")
    }

    /// The hint is upstream's for its top lists.
    pub fn broken_data() -> Self {
        let detail = "The data stored for this request could not be read. Please try another date.";
        Self::new(500, Code::BrokenData, detail)
    }

    pub fn title(&self) -> &'static str {
        reason(self.status)
    }

    /// Appends the body: compact JSON, keys in alphabetical order (contract §2.1).
    ///
    /// The `method` is always `get`, as upstream has it.
    pub fn render(&self, uri: Uri<'_>, out: &mut Vec<u8>) {
        self.render_for("get", uri, out);
    }

    /// As [`Self::render`], with a method.
    pub fn render_for(&self, method: &str, uri: Uri<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"detail\":");
        json::string(out, &self.detail);
        out.extend_from_slice(b",\"method\":");
        json::string(out, method);
        out.extend_from_slice(b",\"status\":");
        json::integer(out, i64::from(self.status));
        out.extend_from_slice(b",\"title\":");
        json::string(out, self.title());
        out.extend_from_slice(b",\"type\":\"about:blank\",\"uri\":");
        json::value(out, &uri);
        out.push(b'}');
    }
}

/// The reason phrase of a status.
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(problem: &Problem, uri: &str) -> String {
        let mut out = Vec::new();
        problem.render(Uri::of(uri), &mut out);
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn the_recorded_bodies_are_reproduced() {
        let uri = "/metrics/pageviews/per-article/en.wikipedia/all-access/user/ChatGPT/monthly/20260815/20260901";
        assert_eq!(
            rendered(&Problem::no_full_months(NoMonths::Between), uri),
            r#"{"detail":"no full months between dates","method":"get","status":400,"title":"Bad Request","type":"about:blank","uri":"/metrics/pageviews/per-article/en.wikipedia/all-access/user/ChatGPT/monthly/20260815/20260901"}"#
        );
        let uri = "/metrics/pageviews/per-article/pl.wikipedia/all-access/automated/Post_przerywany/monthly/20240101/20240331";
        assert_eq!(
            rendered(&Problem::no_data(NoDataReason::NoData), uri),
            r#"{"detail":"The date(s) you used are valid, but we either do not have data for those date(s), or the project you asked for is not loaded yet. Please check documentation for more information","method":"get","status":404,"title":"Not Found","type":"about:blank","uri":"/metrics/pageviews/per-article/pl.wikipedia/all-access/automated/Post_przerywany/monthly/20240101/20240331"}"#
        );
    }

    #[test]
    fn a_uri_is_escaped() {
        let body = rendered(&Problem::invalid_route(), "/a\"b\\c");
        let parsed: serde_json::Value = serde_json::from_str(&body).expect("valid JSON");
        assert_eq!(parsed["uri"], "/a\"b\\c");
    }
}

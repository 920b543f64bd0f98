//! Faults: why a client gets no data, as data, and the documents that each dialect makes of them
//! (contract §2.1, §2.2 and §2.3).

use crate::calendar::{Form, NoMonths};
use crate::endpoint::{Endpoint, Noun};
use crate::json;
use crate::key::Dialect;
use crate::param::{Param, Role};
use crate::target::Uri;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Why a client gets no data. It has no text: that depends on the dialect, see [`Fault::render`].
#[derive(Clone, Debug)]
pub enum Fault {
    /// No endpoint has the path.
    InvalidRoute,
    /// The path is of an endpoint that this version does not serve yet.
    NotServed,
    MethodNotAllowed,
    /// A segment that is not percent-encoded UTF-8.
    BadEncoding(&'static Param),
    /// A project with characters that no project has.
    BadProject(&'static Param),
    /// Several projects where only one is answered (N-NOALL).
    SeveralProjects,
    /// A value outside of a closed set.
    NotAllowed(&'static Param),
    /// An id that is not a positive integer (contract §10).
    BadId(&'static Param),
    Date(DateFault),
    /// The request is valid, and there is no data for it.
    NoData(NoDataReason, Noun, Option<Arc<str>>),
    /// A store holds something that can't be shaped.
    BrokenData,
    Store {
        failure: StoreFailure,
        /// The id that the log has the failure under.
        request: Box<str>,
    },
    /// A fault outside of the API, in words: malformed HTTP, the server's own pages, the admin API.
    Other {
        status: u16,
        detail: Cow<'static, str>,
    },
}

#[derive(Clone, Copy, Debug)]
pub enum DateFault {
    /// A start or end that is no date in the digits of the form.
    Invalid(&'static Param, Form),
    /// The start is after the end.
    WrongOrder,
    NoFullMonths(NoMonths),
    /// A span of more than so many days.
    TooLong(u16),
    /// With the segment that has not as many digits as it should, if that is the reason.
    BadYearMonthDay(Option<&'static Param>),
    BadYearMonth(Option<&'static Param>),
}

#[derive(Clone, Copy, Debug)]
pub enum StoreFailure {
    Unreachable,
    /// The limits in front of the store are reached.
    Overloaded,
    Timeout,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoDataReason {
    /// The store was read and has nothing.
    NoData,
    /// All of the query is newer than what is loaded.
    NotLoadedYet,
    /// All of the query is older than what is loaded.
    OutOfRange,
    /// Nothing of the query's project is loaded.
    UnknownProject,
}

/// A 404 without data as caches keep it: the only fault that they keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoData {
    pub reason: NoDataReason,
    pub noun: Noun,
    pub dialect: Dialect,
    /// The loaded project with the nearest name, if the query's project is unknown.
    pub nearest: Option<Arc<str>>,
}

impl NoDataReason {
    pub const ALL: [Self; 4] =
        [Self::NoData, Self::NotLoadedYet, Self::OutOfRange, Self::UnknownProject];

    pub const fn name(self) -> &'static str {
        match self {
            Self::NoData => "no-data",
            Self::NotLoadedYet => "not-loaded",
            Self::OutOfRange => "out-of-range",
            Self::UnknownProject => "unknown-project",
        }
    }
}

impl NoData {
    pub const STATUS: u16 = 404;

    /// What a query of an endpoint gets; `None` if that is an empty list.
    pub fn of(endpoint: &Endpoint, reason: NoDataReason) -> Option<Self> {
        let (noun, dialect) = (endpoint.no_data?, endpoint.dialect);
        Some(Self { reason, noun, dialect, nearest: None })
    }

    pub fn fault(&self) -> Fault {
        Fault::NoData(self.reason, self.noun, self.nearest.clone())
    }
}

impl Fault {
    pub fn other(status: u16, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Other { status, detail: detail.into() }
    }

    pub const fn status(&self) -> u16 {
        match self {
            Self::BadEncoding(_)
            | Self::BadProject(_)
            | Self::SeveralProjects
            | Self::NotAllowed(_)
            | Self::BadId(_)
            | Self::Date(_) => 400,
            Self::InvalidRoute | Self::NotServed => 404,
            Self::NoData(..) => NoData::STATUS,
            Self::MethodNotAllowed => 405,
            Self::BrokenData => 500,
            Self::Store { failure, .. } => match failure {
                StoreFailure::Failed => 500,
                StoreFailure::Unreachable | StoreFailure::Overloaded => 503,
                StoreFailure::Timeout => 504,
            },
            Self::Other { status, .. } => *status,
        }
    }

    /// What went wrong, in the words of a dialect.
    pub const fn detail(&self, dialect: Dialect) -> Detail<'_> {
        Detail { fault: self, dialect }
    }

    /// Appends the document of a dialect, compact JSON. Its `method` is in lower case.
    pub fn render(&self, dialect: Dialect, method: &str, uri: Uri<'_>, out: &mut Vec<u8>) {
        match dialect {
            Dialect::V2 => self.render_v2(method, uri, out),
            Dialect::V1 => self.render_v1(method, uri, out),
        }
    }

    /// Keys in alphabetical order (contract §2.1).
    fn render_v2(&self, method: &str, uri: Uri<'_>, out: &mut Vec<u8>) {
        let status = self.status();
        out.extend_from_slice(b"{\"detail\":");
        json::value(out, &self.detail(Dialect::V2));
        out.extend_from_slice(b",\"method\":");
        json::string(out, method);
        out.extend_from_slice(b",\"status\":");
        json::integer(out, i64::from(status));
        out.extend_from_slice(b",\"title\":");
        json::string(out, reason_phrase(status));
        out.extend_from_slice(b",\"type\":\"about:blank\",\"uri\":");
        json::value(out, &uri);
        self.render_extensions(out);
        out.push(b'}');
    }

    /// Extension members (RFC 9457 §3.2), after those that upstream has.
    fn render_extensions(&self, out: &mut Vec<u8>) {
        if let Some(param) = self.parameter() {
            out.extend_from_slice(b",\"parameter\":");
            json::string(out, param.name);
            if let (Self::NotAllowed(_), Some(allowed)) = (self, param.role.closed_values()) {
                out.extend_from_slice(b",\"allowed\":");
                json::value(out, &allowed);
            }
            if let Some(digits) = param.role.digits() {
                out.extend_from_slice(b",\"digits\":");
                json::integer(out, digits);
            }
        }
        if let Some(reason) = self.reason() {
            out.extend_from_slice(b",\"reason\":");
            json::string(out, reason);
        }
        if let Self::NoData(_, _, Some(nearest)) = self {
            out.extend_from_slice(b",\"nearest\":");
            json::string(out, nearest);
        }
    }

    /// The parameter that is wrong.
    const fn parameter(&self) -> Option<&'static Param> {
        match self {
            Self::BadEncoding(param)
            | Self::BadProject(param)
            | Self::NotAllowed(param)
            | Self::BadId(param)
            | Self::Date(DateFault::Invalid(param, _)) => Some(param),
            Self::Date(DateFault::BadYearMonthDay(param) | DateFault::BadYearMonth(param)) => {
                *param
            }
            Self::InvalidRoute
            | Self::NotServed
            | Self::MethodNotAllowed
            | Self::SeveralProjects
            | Self::Date(
                DateFault::WrongOrder | DateFault::NoFullMonths(_) | DateFault::TooLong(_),
            )
            | Self::NoData(..)
            | Self::BrokenData
            | Self::Store { .. }
            | Self::Other { .. } => None,
        }
    }

    /// Why there is nothing at the address, as a word.
    const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::NoData(reason, ..) => Some(reason.name()),
            Self::NotServed => Some("not-served"),
            Self::InvalidRoute
            | Self::MethodNotAllowed
            | Self::BadEncoding(_)
            | Self::BadProject(_)
            | Self::SeveralProjects
            | Self::NotAllowed(_)
            | Self::BadId(_)
            | Self::Date(_)
            | Self::BrokenData
            | Self::Store { .. }
            | Self::Other { .. } => None,
        }
    }

    /// No status, a title unless it is 400, an array if it is about dates (contract §2.3).
    fn render_v1(&self, method: &str, uri: Uri<'_>, out: &mut Vec<u8>) {
        let (name, title) = match self.status() {
            400 => ("invalid_request", None),
            404 => ("not_found", Some("Not found.")),
            405 => ("method_not_allowed", Some("Method not allowed.")),
            503 => ("service_unavailable", Some("Service unavailable.")),
            504 => ("gateway_timeout", Some("Gateway timeout.")),
            _ => ("internal_server_error", Some("Internal server error.")),
        };
        out.extend_from_slice(b"{\"type\":\"https://mediawiki.org/wiki/HyperSwitch/errors/");
        out.extend_from_slice(name.as_bytes());
        out.push(b'"');
        if let Some(title) = title {
            out.extend_from_slice(b",\"title\":");
            json::string(out, title);
        }
        out.extend_from_slice(b",\"method\":");
        json::string(out, method);
        out.extend_from_slice(b",\"detail\":");
        let detail = self.detail(Dialect::V1);
        if let Self::Date(_) = self {
            json::value(out, &[detail]);
        } else {
            json::value(out, &detail);
        }
        out.extend_from_slice(b",\"uri\":");
        json::value(out, &uri);
        out.push(b'}');
    }
}

/// See [`Fault::detail`].
#[derive(Clone, Copy, Debug)]
pub struct Detail<'a> {
    fault: &'a Fault,
    dialect: Dialect,
}

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            Fault::InvalidRoute | Fault::NotServed => f.write_str("invalid route"),
            Fault::MethodNotAllowed => f.write_str("method not allowed, use GET, HEAD or OPTIONS"),
            Fault::BadEncoding(param) => {
                write!(f, "The parameter `{}` is not valid percent-encoded UTF-8.", param.name)
            }
            // The misspelling is upstream's (contract §9, U1).
            Fault::BadProject(param) => {
                write!(f, "The parameter `{}` contains invalid charaters.", param.name)
            }
            Fault::SeveralProjects => {
                f.write_str("`all-...` project values are not accepted for this metric.")
            }
            Fault::NotAllowed(param) => self.not_allowed(param, f),
            Fault::BadId(param) => {
                write!(f, "The parameter `{}` should be a positive integer.", param.name)
            }
            Fault::Date(fault) => self.date(*fault, f),
            // The same for every reason.
            Fault::NoData(_, noun, _) => {
                let (blanks, end) = match self.dialect {
                    Dialect::V2 => (" ", "documentation for more information"),
                    Dialect::V1 => {
                        ("  ", "https://wikimedia.org/api/rest_v1/?doc for more information.")
                    }
                };
                let noun = noun.name();
                write!(
                    f,
                    "The date(s) you used are valid, but we either do not have data for those \
                     date(s), or the {noun} you asked for is not loaded yet.{blanks}Please check {end}"
                )
            }
            // The hint is upstream's for its top lists.
            Fault::BrokenData => f.write_str(
                "The data stored for this request could not be read. Please try another date.",
            ),
            Fault::Store { failure, request } => {
                let what = match failure {
                    StoreFailure::Unreachable => "The data store can't be reached at the moment",
                    StoreFailure::Overloaded => "Too much is asked of the data store at the moment",
                    StoreFailure::Timeout => "The data store did not answer in time",
                    StoreFailure::Failed => "The data store failed",
                };
                write!(f, "{what}. Please try again later (request {request}).")
            }
            Fault::Other { detail, .. } => f.write_str(detail),
        }
    }
}

impl Detail<'_> {
    fn not_allowed(&self, param: &Param, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only a service of 2.0 is known to have its own text.
        if let (Dialect::V2, Role::Granularity { refusal: Some(detail), .. }) =
            (self.dialect, param.role)
        {
            return f.write_str(detail);
        }
        let list = param.role.closed_values().unwrap_or_default().join(", ");
        write!(f, "{} should be equal to one of the allowed values: [{list}]", param.name)
    }

    fn date(&self, fault: DateFault, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match fault {
            DateFault::Invalid(param, form) => {
                let (name, format) = (param.name, form.format_name());
                write!(f, "{name} timestamp is invalid, must be a valid date in {format} format")
            }
            DateFault::WrongOrder => {
                f.write_str("start timestamp should be before the end timestamp")
            }
            // AQS 1.0 has one text for both.
            DateFault::NoFullMonths(NoMonths::Between) if self.dialect == Dialect::V2 => {
                f.write_str("no full months between dates")
            }
            DateFault::NoFullMonths(NoMonths::Between | NoMonths::InRange) => {
                f.write_str("no full months found in specified date range")
            }
            // The text is upstream's (contract §2.2).
            DateFault::TooLong(days) => {
                let seconds = u32::from(days) * 86_400;
                write!(f, "Query timespan is too long (max: ) {seconds} seconds")
            }
            DateFault::BadYearMonthDay(_) => f.write_str("Given year/month/day is invalid date"),
            DateFault::BadYearMonth(_) => f.write_str("Given year/month is invalid date"),
        }
    }
}

impl Serialize for Detail<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The reason phrase of a status.
pub fn reason_phrase(status: u16) -> &'static str {
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
        411 => "Length Required",
        412 => "Precondition Failed",
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
mod tests;

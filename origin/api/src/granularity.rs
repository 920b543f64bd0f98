//! The granularities of time series.

/// How long a period of a series is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Granularity {
    /// One row an hour.
    Hourly,
    /// One row a day.
    Daily,
    /// One row a calendar month.
    Monthly,
}

impl Granularity {
    /// As it is written in paths, bodies and the stores' keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Monthly => "monthly",
        }
    }
}

//! How long answers are kept, and how they may be used as they age.

use std::time::Duration;

/// The ages up to which an answer may be used, each at least as long as the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    pub fresh: Duration,
    /// Served while a refresh runs.
    pub revalidate: Duration,
    /// Served only if the store fails.
    pub usable: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    pub data: Lifetimes,
    pub no_data: Lifetimes,
}

impl Default for Times {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        Self {
            data: Lifetimes {
                fresh: minutes(5),
                revalidate: minutes(60),
                usable: minutes(24 * 60),
            },
            no_data: Lifetimes { fresh: minutes(1), revalidate: minutes(1), usable: minutes(10) },
        }
    }
}

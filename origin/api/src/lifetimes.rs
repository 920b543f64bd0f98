//! How long answers are kept, and how they may be used as they age.

use crate::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The ages up to which an answer may be used, each at least as long as the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lifetimes {
    /// Up to this age an answer is served as it is.
    #[serde(with = "Span")]
    pub fresh: Duration,
    /// Up to this age an answer is served while it is refreshed in the background.
    #[serde(with = "Span")]
    pub revalidate: Duration,
    /// Up to this age an answer is served if the store fails.
    #[serde(with = "Span")]
    pub usable: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Times::default().data
    }
}

/// The lifetimes by kind of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Times {
    /// Lifetimes of answers with data.
    pub data: Lifetimes,
    /// Lifetimes of 404 answers without data.
    #[serde(deserialize_with = "NoDataLifetimes::deserialize")]
    pub no_data: Lifetimes,
}

/// Reads [`Times::no_data`], whose absent keys keep the defaults of that field.
#[derive(Deserialize)]
#[serde(remote = "Lifetimes", deny_unknown_fields, default = "NoDataLifetimes::default")]
struct NoDataLifetimes {
    #[serde(with = "Span")]
    fresh: Duration,
    #[serde(with = "Span")]
    revalidate: Duration,
    #[serde(with = "Span")]
    usable: Duration,
}

impl NoDataLifetimes {
    fn default() -> Lifetimes {
        Times::default().no_data
    }
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

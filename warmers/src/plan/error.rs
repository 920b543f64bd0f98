//! What can be wrong with a plan, in words for who wrote it.

use crate::generation::MOST_PLANS;
use thiserror::Error;

/// A plan that can't be built as it is written.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// Two plans of one name, or one without.
    #[error("there are two plans called {0:?}, or it is no name: letters, digits and dashes")]
    Name(String),
    /// More plans than a generation can tell apart.
    #[error("there are {0} plans, and a hot set has {MOST_PLANS} at most")]
    TooMany(usize),
    /// It wants nothing.
    #[error("plan {0:?} has no items")]
    Empty(String),
    /// What is asked for instead of its sets leaves nothing.
    #[error("plan {0:?} has nothing of those projects or that window")]
    NothingLeft(String),
    /// A limit that nothing could keep.
    #[error("plan {plan:?}: its limit of {limit} must be above 0")]
    Limit {
        /// Whose limit.
        plan: String,
        /// Which.
        limit: &'static str,
    },
    /// No such endpoint.
    #[error("plan {plan:?}: there is no endpoint {endpoint:?}{}", hint(nearest))]
    Endpoint {
        /// Whose item.
        plan: String,
        /// What it names.
        endpoint: String,
        /// What was perhaps meant.
        nearest: Option<&'static str>,
    },
    /// A mistake about a parameter.
    #[error("plan {plan:?}, endpoint {endpoint}, parameter {param:?}: {mistake}")]
    Param {
        /// Whose item.
        plan: String,
        /// Of which endpoint.
        endpoint: &'static str,
        /// Which parameter.
        param: String,
        /// What is wrong.
        mistake: Mistake,
    },
    /// A window that the endpoint can't have.
    #[error("plan {plan:?}, endpoint {endpoint}: the window `{window}` does not fit: {reason}")]
    Window {
        /// Whose item.
        plan: String,
        /// Of which endpoint.
        endpoint: &'static str,
        /// Which window.
        window: String,
        /// Why.
        reason: &'static str,
    },
}

/// What is wrong with a parameter.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mistake {
    /// The endpoint has none of that name.
    #[error("the endpoint has no such parameter{}", hint(.0))]
    Unknown(Option<&'static str>),
    /// Dates come from windows.
    #[error("dates are given by windows, not by values")]
    Date,
    /// It has no values.
    #[error("it needs values")]
    Missing,
    /// A value that it can't have.
    #[error("{value:?} is no value of it{}", hint(nearest))]
    Value {
        /// Which.
        value: String,
        /// What was perhaps meant.
        nearest: Option<&'static str>,
    },
    /// `all` of what has no end.
    #[error("`all` means every value of a set, and it takes any text; list the values")]
    Endless,
    /// Articles are asked for where none belong.
    #[error("`top_articles_of` gives articles, and only of a listed project before it")]
    NoArticles,
}

fn hint(nearest: &Option<&'static str>) -> String {
    nearest.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

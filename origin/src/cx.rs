//! Who asks: goes with every call to origin.

use std::time::Instant;

/// The circumstances of a question.
#[derive(Clone, Debug)]
pub struct Cx {
    /// When the asker gives up.
    pub deadline: Instant,
    /// How urgent it is.
    pub priority: Priority,
    /// What logs call the request.
    pub request_id: u64,
}

/// How urgent a question is, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Built ahead of any client.
    Warm,
    /// Behind a stale answer that a client already has.
    Refresh,
    /// A client waits.
    Live,
}

//! The two dialects of the API: today's (AQS 2.0) and its predecessor's (AQS 1.0).

/// Whose rules, texts and spellings a request is answered by. Part of every [`crate::Key`],
/// since the same path means two answers in two dialects (contract §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// AQS 2.0: `/metrics/…` and its public prefixes.
    V2,
    /// AQS 1.0: `/analytics.wikimedia.org/v1/…`. Reserved: no endpoint answers in it yet.
    V1,
}

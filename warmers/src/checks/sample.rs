//! Answers of a build beside direct ones.

use super::Refusal;
use aqs_api::{Query, Representation};
use aqs_origin::epochs::Validity;
use aqs_origin::{Entry, Origin, Priority, RequestContext};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Compared {
    /// How many answers were to be compared.
    pub(crate) asked: usize,
    /// How many were.
    pub(crate) compared: usize,
    /// What differs.
    pub(crate) differs: Vec<Refusal>,
    /// Why the last of those that could not be compared could not.
    pub(crate) last_error: Option<String>,
}

/// Asks the store directly and compares, byte by byte.
///
/// An answer that a purge has met meanwhile may differ. So may the one that the store gives while
/// a load becomes visible, which the purge after it tells; so one that differs is judged only
/// after another look at the store.
pub(crate) async fn compare(
    origin: &Arc<Origin>,
    sample: Vec<(Query, Arc<Entry>)>,
    within: Duration,
) -> Compared {
    let mut found = Compared { asked: sample.len(), ..Compared::default() };
    for (query, entry) in sample {
        let ctx = RequestContext::new(Instant::now() + within, Priority::Warm, "hot-set-sample");
        let direct = match origin.answer(&query, &ctx).await {
            Ok(direct) => direct,
            Err(failure) => {
                found.last_error = Some(failure.error.to_string());
                continue;
            }
        };
        if !same(&direct.representation, &entry.representation) {
            // A store that fails here has failed before; what it says is not needed.
            let _ = origin.refresh_coverage().await;
            if origin.epochs.validity(entry.epoch, &entry.tags) == Validity::Valid {
                found.differs.push(Refusal::Differs { path: query.key().path().to_owned() });
            }
        }
        found.compared += 1;
    }
    found
}

impl Compared {
    /// What speaks against publishing what was compared.
    pub(crate) fn refusals(self) -> Vec<Refusal> {
        let Self { asked, compared, mut differs, last_error } = self;
        if let (Some(reason), 0) = (last_error, compared) {
            differs.push(Refusal::Unverified { asked, reason });
        }
        differs
    }
}

/// Whether two answers are the same to a client.
fn same(one: &Representation, other: &Representation) -> bool {
    match (one, other) {
        (Representation::Body(one), Representation::Body(other)) => one.identity == other.identity,
        (Representation::Problem(one), Representation::Problem(other)) => one == other,
        _ => false,
    }
}

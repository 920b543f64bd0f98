//! Answers of a build beside direct ones.

use super::Refusal;
use aqs_api::{Query, Representation};
use aqs_origin::epochs::Validity;
use aqs_origin::{Cx, Entry, Origin, Priority};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Compared {
    /// How many answers were compared.
    pub(crate) compared: usize,
    /// What was found.
    pub(crate) refusals: Vec<Refusal>,
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
    let asked = sample.len();
    let mut found = Compared::default();
    let mut last_error = None;
    for (query, entry) in sample {
        let cx = Cx::new(Instant::now() + within, Priority::Warm, "hot-set-sample");
        let direct = match origin.answer(&query, &cx).await {
            Ok(direct) => direct,
            Err(failure) => {
                last_error = Some(failure.error.to_string());
                continue;
            }
        };
        if !same(&direct.representation, &entry.representation) {
            // A store that fails here has failed before; what it says is not needed.
            let _ = origin.look().await;
            if origin.epochs.validity(entry.stamp, &entry.slots) == Validity::Valid {
                found.refusals.push(Refusal::Differs { path: query.key().path().to_owned() });
            }
        }
        found.compared += 1;
    }
    if let (Some(reason), 0) = (last_error, found.compared) {
        found.refusals.push(Refusal::Unverified { asked, reason });
    }
    found
}

/// Whether two answers are the same to a client.
fn same(one: &Representation, other: &Representation) -> bool {
    match (one, other) {
        (Representation::Body(one), Representation::Body(other)) => one.identity == other.identity,
        (Representation::Problem(one), Representation::Problem(other)) => one == other,
        _ => false,
    }
}

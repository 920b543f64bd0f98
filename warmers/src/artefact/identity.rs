//! To what a generation on disk belongs.

use aqs_api::Catalogue;
use aqs_api::param::Kind;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use xxhash_rust::xxh3::xxh3_64;

/// What a generation's answers depend on beside the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The epochs that its stamps are of: `Epochs::identity`.
    pub state: u64,
    /// The store, in whatever words tell it from others.
    pub store: String,
    /// The sum of the endpoints and rules.
    pub catalogue: u64,
}

impl Identity {
    /// The identity of a house.
    pub fn of(state: u64, store: impl Into<String>, catalogue: &Catalogue) -> Self {
        Self { state, store: store.into(), catalogue: fingerprint(catalogue) }
    }
}

/// A number that is another if paths, parameters, bodies or rules are; the same in every process.
fn fingerprint(catalogue: &Catalogue) -> u64 {
    let mut text = format!("{:?}", catalogue.rules());
    for (_, endpoint) in catalogue.endpoints() {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{} {}", endpoint.name, endpoint.template());
        for param in endpoint.params() {
            let _ = match &param.kind {
                Kind::Choice(values) => writeln!(text, "{:?}", values.values),
                kind => writeln!(text, "{kind:?}"),
            };
        }
        for dataset in endpoint.datasets {
            let _ = writeln!(text, "{}", dataset.name);
        }
        let _ = writeln!(text, "{:?}", endpoint.response);
    }
    xxh3_64(text.as_bytes())
}

//! To what a generation on disk belongs.

use aqs_api::Catalogue;
use aqs_api::param::Kind;
use aqs_api::shapes::SHAPES;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use xxhash_rust::xxh3::xxh3_64;

/// What a generation's answers depend on beside the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The epochs that its epochs are of: `Epochs::identity`.
    pub state: u64,
    /// The names that the store is known by, in whatever words tell it from others.
    pub store: Vec<String>,
    /// The version of the program, and of what it makes of rows.
    #[serde(default)]
    pub program: String,
    /// The sum of the endpoints and rules.
    pub catalogue: u64,
}

impl Identity {
    /// The identity of a fixture.
    pub fn of<Name: Into<String>>(
        state: u64,
        store: impl IntoIterator<Item = Name>,
        catalogue: &Catalogue,
    ) -> Self {
        let store = store.into_iter().map(Into::into).collect();
        let program = format!("{} {SHAPES}", env!("CARGO_PKG_VERSION"));
        Self { state, store, program, catalogue: fingerprint(catalogue) }
    }

    /// Whether both are of one store: one that is known by several names loses and gains some, as
    /// a cluster does nodes, and stays the same.
    pub(super) fn shares_store(&self, other: &Self) -> bool {
        self.store.iter().any(|name| other.store.contains(name))
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

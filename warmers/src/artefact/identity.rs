//! To what a generation on disk belongs.

use aqs_api::Catalogue;
use serde::{Deserialize, Serialize};

/// What a generation's answers depend on beside the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The epochs that its epochs are of: `Epochs::identity`.
    pub state: u64,
    /// The names that the store is known by, in whatever words tell it from others.
    pub store: Vec<String>,
    /// The version of the program.
    #[serde(default)]
    pub program: String,
    /// The fingerprint of the endpoints, rules and bodies: [`aqs_api::fingerprint`].
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
        let program = env!("CARGO_PKG_VERSION").to_owned();
        Self { state, store, program, catalogue: aqs_api::fingerprint(catalogue) }
    }

    /// Whether both are of one store: one that is known by several names loses and gains some, as
    /// a cluster does nodes, and stays the same.
    pub(super) fn shares_store(&self, other: &Self) -> bool {
        self.store.iter().any(|name| other.store.contains(name))
    }
}

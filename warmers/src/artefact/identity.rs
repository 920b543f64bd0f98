//! What the answers of a file depend on, besides the data.

use aqs_api::{Catalogue, fingerprint};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The state directory whose epochs the answers have: `Epochs::identity`.
    pub state: u64,
    /// The names of the store, such as contact points. Stores that share a name are the same.
    pub store: Vec<String>,
    /// The version of the program, and the fingerprint of its catalogue and bodies.
    pub build: String,
}

impl Identity {
    pub fn new<Name: Into<String>>(
        state: u64,
        store: impl IntoIterator<Item = Name>,
        catalogue: &Catalogue,
    ) -> Self {
        let store = store.into_iter().map(Into::into).collect();
        let build = format!("{} {:016x}", env!("CARGO_PKG_VERSION"), fingerprint(catalogue));
        Self { state, store, build }
    }

    pub(super) fn shares_store(&self, other: &Self) -> bool {
        self.store.iter().any(|name| other.store.contains(name))
    }
}

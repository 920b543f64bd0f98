//! What a query asks: of a store, and under which purges.

use crate::epochs::Slots;
use aqs_api::{Lookup, Query};
use std::sync::Arc;

/// A query with what follows from it alone, worked out once.
#[derive(Debug)]
pub struct Question {
    pub(crate) query: Query,
    /// Shared with the flights that bring what it finds.
    pub(crate) lookup: Arc<Lookup>,
    pub(crate) slots: Slots,
}

impl Question {
    /// What a query asks.
    pub fn of(query: Query) -> Self {
        let lookup = (query.endpoint().lookup)(&query);
        let slots = Slots::of(&query, lookup.dataset());
        Self { query, lookup: Arc::new(lookup), slots }
    }

    /// The query.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Where the purges of its answer are written.
    pub fn slots(&self) -> Slots {
        self.slots
    }
}

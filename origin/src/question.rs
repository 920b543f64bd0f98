//! What a query asks: of a store, and under which purges.

use crate::epochs::Slots;
use aqs_api::{Lookup, Query};

/// A query with what follows from it alone, worked out once.
#[derive(Debug)]
pub struct Question {
    pub(crate) query: Query,
    pub(crate) lookup: Lookup,
    pub(crate) slots: Slots,
}

impl Question {
    /// What a query asks.
    pub fn of(query: Query) -> Self {
        let lookup = (query.endpoint().lookup)(&query);
        let slots = Slots::of(&query, lookup.dataset());
        Self { query, lookup, slots }
    }

    /// Where the purges of its answer are written.
    pub fn slots(&self) -> Slots {
        self.slots
    }
}

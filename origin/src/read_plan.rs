//! What a query asks: of a store, and under which purges.

use crate::epochs::PurgeTags;
use aqs_api::{Catalogue, Coverage, Lookup, NoDataReason, Query};
use std::borrow::Cow;
use std::sync::Arc;

/// A query with what follows from it alone, worked out once.
#[derive(Debug)]
pub struct ReadPlan {
    pub(crate) query: Query,
    /// Shared with the flights that bring what it finds.
    lookup: Arc<Lookup>,
    pub(crate) tags: PurgeTags,
}

impl ReadPlan {
    /// Plans the read of a query of this catalogue.
    pub fn new(query: Query, catalogue: &Catalogue) -> Self {
        let lookup = (query.endpoint().lookup)(&query);
        let tags = PurgeTags::of(&query, lookup.dataset(), catalogue);
        Self { query, lookup: Arc::new(lookup), tags }
    }

    /// The query.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// What is to be looked up of it where so much is loaded, or why that is nothing.
    pub(crate) fn clipped(&self, coverage: &Coverage) -> Result<Arc<Lookup>, NoDataReason> {
        Ok(match coverage.clip(&self.lookup)? {
            Cow::Borrowed(_) => Arc::clone(&self.lookup),
            Cow::Owned(clipped) => Arc::new(clipped),
        })
    }

    /// Where the purges of its answer are written.
    pub fn tags(&self) -> PurgeTags {
        self.tags
    }
}

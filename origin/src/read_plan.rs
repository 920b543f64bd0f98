//! What a query reads, and which purges cover its answer.

use crate::epochs::PurgeTags;
use aqs_api::{Catalogue, Coverage, Lookup, NoDataReason, Query};
use std::borrow::Cow;
use std::sync::Arc;

/// A query with its lookup and purge tags, computed once.
#[derive(Debug)]
pub struct ReadPlan {
    pub(crate) query: Query,
    /// Shared with the flights that read it.
    lookup: Arc<Lookup>,
    pub(crate) tags: PurgeTags,
}

impl ReadPlan {
    pub fn new(query: Query, catalogue: &Catalogue) -> Self {
        let lookup = query.lookup();
        let tags = PurgeTags::of(&query, lookup.dataset(), catalogue);
        Self { query, lookup: Arc::new(lookup), tags }
    }

    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The lookup clipped to what is loaded, or why nothing is left of it.
    pub(crate) fn clipped(&self, coverage: &Coverage) -> Result<Arc<Lookup>, NoDataReason> {
        Ok(match coverage.clip(&self.lookup)? {
            Cow::Borrowed(_) => Arc::clone(&self.lookup),
            Cow::Owned(clipped) => Arc::new(clipped),
        })
    }

    /// Whether more rows are expected to arrive.
    pub(crate) fn expects_more(&self, coverage: &Coverage) -> bool {
        coverage.expects_more(&self.lookup)
    }

    pub fn tags(&self) -> PurgeTags {
        self.tags
    }
}

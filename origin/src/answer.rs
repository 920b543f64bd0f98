//! From a query to an entry: lookup, shape, represent.

use crate::clock::Clock;
use crate::cx::Cx;
use crate::entry::Entry;
use crate::error::OriginError;
use crate::metrics::Metrics;
use crate::store::Store;
use aqs_api::freshness::Times;
use aqs_api::{Answer, Catalogue, Coverage, Lookup, Query, Rows};
use std::sync::Arc;
use std::time::Instant;

/// Where answers come from.
pub struct Origin {
    catalogue: Arc<Catalogue>,
    store: Arc<dyn Store>,
    times: Times,
    clock: Clock,
    metrics: Metrics,
}

impl Origin {
    /// An origin over one store.
    pub fn new(
        catalogue: Arc<Catalogue>,
        store: Arc<dyn Store>,
        times: Times,
        clock: Clock,
        metrics: Metrics,
    ) -> Self {
        Self { catalogue, store, times, clock, metrics }
    }

    /// Answers a query from the store.
    pub async fn answer(&self, query: &Query, cx: &Cx) -> Result<Arc<Entry>, OriginError> {
        let endpoint = query.endpoint();
        let lookup = (endpoint.lookup)(query);
        let asked = self.clock.now();
        let rows = self.read(&lookup, cx).await?;
        let answer = (endpoint.shape)(query, &rows, self.catalogue.rules())
            .map_err(|source| OriginError::Shape { path: query.key().path().to_owned(), source })?;
        let lifetimes = match answer {
            Answer::Content(_) => self.times.data,
            Answer::Empty(_) => self.times.no_data,
        };
        let representation = answer.represent();
        let id = query.endpoint_id();
        Ok(Arc::new(Entry::new(representation, id, lookup.dataset(), asked, lifetimes)))
    }

    /// What the store holds.
    pub async fn coverage(&self) -> Result<Coverage, OriginError> {
        Ok(self.store.coverage().await?)
    }

    async fn read(&self, lookup: &Lookup, cx: &Cx) -> Result<Rows, OriginError> {
        let dataset = lookup.dataset().name;
        let begun = Instant::now();
        let read = self.store.read(lookup, cx).await;
        let outcome = match &read {
            Ok(rows) if rows.is_empty() => "empty",
            Ok(_) => "rows",
            Err(_) => "error",
        };
        self.metrics
            .store_seconds
            .with_label_values(&[dataset])
            .observe(begun.elapsed().as_secs_f64());
        self.metrics.store_reads.with_label_values(&[dataset, outcome]).inc();
        Ok(read?)
    }
}

//! Request metrics: counted once, exposed under our names and under upstream's.
//!
//! A request costs two atomic additions to the cell of its labels. The families of metrics are
//! summed up when they are scraped.

mod cell;
mod collector;
#[cfg(test)]
mod tests;

use crate::http::{CacheResult, Method};
use aqs_api::{Catalogue, EndpointId};
use cell::Cell;
use prometheus::Error;
use prometheus::core::Desc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The statuses with a label of their own. Heads that become no request (414, 431, 505) have
/// their own metric.
const STATUSES: [u16; 13] = [200, 204, 304, 400, 404, 405, 408, 413, 417, 499, 500, 503, 504];
/// The label of requests that belong to no endpoint.
const NO_ENDPOINT: &str = "none";
/// The label of a status that is not among [`STATUSES`].
const OTHER: &str = "other";

/// The counts of all requests.
#[derive(Clone)]
pub(crate) struct RequestMetrics(Arc<Inner>);

struct Inner {
    templates: Vec<String>,
    cells: Vec<OnceLock<Box<Cell>>>,
    descs: [Desc; 4],
}

impl RequestMetrics {
    pub(crate) fn new(catalogue: &Catalogue) -> Result<Self, Error> {
        let mut templates: Vec<String> =
            catalogue.endpoints().map(|(_, endpoint)| endpoint.template()).collect();
        templates.push(NO_ENDPOINT.to_owned());
        let results = CacheResult::ALL.len();
        let kinds = templates.len() * (STATUSES.len() + 1) * results * Method::ALL.len();
        let cells = std::iter::repeat_with(OnceLock::new).take(kinds).collect();
        Ok(Self(Arc::new(Inner { templates, cells, descs: collector::descs()? })))
    }

    pub(crate) fn count(
        &self,
        endpoint: Option<EndpointId>,
        method: Method,
        status: u16,
        result: CacheResult,
        duration: Duration,
    ) {
        let inner = &self.0;
        let none = inner.templates.len() - 1;
        let row = endpoint.map_or(none, EndpointId::index).min(none);
        let column = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len());
        let kind = (row * (STATUSES.len() + 1) + column) * CacheResult::ALL.len() + result as usize;
        let Some(cell) = inner.cells.get(kind * Method::ALL.len() + method as usize) else {
            return;
        };
        cell.get_or_init(Box::default).count(duration);
    }
}

//! What becomes of requests: counted once, shown under our names and under upstream's.
//!
//! A request is two additions to a cell of its own kind. What the families of metrics sum up is
//! summed up when somebody looks.

mod cells;
mod collector;
#[cfg(test)]
mod tests;

use crate::serve::{CacheResult, Method};
use aqs_api::{Catalogue, EndpointId};
use cells::Cell;
use prometheus::core::Desc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The statuses that are counted one by one; any other is counted as `other`. What becomes no
/// request (414, 431, 505) has its own count.
const STATUSES: [u16; 12] = [200, 204, 304, 400, 404, 405, 408, 413, 417, 500, 503, 504];
/// What stands for requests that belong to no endpoint.
const NO_ENDPOINT: &str = "none";
/// What stands for a status that is not among [`STATUSES`].
const OTHER: &str = "other";

/// The requests that were answered.
#[derive(Clone)]
pub(crate) struct Answered(Arc<Inner>);

struct Inner {
    templates: Vec<String>,
    cells: Vec<OnceLock<Box<Cell>>>,
    descs: [Desc; 4],
}

impl Answered {
    /// Nothing answered yet. The descriptions are those of our requests and how long they took,
    /// and upstream's.
    pub(crate) fn new(catalogue: &Catalogue, descs: [Desc; 4]) -> Self {
        let mut templates: Vec<String> =
            catalogue.endpoints().map(|(_, endpoint)| endpoint.template()).collect();
        templates.push(NO_ENDPOINT.to_owned());
        let results = CacheResult::ALL.len();
        let kinds = templates.len() * (STATUSES.len() + 1) * results * Method::ALL.len();
        let cells = std::iter::repeat_with(OnceLock::new).take(kinds).collect();
        Self(Arc::new(Inner { templates, cells, descs }))
    }

    /// Counts one.
    pub(crate) fn count(
        &self,
        endpoint: Option<EndpointId>,
        method: Method,
        status: u16,
        result: CacheResult,
        took: Duration,
    ) {
        let inner = &self.0;
        let none = inner.templates.len() - 1;
        let row = endpoint.map_or(none, EndpointId::index).min(none);
        let column = STATUSES.iter().position(|held| *held == status).unwrap_or(STATUSES.len());
        let kind = (row * (STATUSES.len() + 1) + column) * CacheResult::ALL.len() + result.index();
        let Some(cell) = inner.cells.get(kind * Method::ALL.len() + method as usize) else {
            return;
        };
        cell.get_or_init(Box::default).count(took);
    }
}

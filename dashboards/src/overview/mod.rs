//! The panels of the dashboard.
//!
//! Answers that the cache had no part in, pages and refusals, are `generated`; ratios are of the
//! others. Series of requests and refusals come into being with the first event, so that a sum of
//! some kinds is given a zero where no such thing has happened yet.

mod hot_set;
mod house;
mod requests;
mod store;
mod worth;

use crate::panel::{Panel, Row};

/// All of them, from top to bottom.
pub const ROWS: &[Row] = &[worth::ROW, requests::ROW, store::ROW, hot_set::ROW, house::ROW];

/// Every panel.
pub fn panels() -> impl Iterator<Item = &'static Panel> {
    ROWS.iter().flat_map(|row| row.panels)
}

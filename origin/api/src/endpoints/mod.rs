//! The rows of the catalogue, a module for each upstream service.

mod device;
mod page;
mod shared_params;

use crate::endpoint::Endpoint;

/// Every endpoint that this version answers.
pub static ALL: &[&Endpoint] = &[
    &device::UNIQUE_DEVICES,
    &page::PER_ARTICLE,
    &page::AGGREGATE,
    &page::TOP,
    &page::TOP_BY_COUNTRY,
    &page::TOP_PER_COUNTRY,
    &page::LEGACY_PAGECOUNTS,
];

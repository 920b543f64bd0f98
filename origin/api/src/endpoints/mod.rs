//! The rows of the catalogue, a module for each upstream service.

mod device;
mod page;
pub mod shared_params;

/// The tables that more than one file needs by name: the sample and tests.
pub mod tables {
    pub use super::device::UNIQUE_DEVICES_TABLE as UNIQUE_DEVICES;
    pub use super::page::AGGREGATE_TABLE as PAGEVIEWS_PER_PROJECT;
    pub use super::page::BY_COUNTRY_TABLE as TOP_BY_COUNTRY;
    pub use super::page::LEGACY_TABLE as LEGACY_PAGECOUNTS;
    pub use super::page::PER_ARTICLE_TABLE as PAGEVIEWS_PER_ARTICLE;
    pub use super::page::PER_COUNTRY_TABLE as TOP_PER_COUNTRY;
    pub use super::page::TOP_TABLE as TOP_PAGEVIEWS;
}

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

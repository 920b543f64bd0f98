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

/// The paths of the endpoints of AQS that this version does not answer yet, up to their first
/// parameter. A test compares them with the contract's.
const UNSERVED: &[&str] = &[
    "/editors/by-country",
    "/mediarequests/per-file",
    "/mediarequests/aggregate",
    "/mediarequests/top",
    "/video_plays/v3/aggregate",
    "/video_plays/v3/per_file",
    "/video_plays/v3/top",
    "/pageviews/v3/per_editor",
    "/pageviews/v3/top_pages_per_editor",
    "/edits/aggregate",
    "/edits/per-page",
    "/bytes-difference/net/aggregate",
    "/bytes-difference/net/per-page",
    "/bytes-difference/absolute/aggregate",
    "/bytes-difference/absolute/per-page",
    "/edited-pages/new",
    "/edited-pages/aggregate",
    "/edited-pages/top-by-edits",
    "/edited-pages/top-by-net-bytes-difference",
    "/edited-pages/top-by-absolute-bytes-difference",
    "/edits/per-editor",
    "/bytes-difference/net/per-editor",
    "/bytes-difference/absolute/per-editor",
    "/edits/v3/per_editor",
    "/editors/aggregate",
    "/editors/top-by-edits",
    "/editors/top-by-net-bytes-difference",
    "/editors/top-by-absolute-bytes-difference",
    "/registered-users/new",
    "/commons-analytics/category-metrics-snapshot",
    "/commons-analytics/media-file-metrics-snapshot",
    "/commons-analytics/pageviews-per-category-monthly",
    "/commons-analytics/pageviews-per-media-file-monthly",
    "/commons-analytics/edits-per-category-monthly",
    "/commons-analytics/edits-per-user-monthly",
    "/commons-analytics/top-pages-per-category-monthly",
    "/commons-analytics/top-pages-per-media-file-monthly",
    "/commons-analytics/top-wikis-per-category-monthly",
    "/commons-analytics/top-wikis-per-media-file-monthly",
    "/commons-analytics/top-viewed-categories-monthly",
    "/commons-analytics/top-viewed-media-files-monthly",
    "/commons-analytics/top-edited-categories-monthly",
    "/commons-analytics/top-editors-monthly",
    "/knowledge-gap/per-category",
];

/// Whether a path is of an endpoint that is not served yet.
pub(crate) fn is_unserved(path: &str) -> bool {
    UNSERVED
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_of_the_contract_is_served_or_not_yet() {
        let contract = include_str!("../../tests/endpoints.yaml");
        let paths = contract.lines().filter_map(|line| line.strip_prefix("    path: "));
        let prefixes: Vec<&str> =
            paths.filter_map(|path| path.split_once("/{")).map(|(prefix, _)| prefix).collect();
        assert!(prefixes.len() > 50);
        let served: Vec<String> = ALL.iter().map(|endpoint| endpoint.template()).collect();
        let is_served = |prefix: &str| {
            served
                .iter()
                .any(|path| path.strip_prefix(prefix).is_some_and(|it| it.starts_with("/{")))
        };
        for prefix in &prefixes {
            assert_ne!(UNSERVED.contains(prefix), is_served(prefix), "{prefix}");
        }
        assert!(UNSERVED.iter().all(|prefix| prefixes.contains(prefix)));
    }
}

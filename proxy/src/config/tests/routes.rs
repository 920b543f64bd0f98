//! Stores and the routes to them.

use super::*;
use aqs_api::Catalogue;
use aqs_origin::limiter::ConcurrencyLimits;
use aqs_origin::stores::StoreName;
use std::collections::BTreeSet;
use std::time::Duration;

const BOTH: &str = "store: {path: /s.sqlite}\ncassandra: {}\n";

/// The names of the datasets that are read from a store.
fn read_from(config: &Config, store: StoreName) -> BTreeSet<&'static str> {
    let stores = config.stores(&Catalogue::standard().unwrap());
    let datasets = stores.into_iter().filter(|(name, _)| *name == store);
    datasets.flat_map(|(_, datasets)| datasets).map(|dataset| dataset.name).collect()
}

#[test]
fn without_routes_one_store_is_read() {
    let all = Catalogue::standard().unwrap().datasets().len();
    for (file, store, other) in [
        ("", StoreName::Embedded, StoreName::Cassandra),
        ("store: {path: /s.sqlite}", StoreName::Embedded, StoreName::Cassandra),
        ("cassandra: {}", StoreName::Cassandra, StoreName::Embedded),
        // Every dataset, by name of its store: as without.
        ("routes: {device-analytics: embedded}", StoreName::Embedded, StoreName::Cassandra),
    ] {
        let config = read(file).unwrap();
        assert_eq!(read_from(&config, store).len(), all, "{file}");
        assert!(read_from(&config, other).is_empty(), "{file}");
    }
}

#[test]
fn a_dataset_comes_before_its_service_and_both_before_the_default() {
    let routes = "routes: {device-analytics: embedded, unique-devices-monthly: cassandra}";
    let config = read(&format!("{BOTH}{routes}")).unwrap();
    assert_eq!(read_from(&config, StoreName::Embedded), BTreeSet::from(["unique-devices-daily"]));
    let cassandra = read_from(&config, StoreName::Cassandra);
    assert!(cassandra.contains("unique-devices-monthly"), "{cassandra:?}");
    assert!(cassandra.contains("pageviews-top-daily"), "{cassandra:?}");
    // The printed configuration says it of each dataset.
    let printed = config.effective().to_yaml().unwrap();
    for line in ["  unique-devices-daily: embedded", "  pageviews-top-daily: cassandra"] {
        assert!(printed.lines().any(|held| held == line), "{line} is not in\n{printed}");
    }
    let read_again = read(&printed).unwrap();
    assert_eq!(read_from(&read_again, StoreName::Cassandra), cassandra);
    assert!(read("cassandra: {}").unwrap().effective().routes.is_empty());
}

#[test]
fn wrong_routes_are_refused() {
    let catalogue = Catalogue::standard().unwrap();
    let services: BTreeSet<_> = catalogue
        .endpoints()
        .map(|(_, endpoint)| format!("{}: embedded", endpoint.service))
        .collect();
    let all = services.into_iter().collect::<Vec<_>>().join(", ");
    for (file, refusal) in [
        (
            BOTH.to_owned(),
            "store.path: nothing is read from the embedded store /s.sqlite, since there is a section \
             `cassandra`: leave out one of them, or say in `routes` what is read from each",
        ),
        (
            format!("{BOTH}routes: {{{all}}}"),
            "cassandra: nothing is read from it, since `routes` names another store for every \
             dataset: leave out one of them",
        ),
        (
            "routes: {page-analytic: embedded}".to_owned(),
            "routes.page-analytic: there is no service or dataset `page-analytic`; perhaps \
             page-analytics",
        ),
        (
            "routes: {page-analytics: cassandra}".to_owned(),
            "routes.page-analytics: the store cassandra is not configured: there is no section \
             `cassandra`",
        ),
        (
            "cassandra: {}\nroutes: {page-analytics: embedded}".to_owned(),
            "routes.page-analytics: the store embedded is not configured: set store.path",
        ),
    ] {
        assert_eq!(read(&file).unwrap_err(), refusal, "{file}");
    }
    assert_eq!(
        read("routes: {page-analytics: cassanda}").unwrap_err(),
        "f:1:26: routes.page-analytics: there is no store `cassanda`; the nearest is cassandra"
    );
}

#[test]
fn a_store_has_the_shared_limits_or_its_own() {
    let seconds = Duration::from_secs;
    let file = "store: {reads: 1, queue: 2, wait: 3s, within: 4s}\n";
    let shared = ConcurrencyLimits { reads: 1, queue: 2, wait: seconds(3) };
    let config = read(&format!("{file}cassandra: {{}}")).unwrap();
    for store in StoreName::ALL {
        assert_eq!(config.store_limits(store), shared);
    }
    assert_eq!(config.store_timeout(StoreName::Embedded), Some(seconds(4)));
    assert_eq!(config.store_timeout(StoreName::Cassandra), None);
    let config = read(&format!("{file}cassandra: {{reads: 5, queue: 6, wait: 7s}}")).unwrap();
    assert_eq!(config.store_limits(StoreName::Embedded), shared);
    let own = ConcurrencyLimits { reads: 5, queue: 6, wait: seconds(7) };
    assert_eq!(config.store_limits(StoreName::Cassandra), own);
    let some = read(&format!("{file}cassandra: {{queue: 0}}")).unwrap();
    let expected = ConcurrencyLimits { queue: 0, ..shared };
    assert_eq!(some.store_limits(StoreName::Cassandra), expected);
    assert_eq!(read("").unwrap().store_timeout(StoreName::Embedded), None);
}

#[test]
fn a_file_with_every_store_of_upstream_reads_cassandra() {
    let file = "service_name: a\ndata_gateway_uri: http://gateway\ndruid: {host: 'http://druid'}\n\
                cassandra: {hosts: [aqs1010-a.eqiad.wmnet]}";
    let config = read(file).unwrap();
    assert!(read_from(&config, StoreName::Embedded).is_empty());
    assert!(!read_from(&config, StoreName::Cassandra).is_empty());
}

//! The keys of the upstream services.

use super::*;
use aqs_api::calendar::Digits;
use aqs_origin::store::cassandra::{Compression, Consistency, Options};
use std::time::Duration;

/// A file of production.
const PRODUCTION: &str = "\
service_name: device-analytics
base_uri: metrics/unique-devices
listen_address: 0.0.0.0
listen_port: 8080
log_level: DEBUG
context_timeout: 40
data_gateway_uri:
cassandra:
  port: 9042
  consistency: localQuorum
  hosts:
    - aqs1010-a.eqiad.wmnet
    - aqs1011-a.eqiad.wmnet
  local_dc: eqiad
  config_table: aqs.config
  authentication:
    username: device_analytics
    password: geheim
  tls:
    ca: /etc/ssl/certs/wmf-ca-certificates.crt
druid:
  host: http://druid-public-broker.svc.eqiad.wmnet
  port: '8082'
  datasource: ''
  authentication:
  tls:
    ca:
";

#[test]
fn a_production_file_needs_no_edit() {
    let Loaded { config, warnings } = loaded(PRODUCTION, &[], "").unwrap();
    assert_eq!(config.public_addresses(), ["0.0.0.0:8080".parse().unwrap()]);
    assert!(config.log_filter().starts_with("debug"));
    assert_eq!(config.effective().base_uri.as_deref(), Some("/metrics/unique-devices"));
    assert_eq!(config.cassandra.unwrap().consistency, Consistency::LocalQuorum);
    assert_eq!(
        warnings,
        [
            "CASSANDRA_USERNAME and CASSANDRA_PASSWORD env vars unset, using values from \
             configuration file",
            "the configuration names Druid (http://druid-public-broker.svc.eqiad.wmnet), which \
             this version does not read; it serves Cassandra (aqs1010-a.eqiad.wmnet, \
             aqs1011-a.eqiad.wmnet) alone",
        ]
    );
}

#[test]
fn credentials_of_the_environment_silence_the_first_warning() {
    let variables = [("CASSANDRA_USERNAME", "a"), ("CASSANDRA_PASSWORD", "b")];
    assert_eq!(loaded(PRODUCTION, &variables, "").unwrap().warnings.len(), 1);
    assert_eq!(loaded(PRODUCTION, &variables[..1], "").unwrap().warnings.len(), 2);
    let druid = "druid: {host: 'http://druid'}";
    let warnings = loaded(druid, &[], "--store my.sqlite").unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].ends_with("does not read; it serves the embedded store my.sqlite"));
}

#[test]
fn the_cassandra_section_is_read() {
    let variables = [("CASSANDRA_PASSWORD", "streng geheim")];
    let options = loaded(PRODUCTION, &variables, "").unwrap().config.cassandra.unwrap();
    assert_eq!(
        options.contact_points(),
        ["aqs1010-a.eqiad.wmnet:9042", "aqs1011-a.eqiad.wmnet:9042"]
    );
    assert_eq!(options.consistency, Consistency::LocalQuorum);
    assert_eq!(options.local_dc.as_deref(), Some("eqiad"));
    assert_eq!(options.tls.ca, Some("/etc/ssl/certs/wmf-ca-certificates.crt".into()));
    let credentials = options.credentials.unwrap();
    assert_eq!(credentials.username, "device_analytics");
    assert_eq!(credentials.password, "streng geheim");
    // The milliseconds of upstream, unless our own key is given.
    assert_eq!(options.read_within, Duration::from_millis(40));
    let ours = "context_timeout: 40\ncassandra: {read_within: 3s, local_dc: '', tls: {ca: ''}}";
    let options = read(ours).unwrap().cassandra.unwrap();
    assert_eq!(options.read_within, Duration::from_secs(3));
    assert_eq!(options.contact_points(), ["localhost:9042"]);
    assert_eq!((options.local_dc, options.tls.ca, options.credentials), (None, None, None));
    assert_eq!(read("cassandra: {}").unwrap().cassandra.unwrap(), Options::default());
    assert_eq!(read("").unwrap().cassandra, None);
}

#[test]
fn additional_cassandra_keys_are_read() {
    let file = "\
cassandra:
  speculative_after: off
  keep_alive: OFF
  compression: LZ4
  absent: [top_bycountry]
  probes: {pageviews-top-daily: [de.wikipedia, desktop]}
  extents:
    pageviews-aggregate-daily: 2015070100..2026103100
    unique-devices-daily: 20160101..
";
    let config = loaded(file, &[], "").unwrap().config;
    let options = config.cassandra.unwrap();
    assert_eq!((options.speculative_after, options.keep_alive), (None, None));
    assert_eq!(options.compression, Some(Compression::Lz4));
    assert_eq!(options.probes["pageviews-top-daily"], ["de.wikipedia", "desktop"]);
    let digits = |text| Digits::from_text(text).unwrap();
    let devices = options.extents["unique-devices-daily"];
    assert_eq!((devices.first, devices.last), (digits("20160101"), None));
    let views = options.extents["pageviews-aggregate-daily"];
    assert_eq!((views.first, views.last), (digits("2015070100"), Some(digits("2026103100"))));
}

#[test]
fn invalid_cassandra_keys_are_refused_with_a_hint() {
    for (section, expected) in [
        ("hosts: []", "cassandra.hosts: it is empty"),
        ("hosts: ['cql://a:9042']", "cassandra.hosts: `cql://a:9042` is no host such as"),
        ("hosts: ['a:99999']", "cassandra.hosts: `a:99999` is no host such as"),
        ("absent: [top_bycountri]", "there is no table `top_bycountri`; perhaps top_bycountry"),
        (
            "probes: {pageviews-top-dayly: [a, b]}",
            "cassandra.probes: there is no dataset `pageviews-top-dayly`; perhaps pageviews-top-daily",
        ),
        (
            "probes: {pageviews-top-daily: [a]}",
            "pageviews-top-daily: it takes 2: project, access, and 1 were given",
        ),
        (
            "extents: {unique-devices-daily: 2016010100..}",
            "unique-devices-daily: its periods have 8 digits, unlike 2016010100..",
        ),
        ("extents: {unique-devices-daily: 20160102..20160101}", "must not be before the first"),
        ("extents: {unique-devices-daily: 20160199..}", "is no range of periods"),
        (
            "authentication: {username: a}",
            "cassandra.authentication.password: there is a username without it",
        ),
        ("speculative_after: never", "`never` is no duration such as"),
        ("compression: zstd", "`zstd` is no compression; there are none, lz4 and snappy"),
    ] {
        let error = loaded(&format!("cassandra: {{{section}}}"), &[], "").unwrap_err().to_string();
        assert!(error.contains(expected), "{section}: {error}");
    }
    let error = loaded("cassandra: {}", &[], "--store a.sqlite").unwrap_err().to_string();
    assert!(
        error.starts_with("store.path: nothing is read from the embedded store a.sqlite"),
        "{error}"
    );
}

#[test]
fn a_missing_ca_file_is_named() {
    let config = loaded(PRODUCTION.replace("wmf-ca", "no-ca").as_str(), &[], "").unwrap().config;
    let error = config.check_files().unwrap_err().to_string();
    assert!(
        error.starts_with("cassandra.tls.ca: failed to read the CA file /etc/ssl/certs/no-ca-"),
        "{error}"
    );
    assert!(read("cassandra: {}").unwrap().check_files().is_ok());
}

#[test]
fn listen_overrides_the_upstream_listener() {
    for (file, address) in [
        ("listen_port: 81", "127.0.0.1:81"),
        ("listen_address: localhost", "127.0.0.1:8080"),
        ("listen_address: ''", "0.0.0.0:8080"),
        ("listen_address: '::1'\nlisten_port: 0", "[::1]:0"),
        ("listen_port: 81\nlisten: ['127.0.0.1:82']", "127.0.0.1:82"),
    ] {
        let config = loaded(file, &[], "").unwrap().config;
        assert_eq!(config.public_addresses(), [address.parse().unwrap()], "{file}");
    }
    let config = loaded("listen_port: 81", &[("AQS_LISTEN", "127.0.0.1:83")], "").unwrap().config;
    assert_eq!(config.public_addresses()[0].port(), 83);
}

#[test]
fn upstream_keys_enable_the_upstream_pages() {
    for file in [
        "service_name: a",
        "base_uri: /metrics/pageviews",
        "listen_address: localhost",
        "listen_port: 1",
        "context_timeout: 1",
    ] {
        let pages = loaded(file, &[], "").unwrap().config.public_pages();
        assert!(pages.upstream_health && pages.metrics, "{file}");
        let file = format!("{file}\npublic_metrics: false");
        let pages = loaded(&file, &[], "").unwrap().config.public_pages();
        assert!(pages.upstream_health && !pages.metrics, "{file}");
    }
    for (file, metrics) in [
        ("", false),
        ("log_level: info", false),
        ("cassandra: {port: 1}", false),
        ("public_metrics: true", true),
    ] {
        let pages = loaded(file, &[], "").unwrap().config.public_pages();
        assert_eq!((pages.upstream_health, pages.metrics), (false, metrics), "{file}");
    }
}

#[test]
fn a_prefix_without_endpoints_causes_a_warning() {
    for (base, warned) in [
        ("/metrics/unique-devices", false),
        ("metrics/pageviews/", false),
        ("/metrics", false),
        ("/metrics/pageviews/top", false),
        ("/", false),
        ("/metrics/page", true),
        ("/stats/unique-devices", true),
        ("/metrics/no-such-service", true),
    ] {
        let warnings = loaded(&format!("base_uri: {base}"), &[], "").unwrap().warnings;
        assert_eq!(warnings.len(), usize::from(warned), "{base}: {warnings:?}");
        if let Some(warning) = warnings.first() {
            assert!(warning.starts_with(&format!("base_uri is {base}, under which")), "{warning}");
        }
    }
}

#[test]
fn levels_are_read_in_any_case() {
    for level in ["debug", "INFO", "Warning", "error", "fatal"] {
        assert!(read(&format!("log_level: {level}")).is_ok(), "{level}");
    }
    for level in
        ["any", "ONE", "two", "three", "quorum", "all", "LocalQuorum", "eachquorum", "localOne"]
    {
        assert!(read(&format!("cassandra: {{consistency: {level}}}")).is_ok(), "{level}");
    }
}

#[test]
fn a_single_dash_is_accepted_as_in_go() {
    let words = |given: &[&str]| {
        arguments(given.iter().map(|word| (*word).into()))
            .into_iter()
            .map(|word| word.into_string().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&["aqs", "-config", "a"]), ["aqs", "--config", "a"]);
    assert_eq!(words(&["aqs", "-config=a", "--store", "b"]), ["aqs", "--config=a", "--store", "b"]);
}

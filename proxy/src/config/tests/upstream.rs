//! The keys of the upstream services.

use super::*;

/// As production's chart fills it.
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
fn todays_file_needs_no_edit() {
    let Loaded { config, warnings } = loaded(PRODUCTION, &[], "").unwrap();
    assert_eq!(config.settings().listen, ["0.0.0.0:8080".parse().unwrap()]);
    assert!(config.log_filter().starts_with("debug"));
    assert_eq!(config.effective().base_uri.as_deref(), Some("/metrics/unique-devices"));
    assert_eq!(config.cassandra.unwrap().consistency.to_string(), "localquorum");
    assert_eq!(
        warnings,
        [
            "CASSANDRA_USERNAME and CASSANDRA_PASSWORD env vars unset, using values from \
             configuration file",
            "the configuration names Cassandra (aqs1010-a.eqiad.wmnet, aqs1011-a.eqiad.wmnet), \
             Druid (http://druid-public-broker.svc.eqiad.wmnet), which this version does not read; \
             it serves the bundled sample data, which is not yours; name a store with --store",
        ]
    );
}

#[test]
fn credentials_of_the_environment_silence_the_first_warning() {
    let variables = [("CASSANDRA_USERNAME", "a"), ("CASSANDRA_PASSWORD", "b")];
    let warnings = loaded(PRODUCTION, &variables, "--store my.sqlite").unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].ends_with("does not read; it serves the embedded store my.sqlite"));
    assert_eq!(loaded(PRODUCTION, &variables[..1], "").unwrap().warnings.len(), 2);
}

#[test]
fn the_listener_is_upstreams_only_if_ours_is_not_named() {
    for (file, address) in [
        ("listen_port: 81", "127.0.0.1:81"),
        ("listen_address: localhost", "127.0.0.1:8080"),
        ("listen_address: ''", "0.0.0.0:8080"),
        ("listen_address: '::1'\nlisten_port: 0", "[::1]:0"),
        ("listen_port: 81\nlisten: ['127.0.0.1:82']", "127.0.0.1:82"),
    ] {
        let config = loaded(file, &[], "").unwrap().config;
        assert_eq!(config.settings().listen, [address.parse().unwrap()], "{file}");
    }
    let config = loaded("listen_port: 81", &[("AQS_LISTEN", "127.0.0.1:83")], "").unwrap().config;
    assert_eq!(config.settings().listen[0].port(), 83);
}

#[test]
fn a_key_of_theirs_makes_it_an_upstream_file() {
    for file in [
        "service_name: a",
        "base_uri: /metrics/pageviews",
        "listen_address: localhost",
        "listen_port: 1",
        "context_timeout: 1",
    ] {
        let pages = loaded(file, &[], "").unwrap().config.settings().public_pages;
        assert!(pages.upstream_health && pages.metrics, "{file}");
        let file = format!("{file}\npublic_metrics: false");
        let pages = loaded(&file, &[], "").unwrap().config.settings().public_pages;
        assert!(pages.upstream_health && !pages.metrics, "{file}");
    }
    for (file, metrics) in [
        ("", false),
        ("log_level: info", false),
        ("cassandra: {port: 1}", false),
        ("public_metrics: true", true),
    ] {
        let pages = loaded(file, &[], "").unwrap().config.settings().public_pages;
        assert_eq!((pages.upstream_health, pages.metrics), (false, metrics), "{file}");
    }
}

#[test]
fn a_prefix_under_which_nothing_is_served_is_warned_of() {
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
fn levels_are_taken_in_any_case() {
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
fn gos_single_dash_names_the_file() {
    let words = |given: &[&str]| {
        arguments(given.iter().map(|word| (*word).into()))
            .into_iter()
            .map(|word| word.into_string().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&["aqs", "-config", "a"]), ["aqs", "--config", "a"]);
    assert_eq!(words(&["aqs", "-config=a", "--store", "b"]), ["aqs", "--config=a", "--store", "b"]);
}

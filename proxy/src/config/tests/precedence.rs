//! Which source wins.

use super::*;
use crate::config::LogFormat;

fn port(loaded: &Loaded) -> u16 {
    loaded.config.settings().listen[0].port()
}

#[test]
fn flags_go_before_the_environment_and_that_before_the_file() {
    let file = "listen: ['127.0.0.1:1']\nmemory: 16MiB\nlog: {filter: error}\nadmin: {listen: ['[::1]:1']}";
    let environment = [("AQS_LISTEN", "127.0.0.1:2, [::1]:2"), ("AQS_MEMORY", "32MiB")];
    assert_eq!(port(&loaded(file, &[], "").unwrap()), 1);
    let both = loaded(file, &environment, "").unwrap();
    assert_eq!((port(&both), both.config.settings().listen.len()), (2, 2));
    assert_eq!(both.config.settings().memory_bytes, 32 << 20);
    // What nobody else speaks of is as the file says.
    assert_eq!(both.config.log_filter(), "error");
    assert_eq!(both.config.settings().admin_listen[0].to_string(), "[::1]:1");
    let flags = "--listen 127.0.0.1:3 --memory 64MiB --admin-listen 127.0.0.1:4";
    let all = loaded(file, &environment, flags).unwrap();
    assert_eq!((port(&all), all.config.settings().listen.len()), (3, 1));
    assert_eq!(all.config.settings().memory_bytes, 64 << 20);
    assert_eq!(all.config.settings().admin_listen[0].to_string(), "127.0.0.1:4");
}

#[test]
fn every_variable_sets_its_key() {
    let variables = [
        ("AQS_LISTEN", "127.0.0.1:2"),
        ("AQS_ADMIN_LISTEN", "127.0.0.1:5"),
        ("AQS_STORE", "/a/store"),
        ("AQS_STATE", "/a/state"),
        ("AQS_MEMORY", "1GiB"),
        ("AQS_LOG", "aqs_origin=debug"),
        ("AQS_LOG_FORMAT", "ecs"),
        ("CASSANDRA_USERNAME", "who"),
        ("CASSANDRA_PASSWORD", "geheim"),
    ];
    // Not both at once: there is one store.
    let cassandra: Vec<_> =
        variables.into_iter().filter(|(name, _)| *name != "AQS_STORE").collect();
    let config = loaded("cassandra:\n  port: 1", &cassandra, "").unwrap().config;
    let authentication = config.cassandra.unwrap().authentication;
    assert_eq!(authentication.username.as_deref(), Some("who"));
    assert_eq!(authentication.password.unwrap().reveal(), "geheim");
    let config = loaded("", &variables, "").unwrap().config;
    assert_eq!(config.admin.listen[0].to_string(), "127.0.0.1:5");
    assert_eq!(config.store.path, Some("/a/store".into()));
    assert_eq!(config.state, Some("/a/state".into()));
    assert_eq!(config.memory.unwrap().bytes(), 1 << 30);
    assert_eq!(config.log_filter(), "aqs_origin=debug");
    assert_eq!(config.log.format, LogFormat::Ecs);
    let known = crate::config::environment::VARIABLES.iter().map(|variable| variable.name);
    assert!(known.eq(variables.iter().map(|(name, _)| *name)));
}

#[test]
fn operators_are_served_at_a_socket_file_wherever_it_is_said() {
    let listens = |file: &str, variables: &[(&str, &str)], flags: &str| {
        let places = loaded(file, variables, flags).unwrap().config.settings().admin_listen;
        places.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let file = "admin: {listen: ['unix:/a/b', '127.0.0.1:1']}";
    assert_eq!(listens(file, &[], ""), ["unix:/a/b", "127.0.0.1:1"]);
    let variables = [("AQS_ADMIN_LISTEN", "unix:/c, 127.0.0.1:2")];
    assert_eq!(listens(file, &variables, ""), ["unix:/c", "127.0.0.1:2"]);
    assert_eq!(listens(file, &variables, "--admin-listen unix:d"), ["unix:d"]);
}

#[test]
fn an_empty_variable_is_absent_and_no_file_is_the_defaults() {
    assert_eq!(
        loaded("", &[("AQS_STORE", ""), ("AQS_LOG", "")], "").unwrap().config,
        Config::default()
    );
    let nothing = load(&crate::cli::ConfigArgs::default(), &|_| None).unwrap();
    assert_eq!((nothing.config, nothing.warnings), (Config::default(), vec![]));
}

#[test]
fn the_file_can_be_named_by_the_environment() {
    let named = |name: &str| (name == "AQS_CONFIG").then(|| "/no/such/file".into());
    let error = load(&crate::cli::ConfigArgs::default(), &named).unwrap_err().to_string();
    assert!(error.starts_with("the configuration /no/such/file can't be read: "), "{error}");
}

#[test]
fn every_setting_reaches_the_house() {
    let config = read(
        "freshness: {data: {fresh: 1s, revalidate: 2s, usable: 3s}, no_data: {fresh: 4s}}\n\
         limits: {head: 5s, request_line: 1KiB, head_bytes: 2KiB, header_lines: 9, body_bytes: 7,\n  \
         requests_per_connection: 8, connections: 10, drain: 11s,\n  \
         drain_delay: 18s, drain_idle: 19s}\n\
         store: {reads: 12, queue: 13, wait: 14s}\nflights: {waiters: 15, within: 16s}\n\
         refreshes: 17\nanswer_within: 250ms\nprotected_countries: [NO]\nadmin: {hosts: [ops]}\n\
         state: /s",
    );
    let config = config.unwrap();
    let settings = config.settings();
    let seconds = |time: std::time::Duration| time.as_secs();
    assert_eq!(seconds(settings.times.data.usable), 3);
    assert_eq!(seconds(settings.times.no_data.fresh), 4);
    assert_eq!(
        settings.times.no_data.usable,
        crate::server::Settings::default().times.no_data.usable
    );
    let limits = settings.limits;
    assert_eq!((seconds(limits.head), limits.request_line, limits.head_bytes), (5, 1024, 2048));
    assert_eq!((limits.header_lines, limits.body_bytes, limits.requests), (9, 7, 8));
    assert_eq!((settings.connections, seconds(settings.drain_within)), (10, 11));
    // Who only waits for connections that nobody uses would not end in time.
    assert_eq!((seconds(settings.drain_delay), limits.drain_idle.as_millis()), (18, 5500));
    assert_eq!(
        (settings.limiter.reads, settings.limiter.queue, seconds(settings.limiter.wait)),
        (12, 13, 14)
    );
    assert_eq!((settings.flights.waiters, seconds(settings.flights.timeout)), (15, 16));
    assert_eq!((settings.refreshes, settings.answer_within.as_millis()), (17, 250));
    assert_eq!(
        (settings.admin_hosts, settings.state),
        (vec!["ops".to_owned()], crate::server::StatePlace::At("/s".into()))
    );
    let protected = config.rules().protected;
    assert!(protected.contains("NO") && !protected.contains("VE"));
}

//! The precedence of sources.

use super::*;
use crate::config::StateDir;
use crate::log::LogFormat;
use aqs_api::lifetimes::Times;

fn port(loaded: &Loaded) -> u16 {
    loaded.config.public_addresses()[0].port()
}

#[test]
fn flags_override_the_environment_which_overrides_the_file() {
    let file = "listen: ['127.0.0.1:1']\nmemory: 16MiB\nlog: {filter: error}\nadmin: {listen: ['[::1]:1']}";
    let environment = [("AQS_LISTEN", "127.0.0.1:2, [::1]:2"), ("AQS_MEMORY", "32MiB")];
    assert_eq!(port(&loaded(file, &[], "").unwrap()), 1);
    let both = loaded(file, &environment, "").unwrap();
    assert_eq!((port(&both), both.config.public_addresses().len()), (2, 2));
    assert_eq!(both.config.memory_bytes(), 32 << 20);
    // Other keys are as in the file.
    assert_eq!(both.config.log_filter(), "error");
    assert_eq!(both.config.admin.listen[0].to_string(), "[::1]:1");
    let flags = "--listen 127.0.0.1:3 --memory 64MiB --admin-listen 127.0.0.1:4";
    let all = loaded(file, &environment, flags).unwrap();
    assert_eq!((port(&all), all.config.public_addresses().len()), (3, 1));
    assert_eq!(all.config.memory_bytes(), 64 << 20);
    assert_eq!(all.config.admin.listen[0].to_string(), "127.0.0.1:4");
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
        ("CASSANDRA_USERNAME", "aqs"),
        ("CASSANDRA_PASSWORD", "geheim"),
    ];
    // Not both at once: there is one store.
    let cassandra: Vec<_> =
        variables.into_iter().filter(|(name, _)| *name != "AQS_STORE").collect();
    let config = loaded("cassandra:\n  port: 1", &cassandra, "").unwrap().config;
    let credentials = config.cassandra.unwrap().credentials.unwrap();
    assert_eq!((credentials.username.as_str(), credentials.password.as_str()), ("aqs", "geheim"));
    let config = loaded("", &variables, "").unwrap().config;
    assert_eq!(config.admin.listen[0].to_string(), "127.0.0.1:5");
    assert_eq!(config.store.path, Some("/a/store".into()));
    assert_eq!(config.state, StateDir::At("/a/state".into()));
    assert_eq!(config.memory_bytes(), 1 << 30);
    assert_eq!(config.log_filter(), "aqs_origin=debug");
    assert_eq!(config.log.format, LogFormat::Ecs);
    let known = crate::config::load::VARIABLES.iter().map(|(name, _)| *name);
    assert!(known.eq(variables.iter().map(|(name, _)| *name)));
}

#[test]
fn an_admin_socket_file_can_be_set_by_every_source() {
    let listens = |file: &str, variables: &[(&str, &str)], flags: &str| {
        let places = loaded(file, variables, flags).unwrap().config.admin.listen;
        places.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let file = "admin: {listen: ['unix:/a/b', '127.0.0.1:1']}";
    assert_eq!(listens(file, &[], ""), ["unix:/a/b", "127.0.0.1:1"]);
    let variables = [("AQS_ADMIN_LISTEN", "unix:/c, 127.0.0.1:2")];
    assert_eq!(listens(file, &variables, ""), ["unix:/c", "127.0.0.1:2"]);
    assert_eq!(listens(file, &variables, "--admin-listen unix:d"), ["unix:d"]);
}

#[test]
fn empty_variables_are_absent_and_no_file_means_defaults() {
    assert_eq!(
        loaded("", &[("AQS_STORE", ""), ("AQS_LOG", "")], "").unwrap().config,
        Config::default()
    );
    let unset = loaded("log:\nstore: {path:}", &[("AQS_LOG", "debug")], "").unwrap().config;
    assert_eq!((unset.log_filter(), &unset.store), ("debug", &Config::default().store));
    let nothing = load(&crate::config::ConfigArgs::default(), &|_| None).unwrap();
    assert_eq!((nothing.config, nothing.warnings), (Config::default(), vec![]));
}

#[test]
fn the_file_can_be_named_by_the_environment() {
    let named = |name: &str| (name == "AQS_CONFIG").then(|| "/no/such/file".into());
    let error = load(&crate::config::ConfigArgs::default(), &named).unwrap_err().to_string();
    assert!(error.starts_with("the configuration /no/such/file can't be read: "), "{error}");
}

#[test]
fn every_key_is_read() {
    let config = read(
        "freshness: {data: {fresh: 1s, revalidate: 2s, usable: 3s}, no_data: {fresh: 4s, revalidate: 5s}}\n\
         limits: {head: 5s, request_line: 1KiB, head_bytes: 2KiB, header_lines: 9, body_bytes: 7,\n  \
         requests_per_connection: 8, connections: 10, drain: 11s,\n  \
         drain_delay: 18s, drain_idle: 19s}\n\
         store: {reads: 12, queue: 13, wait: 14s}\nflights: {waiters: 15, within: 16s}\n\
         refreshes: 17\nanswer_within: 250ms\nprotected_countries: [NO]\nadmin: {hosts: [ops]}\n\
         state: /s",
    );
    let config = config.unwrap();
    let seconds = |time: std::time::Duration| time.as_secs();
    assert_eq!(seconds(config.freshness.data.usable), 3);
    // Other keys of a section keep the defaults of that section.
    let no_data = config.freshness.no_data;
    assert_eq!((seconds(no_data.fresh), no_data.usable), (4, Times::default().no_data.usable));
    let limits = config.limits;
    assert_eq!((seconds(limits.head), limits.request_line, limits.head_bytes), (5, 1024, 2048));
    assert_eq!((limits.header_lines, limits.body_bytes, limits.requests), (9, 7, 8));
    assert_eq!((limits.connections, seconds(limits.drain)), (10, 11));
    assert_eq!((limits.drain_delay.map(seconds), seconds(limits.drain_idle)), (Some(18), 19));
    let store = config.store.limits();
    assert_eq!((store.reads, store.queue, seconds(store.wait)), (12, 13, 14));
    assert_eq!((config.flights.waiters, seconds(config.flights.timeout)), (15, 16));
    assert_eq!((config.refreshes, config.answer_within.as_millis()), (17, 250));
    assert_eq!(config.admin.hosts, ["ops"]);
    assert_eq!(config.state, StateDir::At("/s".into()));
    let protected = config.rules().protected;
    assert!(protected.contains("NO") && !protected.contains("VE"));
}

#[test]
fn short_forms_are_read() {
    let read = |text: &str| from_bytes(Path::new("aqs.yaml"), text.as_bytes()).unwrap();
    for listen in
        ["127.0.0.1:8080", "[127.0.0.1:8080]", "localhost:8080", "':8080'", "8080", "[8080]"]
    {
        let config = read(&format!("listen: {listen}"));
        assert_eq!(config.listen, Some(vec!["127.0.0.1:8080".parse().unwrap()]), "{listen}");
    }
    assert_eq!(read("admin: {listen: 'unix:/run/a'}").admin.listen.len(), 1);
    let store = read("store: my.sqlite").store;
    assert_eq!(
        store,
        crate::config::Store { path: Some("my.sqlite".into()), ..Default::default() }
    );
    assert!(read("memory: 2gb").to_yaml().unwrap().contains("\nmemory: 2GB\n"));
    assert!(read("memory: 1GiB").to_yaml().unwrap().contains("\nmemory: 1GiB\n"));
}

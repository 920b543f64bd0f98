//! The committed pages, and that everything has its words.

use super::*;
use crate::config::{Key, Kind};
use crate::server::HotSetSettings;
use proptest::prelude::*;

#[test]
fn the_committed_pages_are_fresh() {
    for (name, page) in [("REFERENCE.md", docs::page()), ("aqs.yaml", docs::example())] {
        let held = fs::read_to_string(committed(name)).unwrap_or_default();
        let flag = if name == "aqs.yaml" { " --example" } else { "" };
        assert!(held == page, "stale: aqs config-docs{flag} > config/{name}");
    }
}

#[test]
fn the_example_is_the_defaults() {
    assert_eq!(read(&docs::example()).unwrap(), Config::default());
    // Commented keys are keys too.
    let uncommented: String =
        docs::example().lines().map(|line| uncommented(line) + "\n").collect();
    let all = read(&uncommented).unwrap();
    let sections = Config {
        cassandra: Some(crate::config::upstream::Cassandra::default()),
        druid: Some(crate::config::upstream::Druid::default()),
        ..Config::default()
    };
    assert_eq!(all, sections);
    for key in ["    password:", "  config_table:", "memory:", "  path:"] {
        assert!(uncommented.lines().any(|line| line == key), "{key} in {uncommented}");
    }
}

/// A line with a key, without the signs before it; nothing of others.
fn uncommented(line: &str) -> String {
    let line = line.replace('#', "");
    let is_key = |name: &str| name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
    match line.trim_start().split_once(':') {
        Some((name, _)) if is_key(name) => line,
        _ => String::new(),
    }
}

#[test]
fn every_key_has_a_meaning_and_says_what_it_takes() {
    fn look(keys: &[Key]) {
        for key in keys {
            assert!(key.meaning.ends_with('.'), "{key:?}");
            match &key.kind {
                Kind::Section(keys) => look(keys),
                Kind::Value(words) => assert!(!words.is_empty(), "{key:?}"),
            }
        }
    }
    let keys = docs::keys();
    assert!(keys.len() > 15);
    look(&keys);
}

#[test]
fn the_defaults_are_the_houses_own() {
    let settings = crate::server::Settings::default();
    let ours = Config::default().settings();
    let shown = |settings: &crate::server::Settings| {
        let state = crate::server::StatePlace::Nowhere;
        // A server builds nothing ahead unless it is told to.
        let hot_set = HotSetSettings { plans: Vec::new(), ..settings.hot_set.clone() };
        format!("{:?}", crate::server::Settings { state, hot_set, ..settings.clone() })
    };
    assert_eq!(shown(&ours), shown(&settings));
}

#[test]
fn what_is_printed_can_be_read_and_holds_no_secret() {
    let file = "cassandra: {authentication: {username: aqs, password: geheim}}\n\
                druid: {authentication: {password: geheim}}\nlimits: {idle: 90s}";
    let config = loaded(file, &[], "").unwrap().config;
    let printed = serde_saphyr::to_string(&config.effective()).unwrap();
    assert!(!printed.contains("geheim") && !format!("{config:?}").contains("geheim"), "{printed}");
    assert!(printed.contains("***") && printed.contains("username: aqs"), "{printed}");
    let again = read(&printed).unwrap();
    assert_eq!(serde_saphyr::to_string(&again.effective()).unwrap(), printed);
}

/// All that is done with a file before anything starts.
fn follow(bytes: &[u8]) {
    if let Ok(config) = parse(bytes)
        && crate::config::check(&config).is_ok()
    {
        let effective = config.effective();
        assert!(serde_saphyr::to_string(&effective).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        follow(&bytes);
    }

    #[test]
    fn anything_like_a_file_is_read_or_refused(
        lines in prop::collection::vec(
            ("( {0,4}|- |\\? |&a |!!str )", "(limits|head|listen|memory|druid|[a-z]{1,4})", "(: |:|)",
             "(\\*a|&a|[0-9]{1,25}[a-zA-Z]{0,3}|\\[|\\{|\\|\n|'|\"|~|-9ms|\\PC{0,12})"),
            0..8,
        ),
    ) {
        let lines: Vec<_> = lines.iter().map(|(a, b, c, d)| format!("{a}{b}{c}{d}")).collect();
        follow(lines.join("\n").as_bytes());
    }

    #[test]
    fn sizes_and_durations_are_printed_as_they_are_read(bytes in 8u64 << 20..1 << 50, ms in 1u64..31_536_000_000) {
        let size = crate::config::tree::Memory::new(bytes).unwrap();
        prop_assert_eq!(size.to_string().parse(), Ok(size));
        let span = crate::config::Span(std::time::Duration::from_millis(ms));
        prop_assert_eq!(span.to_string().parse(), Ok(span));
    }
}

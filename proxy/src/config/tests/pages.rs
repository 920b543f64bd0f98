//! The committed pages, and what is printed.

use super::*;
use aqs_api::units::{Bytes, Memory, Span};
use proptest::prelude::*;
use serde::de::value::StrDeserializer;

#[test]
fn the_committed_pages_are_up_to_date() {
    for (name, page) in
        [("REFERENCE.md", reference_page::page()), ("aqs.yaml", reference_page::example())]
    {
        if std::env::var_os("AQS_WRITE_PAGES").is_some() {
            fs::write(committed(name), &page).unwrap();
        }
        let committed_page = fs::read_to_string(committed(name)).unwrap_or_default();
        let flag = if name == "aqs.yaml" { " --example" } else { "" };
        assert!(committed_page == page, "stale: aqs config-docs{flag} > config/{name}");
    }
}

#[test]
fn the_example_is_the_defaults() {
    assert_eq!(read(&reference_page::example()).unwrap(), Config::default());
    // Commented keys are keys too.
    let uncommented: String =
        reference_page::example().lines().map(|line| uncommented(line) + "\n").collect();
    let all = read(&uncommented).unwrap();
    let sections = Config {
        cassandra: Some(aqs_origin::store::cassandra::Options::default()),
        druid: Some(crate::config::Druid::default()),
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
fn the_printed_configuration_can_be_read_and_has_no_secret() {
    let file = "cassandra: {authentication: {username: aqs, password: geheim}}\n\
                druid: {authentication: {password: geheim}}\nlimits: {idle: 90s}";
    let config = loaded(file, &[], "").unwrap().config;
    let printed = config.effective().to_yaml().unwrap();
    assert!(!printed.contains("geheim") && !format!("{config:?}").contains("geheim"), "{printed}");
    assert!(printed.contains("***") && printed.contains("username: aqs"), "{printed}");
    for printed in [printed, Config::default().effective().to_yaml().unwrap()] {
        assert_eq!(read(&printed).unwrap().effective().to_yaml().unwrap(), printed);
    }
}

/// Reads a file and prints it, as `check-config` does.
fn follow(bytes: &[u8]) {
    if let Ok(config) = from_bytes(Path::new("f"), bytes) {
        assert!(!config.effective().to_yaml().unwrap().is_empty());
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
        let text = Bytes(bytes).to_string();
        let input = StrDeserializer::<serde::de::value::Error>::new(&text);
        prop_assert_eq!(Memory::deserialize::<u64, _>(input), Ok(bytes));
        let span = std::time::Duration::from_millis(ms);
        prop_assert_eq!(Span::parse(&Span::print(span)), Ok(span));
    }
}

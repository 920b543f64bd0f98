//! Whole ECS lines at a fixed time, and filters.

use super::access::{Line, LogContext};
use super::{AccessMode, Ecs, LogConfig, LogLevel, fields, filter, initializing};
use crate::build_info;
use aqs_origin::store::StoreError;
use aqs_origin::{Clock, Moment, OriginError, TraceParent};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;

#[path = "../../tests/service/support/captured_log.rs"]
mod captured_log;
use captured_log::CapturedLog;

/// 2024-06-20T21:07:55.9Z, the moment of the contract's sample.
const MOMENT: Moment = Moment(1_718_917_675_900);

/// The lines that `write` logs with a filter.
fn lines_at(filter_text: &str, write: impl FnOnce()) -> Vec<String> {
    let captured = CapturedLog::default();
    let ecs = Ecs { service: "geo-analytics".to_owned(), clock: Clock::set(MOMENT) };
    let layer = tracing_subscriber::fmt::layer().event_format(ecs).with_writer(captured.clone());
    let log = tracing_subscriber::registry().with(filter(filter_text).unwrap()).with(layer);
    tracing::subscriber::with_default(log, write);
    captured.text().lines().map(str::to_owned).collect()
}

fn line(write: impl FnOnce()) -> String {
    lines_at("debug", write).join("\n")
}

/// The beginning of a line.
fn head(level: &str, message: &str) -> String {
    format!(
        r#"{{"@timestamp":"2024-06-20T21:07:55Z","message":"{message}","log":{{"level":"{level}"}},"service":{{"name":"geo-analytics"}}"#
    )
}

/// The time, in lines without a duration.
const CREATED: &str = r#","event":{"created":"2024-06-20T21:07:55.900Z"}"#;

fn trace() -> TraceParent {
    TraceParent::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap()
}

fn hit() -> Line<'static> {
    Line {
        method: Some("GET"),
        target: Some("/metrics/unique-devices/en.wikipedia/\"?a\u{7f}"),
        status: 200,
        bytes: Some(1234),
        took: Some(Duration::from_micros(42)),
        cache: "fresh",
        endpoint: Some("unique-devices"),
        coding: Some("gzip"),
        request_id: "abc-1",
        ..Line::default()
    }
}

#[test]
fn a_start_line() {
    let message = format!(
        "initializing service geo-analytics (Rust version {}, Build host {}, Timestamp {})",
        build_info::RUST_VERSION.trim_start_matches("rustc "),
        build_info::BUILD_HOST,
        build_info::BUILD_DATE,
    );
    assert_eq!(
        line(|| initializing("geo-analytics")),
        head("INFO", &message) + r#","aqs":{"target":"aqs_proxy::log"}"# + CREATED + "}"
    );
}

#[test]
fn a_warning_with_fields() {
    let error = io::Error::other("a \"bad\" disk\n");
    assert_eq!(
        line(
            || tracing::warn!(target: "t", path = "/store", rows = 3, ok = false, %error, "odd\u{1b}")
        ),
        head("WARNING", r"odd\u001b")
            + r#","aqs":{"ok":false,"path":"/store","rows":3,"target":"t"},"error":{"message":"a \"bad\" disk\n"}"#
            + CREATED
            + "}"
    );
}

#[test]
fn levels_have_the_names_of_upstream() {
    let lines = lines_at("trace", || {
        tracing::trace!("a");
        tracing::debug!("a");
        tracing::info!("a");
        tracing::warn!("a");
        tracing::error!("a");
        tracing::error!(target: fields::FATAL, "a");
    });
    let levels = ["DEBUG", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL"];
    assert_eq!(lines.len(), levels.len());
    for (line, level) in lines.iter().zip(levels) {
        assert!(line.starts_with(&head(level, "a")), "{line}");
    }
}

#[test]
fn the_access_line_of_a_hit() {
    let log = LogConfig { access: AccessMode::Full, ..LogConfig::default() };
    assert_eq!(
        line(|| log.write(&hit())),
        head("INFO", "answered")
            + concat!(
                r#","aqs":{"cache":"fresh","coding":"gzip","endpoint":"unique-devices","target":"access"}"#,
                r#","event":{"created":"2024-06-20T21:07:55.900Z","duration":42000}"#,
                r#","http":{"request":{"id":"abc-1","method":"GET"},"response":{"bytes":1234,"status_code":200}}"#,
                ",\"url\":{\"original\":\"/metrics/unique-devices/en.wikipedia/\\\"?a\u{7f}\"}}",
            )
    );
}

#[test]
fn the_access_line_of_a_failure_with_its_cause_trace_and_client() {
    let store = StoreError::Unavailable { store: "cassandra", reason: "no host".into() };
    let cause = OriginError::Store(store);
    let expected = cause.to_string();
    assert!(expected.contains("no host"), "{expected}");
    let context = LogContext { leader: Some("first".into()), cause: Some(Arc::new(cause)) };
    let failed = Line {
        status: 503,
        bytes: None,
        cache: "error",
        coding: None,
        trace: Some(trace()),
        context: Some(&context),
        client: "192.0.2.7".parse().ok(),
        ..hit()
    };
    let written = line(|| LogConfig::default().write(&failed));
    let error = serde_json::to_string(&expected).unwrap();
    assert_eq!(
        written,
        head("ERROR", "failed")
            + r#","aqs":{"cache":"error","cut":true,"endpoint":"unique-devices","leader":"first","parent_span":"b7ad6b7169203331","target":"access"}"#
            + r#","client":{"address":"192.0.2.7"}"#
            + &format!(r#","error":{{"message":{error}}}"#)
            + r#","event":{"created":"2024-06-20T21:07:55.900Z","duration":42000}"#
            + r#","http":{"request":{"id":"abc-1","method":"GET"},"response":{"status_code":503}}"#
            + r#","trace":{"id":"0af7651916cd43dd8448eb211c80319c"}"#
            + ",\"url\":{\"original\":\"/metrics/unique-devices/en.wikipedia/\\\"?a\u{7f}\"}}"
    );
}

#[test]
fn a_rejected_head_has_a_line_without_a_target() {
    let refused = Line { status: 431, bytes: Some(9), cache: "generated", ..Line::default() };
    let refused = Line { request_id: "abc-1", ..refused };
    assert_eq!(
        line(|| LogConfig::default().write(&refused)),
        head("INFO", "refused")
            + r#","aqs":{"cache":"generated","target":"access"}"#
            + CREATED
            + r#","http":{"request":{"id":"abc-1"},"response":{"bytes":9,"status_code":431}}}"#
    );
}

#[test]
fn failed_and_slow_requests_are_always_logged() {
    let (fast, slow) = (Duration::from_millis(999), Duration::from_secs(1));
    let log = |access| LogConfig { access, sample: 10, ..LogConfig::default() };
    for (status, took, wanted) in [
        (200, fast, false),
        (404, fast, false),
        (431, fast, false),
        (505, fast, false),
        (500, fast, true),
        (503, fast, true),
        (200, slow, true),
    ] {
        assert_eq!(log(AccessMode::Off).wants(status, took), wanted, "{status} {took:?}");
        assert!(log(AccessMode::Full).wants(status, took));
    }
    assert!(log(AccessMode::Off).wants_refused(503) && !log(AccessMode::Off).wants_refused(414));
    assert!(log(AccessMode::Full).wants_refused(414));
    let sampled = (0..10_000).filter(|_| log(AccessMode::Sampled).wants(200, fast)).count();
    // A thousand on average. The bounds are ten standard deviations away.
    assert!((700..1300).contains(&sampled), "{sampled}");
}

#[test]
fn access_lines_pass_at_any_level_unless_they_are_named() {
    let log = LogConfig { access: AccessMode::Full, ..LogConfig::default() };
    let write = || {
        log.write(&hit());
        tracing::info!("other");
    };
    assert_eq!(lines_at("info", write).len(), 2);
    assert_eq!(lines_at("warn", write).len(), 1);
    assert_eq!(lines_at("error", write).len(), 1);
    assert_eq!(lines_at("info,access=off", write).len(), 1);
    assert!(filter("a=b=c").unwrap_err().to_string().starts_with("`a=b=c` is no filter: "));
}

#[test]
fn admin_requests_are_logged_at_any_level() {
    let write = || {
        tracing::info!(target: fields::ADMIN, "done");
        tracing::info!("other");
    };
    for (text, count) in [("info", 2), ("warn", 1), ("error", 1), ("off", 1), ("info,admin=off", 1)]
    {
        assert_eq!(lines_at(text, write).len(), count, "{text}");
    }
}

#[test]
fn a_long_target_is_cut_between_characters() {
    let long = format!("/{}", "ü".repeat(1000));
    let whole = Line { target: Some(&long), ..hit() };
    let written: serde_json::Value =
        serde_json::from_str(&line(|| LogConfig::default().write(&whole))).unwrap();
    assert_eq!(written["url"]["original"], format!("/{}", "ü".repeat(511)));
}

#[test]
fn the_level_fatal_passes_only_the_last_line() {
    let write = || {
        tracing::error!("no answer");
        tracing::error!(target: fields::FATAL, "the end");
    };
    let at = |level: LogLevel| lines_at(level.filter(), write).len();
    assert_eq!((at(LogLevel::Error), at(LogLevel::Fatal)), (2, 1));
}

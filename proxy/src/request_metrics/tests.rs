use super::*;
use prometheus::{Encoder, Registry, TextEncoder};

#[test]
fn a_count_is_exposed_under_four_names() {
    let catalogue = Catalogue::standard().unwrap();
    let metrics = RequestMetrics::new(&catalogue).unwrap();
    let registry = Registry::new();
    registry.register(Box::new(metrics.clone())).unwrap();
    let ms = Duration::from_millis;
    let devices = catalogue.endpoints().next().map(|(id, _)| id);
    metrics.count(devices, Method::Get, 200, CacheResult::Fresh, Duration::from_micros(20));
    metrics.count(devices, Method::Get, 200, CacheResult::Fresh, ms(1));
    metrics.count(devices, Method::Head, 200, CacheResult::Fresh, ms(3));
    metrics.count(None, Method::Get, 200, CacheResult::Generated, ms(2000));
    metrics.count(None, Method::Other, 405, CacheResult::Generated, ms(1));
    metrics.count(None, Method::Get, 418, CacheResult::Generated, Duration::MAX);
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let endpoint =
        "endpoint=\"/unique-devices/{project}/{access-site}/{granularity}/{start}/{end}\"";
    let fresh = format!("cache=\"fresh\",{endpoint}");
    for line in [
        format!("aqs_requests_total{{{fresh},status=\"200\"}} 3"),
        "aqs_requests_total{cache=\"generated\",endpoint=\"none\",status=\"200\"} 1".into(),
        "aqs_requests_total{cache=\"generated\",endpoint=\"none\",status=\"other\"} 1".into(),
        format!("aqs_request_seconds_bucket{{{fresh},le=\"0.00001\"}} 0"),
        format!("aqs_request_seconds_bucket{{{fresh},le=\"0.00003\"}} 1"),
        format!("aqs_request_seconds_bucket{{{fresh},le=\"0.001\"}} 2"),
        format!("aqs_request_seconds_bucket{{{fresh},le=\"+Inf\"}} 3"),
        format!("aqs_request_seconds_count{{{fresh}}} 3"),
        format!("aqs_request_seconds_sum{{{fresh}}} 0.00402"),
        "http_requests_total{code=\"200\",method=\"get\"} 3".into(),
        "http_requests_total{code=\"200\",method=\"head\"} 1".into(),
        "http_requests_total{code=\"405\",method=\"unknown\"} 1".into(),
        "http_request_duration_seconds_count{code=\"200\",method=\"get\"} 3".into(),
        "http_request_duration_seconds_sum{code=\"200\",method=\"get\"} 2.00102".into(),
    ] {
        assert!(text.lines().any(|held| held == line), "{line} is not in\n{text}");
    }
    // Upstream's buckets, and no others.
    let buckets: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            let labels = "http_request_duration_seconds_bucket{code=\"200\",method=\"get\",le=";
            line.strip_prefix(labels)
        })
        .collect();
    let expected = [
        ("0.001", 2),
        ("0.0025", 2),
        ("0.005", 2),
        ("0.01", 2),
        ("0.025", 2),
        ("0.05", 2),
        ("0.1", 2),
        ("0.25", 2),
        ("0.5", 2),
        ("1", 2),
        ("+Inf", 3),
    ];
    assert_eq!(buckets, expected.map(|(bound, count)| format!("\"{bound}\"}} {count}")));
}

//! What is shown before anything happened, and of what is loaded.

use super::*;
use aqs_api::calendar::Digits;
use aqs_api::{Catalogue, Extent};
use prometheus::{Registry, TextEncoder};

const THROUGH: &str = "aqs_data_through_timestamp_seconds";

/// The lines of a metric.
fn shown(registry: &Registry, name: &str) -> String {
    let mut text = String::new();
    TextEncoder::new().encode_utf8(&registry.gather(), &mut text).unwrap();
    text.lines().filter(|line| line.starts_with(name)).map(|line| format!("{line}\n")).collect()
}

fn through(last: &str) -> Extent {
    let last = Digits::from_text(last).unwrap();
    Extent { first: last, last, series: None, exact: true }
}

#[test]
fn every_read_has_its_series_before_the_first_is_made() {
    let registry = Registry::new();
    let metrics = Metrics::declare(&mut Declarations::of(&registry)).unwrap();
    let catalogue = Catalogue::standard().unwrap();
    for dataset in catalogue.datasets() {
        metrics.reads("embedded", dataset);
        for outcome in ["empty", "error", "rows"] {
            let name = dataset.name;
            let labels = format!("dataset=\"{name}\",outcome=\"{outcome}\",store=\"embedded\"");
            let line = format!("aqs_store_reads_total{{{labels}}} 0\n");
            assert!(shown(&registry, "aqs_store_reads_total").contains(&line), "{line}");
        }
        let name = dataset.name;
        let line =
            format!("aqs_store_read_seconds_count{{dataset=\"{name}\",store=\"embedded\"}} 0\n");
        assert!(shown(&registry, "aqs_store_read_seconds_count").contains(&line), "{line}");
    }
}

#[test]
fn the_end_of_the_newest_period_is_shown_while_it_is_known() {
    let registry = Registry::new();
    let metrics = Metrics::declare(&mut Declarations::of(&registry)).unwrap();
    let catalogue = Catalogue::standard().unwrap();
    let dataset = |name| *catalogue.datasets().iter().find(|dataset| dataset.name == name).unwrap();
    let line = |name, end: u64| format!("{THROUGH}{{dataset=\"{name}\"}} {end}\n");
    assert_eq!(shown(&registry, THROUGH), "");

    let mut coverage = Coverage::default();
    coverage.insert(dataset("unique-devices-daily"), through("20261031"));
    coverage.insert(dataset("unique-devices-monthly"), through("20260901"));
    metrics.covered(&coverage, catalogue.datasets());
    // 2026-11-01 and 2026-10-01.
    let (daily, monthly) = (1_793_491_200, 1_790_812_800);
    let expected = line("unique-devices-daily", daily) + &line("unique-devices-monthly", monthly);
    assert_eq!(shown(&registry, THROUGH), expected);

    let mut coverage = Coverage::default();
    coverage.insert(dataset("unique-devices-monthly"), through("20261001"));
    metrics.covered(&coverage, catalogue.datasets());
    assert_eq!(shown(&registry, THROUGH), line("unique-devices-monthly", daily));
}

/// The figures are `date -u -d ... +%s`.
#[test]
fn a_period_ends_where_the_next_one_begins() {
    for (period, granularity, end) in [
        ("2026103122", Granularity::Hourly, 1_793_487_600),
        ("2026103123", Granularity::Hourly, 1_793_491_200),
        ("20261031", Granularity::Daily, 1_793_491_200),
        ("2026103100", Granularity::Daily, 1_793_491_200),
        ("20261001", Granularity::Monthly, 1_793_491_200),
        ("2026100100", Granularity::Monthly, 1_793_491_200),
        ("20241231", Granularity::Daily, 1_735_689_600),
        ("20240201", Granularity::Monthly, 1_709_251_200),
    ] {
        let digits = Digits::from_text(period).unwrap();
        assert_eq!(end_of(&digits, granularity), Some(end), "{period} {granularity:?}");
    }
}

#[test]
fn invalid_dates_have_no_end() {
    for period in ["20260230", "2026010124", "99991231"] {
        let digits = Digits::from_text(period).unwrap();
        assert_eq!(end_of(&digits, Granularity::Daily), None, "{period}");
    }
}

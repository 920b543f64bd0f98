//! The collector that sums the cells up into families of metrics.

use super::cell::{BOUNDS, Sum, UPSTREAM_BOUNDS};
use super::{OTHER, RequestMetrics, STATUSES};
use crate::http::{CacheResult, Method};
use prometheus::core::{Collector, Desc};
use prometheus::{Error, proto};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// The label values and sums of a family.
type Sums<'a> = BTreeMap<Vec<&'a str>, Sum>;

impl RequestMetrics {
    /// The sums of all four families. Each cell is read once, so that they agree.
    fn sums(&self) -> [Sums<'_>; 4] {
        let inner = &self.0;
        let mut sums = [const { Sums::new() }; 4];
        let statuses: Vec<&str> = status_labels().iter().map(String::as_str).collect();
        let mut cells = inner.cells.iter();
        for template in &inner.templates {
            for status in &statuses {
                for result in CacheResult::ALL {
                    for (method, cell) in Method::ALL.iter().zip(cells.by_ref()) {
                        let Some(cell) = cell.get() else { continue };
                        let sum = cell.read();
                        let (cache, method) = (result.label(), method.label());
                        let labels = [
                            vec![cache, template, status],
                            vec![cache, template],
                            vec![status, method],
                            vec![status, method],
                        ];
                        for (sums, labels) in sums.iter_mut().zip(labels) {
                            sums.entry(labels).or_default().add(&sum);
                        }
                    }
                }
            }
        }
        sums
    }
}

impl Collector for RequestMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.0.descs.iter().collect()
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let [requests, seconds, upstream_requests, upstream_seconds] = self.sums();
        let all = 0..BOUNDS.len();
        let families = [
            (requests, None),
            (seconds, Some(all)),
            (upstream_requests, None),
            (upstream_seconds, Some(UPSTREAM_BOUNDS)),
        ];
        let family = |desc: &Desc, sums: Sums<'_>, bounds: Option<Range<usize>>| {
            let mut names: Vec<&String> = desc.variable_labels.iter().collect();
            names.sort();
            let mut family = proto::MetricFamily::default();
            family.set_name(desc.fq_name.clone());
            family.set_help(desc.help.clone());
            family.set_field_type(match bounds {
                None => proto::MetricType::COUNTER,
                Some(_) => proto::MetricType::HISTOGRAM,
            });
            let metric = |(values, sum): (Vec<&str>, Sum)| {
                let pair = |(name, value): (&&String, &str)| {
                    let mut pair = proto::LabelPair::default();
                    pair.set_name((*name).clone());
                    pair.set_value(value.to_owned());
                    pair
                };
                let labels = names.iter().zip(values).map(pair).collect();
                let mut metric = proto::Metric::from_label(labels);
                match &bounds {
                    None => metric.set_counter(sum.counter()),
                    Some(bounds) => metric.set_histogram(sum.histogram(bounds)),
                }
                metric
            };
            family.set_metric(sums.into_iter().map(metric).collect());
            family
        };
        let families = self.0.descs.iter().zip(families);
        families.map(|(desc, (sums, bounds))| family(desc, sums, bounds)).collect()
    }
}

fn status_labels() -> &'static [String] {
    static LABELS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
        STATUSES.iter().map(u16::to_string).chain([OTHER.to_owned()]).collect()
    });
    &LABELS
}

/// Describes the families: our requests and their duration, then upstream's.
pub(super) fn descs() -> Result<[Desc; 4], Error> {
    let desc = |name: &str, help: &str, labels: &[&str]| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())
    };
    Ok([
        desc(
            "aqs_requests_total",
            "Responses to clients, by endpoint template, status and cache result; rejected bodies \
             and, with 503, rejected connections included",
            &["endpoint", "status", "cache"],
        )?,
        desc(
            "aqs_request_seconds",
            "Duration from the complete head to the response being written to the socket",
            &["endpoint", "cache"],
        )?,
        desc(
            "http_requests_total",
            "Upstream's name for aqs_requests_total, by status and method; unknown for a method \
             that HTTP does not define or that was not read",
            &["code", "method"],
        )?,
        desc(
            "http_request_duration_seconds",
            "Upstream's name for aqs_request_seconds, by status and method",
            &["code", "method"],
        )?,
    ])
}

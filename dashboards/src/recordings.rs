//! The series that are made of others. By job and instance, over five minutes.

use crate::rule::Recording;

/// All of them.
pub const RECORDINGS: &[Recording] = &[
    Recording {
        record: "instance:aqs_requests:rate5m",
        expr: "sum by (job, instance) (rate(aqs_requests_total[5m]))",
    },
    Recording {
        record: "instance:aqs_data_requests:rate5m",
        expr: r#"sum by (job, instance) (rate(aqs_requests_total{cache!="generated"}[5m]))"#,
    },
    // Where there was never a hit or an error there is no series of them, and that is zero.
    Recording {
        record: "instance:aqs_hit_ratio:rate5m",
        expr: r#"(sum by (job, instance) (rate(aqs_requests_total{cache=~"hotset|hotset-stale|fresh|stale|stale-if-error"}[5m])) or 0 * sum by (job, instance) (rate(aqs_requests_total{cache!="generated"}[5m]))) / sum by (job, instance) (rate(aqs_requests_total{cache!="generated"}[5m]))"#,
    },
    Recording {
        record: "instance:aqs_error_ratio:rate5m",
        expr: r#"(sum by (job, instance) (rate(aqs_requests_total{status=~"5.."}[5m])) or 0 * sum by (job, instance) (rate(aqs_requests_total[5m]))) / sum by (job, instance) (rate(aqs_requests_total[5m]))"#,
    },
    Recording {
        record: "instance:aqs_store_reads:rate5m",
        expr: "sum by (job, instance) (rate(aqs_store_reads_total[5m]))",
    },
    Recording {
        record: "instance:aqs_request_seconds:p99_5m",
        expr: r#"histogram_quantile(0.99, sum by (job, instance, le) (rate(aqs_request_seconds_bucket{cache!="generated"}[5m])))"#,
    },
];

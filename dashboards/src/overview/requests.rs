//! What becomes of requests, and how long it takes.

use crate::panel::{Kind, Panel, Row, Target, Unit};

pub(super) const ROW: Row = Row {
    title: "Requests",
    panels: &[
        Panel {
            title: "Requests by status",
            help: "404 is also what an answer without data has.",
            kind: Kind::Areas,
            unit: Unit::Requests,
            targets: &[Target::always(
                "sum by (status) (rate(aqs_requests_total{$here}[$__rate_interval]))",
                "{{status}}",
            )],
        },
        Panel {
            title: "Errors by instance",
            help: "Which part of an instance's requests was answered with a status from 500 on.",
            kind: Kind::Lines,
            unit: Unit::Ratio,
            targets: &[Target::always(
                r#"(sum by (job, instance) (rate(aqs_requests_total{$here,status=~"5.."}[$__rate_interval])) or 0 * sum by (job, instance) (rate(aqs_requests_total{$here}[$__rate_interval]))) / sum by (job, instance) (rate(aqs_requests_total{$here}[$__rate_interval]))"#,
                "{{instance}}",
            )],
        },
        Panel {
            title: "Hit rate by instance",
            help: "Which part of the requests for data the hot set or the cache answered.",
            kind: Kind::Lines,
            unit: Unit::Ratio,
            targets: &[Target::always(
                r#"(sum by (job, instance) (rate(aqs_requests_total{$here,cache=~"hotset|hotset-stale|fresh|stale|stale-if-error"}[$__rate_interval])) or 0 * sum by (job, instance) (rate(aqs_requests_total{$here,cache!="generated"}[$__rate_interval]))) / sum by (job, instance) (rate(aqs_requests_total{$here,cache!="generated"}[$__rate_interval]))"#,
                "{{instance}}",
            )],
        },
        Panel {
            title: "How long requests take",
            help: "From the complete head to the answer handed to the socket: half of the \
                   requests for data took no longer than p50, 99 of 100 no longer than p99.",
            kind: Kind::Lines,
            unit: Unit::Seconds,
            targets: &[
                Target::always(
                    r#"histogram_quantile(0.5, sum by (le) (rate(aqs_request_seconds_bucket{$here,cache!="generated"}[$__rate_interval])))"#,
                    "p50",
                ),
                Target::always(
                    r#"histogram_quantile(0.99, sum by (le) (rate(aqs_request_seconds_bucket{$here,cache!="generated"}[$__rate_interval])))"#,
                    "p99",
                ),
            ],
        },
        Panel {
            title: "p50 by tier",
            help: "Half of the requests that were answered so took no longer.",
            kind: Kind::Lines,
            unit: Unit::Seconds,
            targets: &[Target::always(
                r#"histogram_quantile(0.5, sum by (cache, le) (rate(aqs_request_seconds_bucket{$here,cache!="generated"}[$__rate_interval])))"#,
                "{{cache}}",
            )],
        },
        Panel {
            title: "p99 by tier",
            help: "99 of 100 requests that were answered so took no longer.",
            kind: Kind::Lines,
            unit: Unit::Seconds,
            targets: &[Target::always(
                r#"histogram_quantile(0.99, sum by (cache, le) (rate(aqs_request_seconds_bucket{$here,cache!="generated"}[$__rate_interval])))"#,
                "{{cache}}",
            )],
        },
    ],
};

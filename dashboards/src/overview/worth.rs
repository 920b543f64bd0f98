//! What the house is worth: how much it answers, and how little of it costs the store a read.

use crate::panel::{Kind, Panel, Row, Target, Unit};

pub(super) const ROW: Row = Row {
    title: "What it is worth",
    panels: &[
        Panel {
            title: "Hit rate",
            help: "Which part of the requests for data the hot set or the cache answered, also \
                   with something stale. Waiting for another's answer is no hit.",
            kind: Kind::Figure,
            unit: Unit::Ratio,
            targets: &[Target::always(
                r#"(sum(rate(aqs_requests_total{$here,cache=~"hotset|hotset-stale|fresh|stale|stale-if-error"}[$__rate_interval])) or vector(0)) / sum(rate(aqs_requests_total{$here,cache!="generated"}[$__rate_interval]))"#,
                "hits",
            )],
        },
        Panel {
            title: "Hot set's part",
            help: "Which part of the requests for data was answered before anybody asked.",
            kind: Kind::Figure,
            unit: Unit::Ratio,
            targets: &[Target::always(
                r#"(sum(rate(aqs_requests_total{$here,cache=~"hotset|hotset-stale"}[$__rate_interval])) or vector(0)) / sum(rate(aqs_requests_total{$here,cache!="generated"}[$__rate_interval]))"#,
                "hot set",
            )],
        },
        Panel {
            title: "Store reads per request",
            help: "What a request for data costs the store, with all that is read ahead, for \
                   refreshes and for checks. Over 100 % a plan costs more than it saves.",
            kind: Kind::Figure,
            unit: Unit::Ratio,
            targets: &[Target::always(
                r#"sum(rate(aqs_store_reads_total{$here}[$__rate_interval])) / sum(rate(aqs_requests_total{$here,cache!="generated"}[$__rate_interval]))"#,
                "reads",
            )],
        },
        Panel {
            title: "Requests",
            help: "Requests of clients, refusals and pages too.",
            kind: Kind::Figure,
            unit: Unit::Requests,
            targets: &[Target::always(
                "sum(rate(aqs_requests_total{$here}[$__rate_interval]))",
                "requests",
            )],
        },
        Panel {
            title: "Errors",
            help: "Which part of the requests was answered with a status from 500 on.",
            kind: Kind::Figure,
            unit: Unit::Ratio,
            targets: &[Target::always(
                r#"(sum(rate(aqs_requests_total{$here,status=~"5.."}[$__rate_interval])) or vector(0)) / sum(rate(aqs_requests_total{$here}[$__rate_interval]))"#,
                "errors",
            )],
        },
        Panel {
            title: "Instances",
            help: "Instances that Prometheus reached.",
            kind: Kind::Figure,
            unit: Unit::Count,
            targets: &[Target::always("sum(up{$here})", "up")],
        },
        Panel {
            title: "Answers by tier",
            help: "How the requests for data were answered: from the hot set (hotset, \
                   hotset-stale), from the cache (fresh, stale, stale-if-error), by waiting for \
                   another's answer (collapsed), from the store (miss-cold: never asked, \
                   miss-expired: too old, miss-purged, miss-not-kept: too heavy or purged \
                   meanwhile), or not (error). The ratio of each.",
            kind: Kind::Areas,
            unit: Unit::Ratio,
            targets: &[Target::always(
                r#"sum by (cache) (rate(aqs_requests_total{$here,cache!="generated"}[$__rate_interval])) / ignoring (cache) group_left () sum(rate(aqs_requests_total{$here,cache!="generated"}[$__rate_interval]))"#,
                "{{cache}}",
            )],
        },
        Panel {
            title: "Reads saved",
            help: "Reads that the store was not asked for, by what saved them: the hot set, the \
                   cache, waiting for another's answer, and sharing the rows that another answer \
                   is made of.",
            kind: Kind::Areas,
            unit: Unit::Reads,
            targets: &[
                Target::always(
                    r#"sum(rate(aqs_requests_total{$here,cache=~"hotset|hotset-stale"}[$__rate_interval])) or vector(0)"#,
                    "hot set",
                ),
                Target::always(
                    r#"sum(rate(aqs_requests_total{$here,cache=~"fresh|stale"}[$__rate_interval])) or vector(0)"#,
                    "cache",
                ),
                Target::always(
                    r#"sum(rate(aqs_requests_total{$here,cache="collapsed"}[$__rate_interval])) or vector(0)"#,
                    "same answer awaited",
                ),
                Target::always(
                    r#"sum(rate(aqs_flights_total{$here,kind="lookup",event="joined"}[$__rate_interval]))"#,
                    "same rows awaited",
                ),
            ],
        },
        Panel {
            title: "Reads beside requests",
            help: "Requests for data, and what the store was asked for them, for refreshes and \
                   for the hot set.",
            kind: Kind::Lines,
            unit: Unit::Events,
            targets: &[
                Target::always(
                    r#"sum(rate(aqs_requests_total{$here,cache!="generated"}[$__rate_interval]))"#,
                    "requests for data",
                ),
                Target::always(
                    "sum(rate(aqs_store_reads_total{$here}[$__rate_interval]))",
                    "store reads",
                ),
            ],
        },
    ],
};

//! What the store is asked, and how new its data are.

use crate::panel::{Kind, Panel, Row, Target, Unit};

pub(super) const ROW: Row = Row {
    title: "The store",
    panels: &[
        Panel {
            title: "Store reads by dataset",
            help: "For misses, refreshes and the hot set.",
            kind: Kind::Areas,
            unit: Unit::Reads,
            targets: &[Target::always(
                "sum by (dataset) (rate(aqs_store_reads_total{$here}[$__rate_interval]))",
                "{{dataset}}",
            )],
        },
        Panel {
            title: "Store reads by outcome",
            help: "Reads that brought rows, found none, or failed.",
            kind: Kind::Areas,
            unit: Unit::Reads,
            targets: &[Target::always(
                "sum by (outcome) (rate(aqs_store_reads_total{$here}[$__rate_interval]))",
                "{{outcome}}",
            )],
        },
        Panel {
            title: "p99 of store reads",
            help: "99 of 100 reads of a dataset took no longer.",
            kind: Kind::Lines,
            unit: Unit::Seconds,
            targets: &[Target::always(
                "histogram_quantile(0.99, sum by (dataset, le) (rate(aqs_store_read_seconds_bucket{$here}[$__rate_interval])))",
                "{{dataset}}",
            )],
        },
        Panel {
            title: "Age of the newest data",
            help: "How long ago the newest loaded period of each dataset ended. Saws of a day or a \
                   month are as they should be; a line that only rises is a load that failed.",
            kind: Kind::Lines,
            unit: Unit::Seconds,
            targets: &[Target::always(
                "time() - max by (dataset) (aqs_data_through_timestamp_seconds{$here})",
                "{{dataset}}",
            )],
        },
        Panel {
            title: "Waiting for the store",
            help: "Reads that wait for their turn, and requests that wait for rows or for \
                   another's answer.",
            kind: Kind::Lines,
            unit: Unit::Count,
            targets: &[
                Target::always("sum(aqs_store_queue{$here})", "reads in the queue"),
                Target::always(
                    "sum by (kind) (aqs_flight_waiters{$here})",
                    "waiting for a {{kind}}",
                ),
            ],
        },
        Panel {
            title: "Reads shed",
            help: "Reads that the store was not asked for, since too many waited or a turn did not \
                   come in time. Their clients got something old or 503.",
            kind: Kind::Lines,
            unit: Unit::Reads,
            targets: &[Target::always(
                "sum by (reason) (rate(aqs_store_reads_shed_total{$here}[$__rate_interval]))",
                "{{reason}}",
            )],
        },
        Panel {
            title: "Cassandra",
            help: "Whether there is a session, and how many nodes are connected. Empty without \
                   Cassandra.",
            kind: Kind::Lines,
            unit: Unit::Count,
            targets: &[
                Target::maybe("aqs_cassandra_session{$here}", "session of {{instance}}"),
                Target::maybe("aqs_cassandra_nodes{$here}", "nodes of {{instance}}"),
                Target::maybe(
                    "aqs_cassandra_tables_missing{$here}",
                    "tables missing to {{instance}}",
                ),
            ],
        },
        Panel {
            title: "Reads of Cassandra",
            help: "By outcome, and how many were made again or took longer than a node may. Empty \
                   without Cassandra.",
            kind: Kind::Lines,
            unit: Unit::Reads,
            targets: &[
                Target::maybe(
                    "sum by (outcome) (rate(aqs_cassandra_reads_total{$here}[$__rate_interval]))",
                    "{{outcome}}",
                ),
                Target::maybe(
                    "sum(rate(aqs_cassandra_retries_total{$here}[$__rate_interval]))",
                    "made again",
                ),
                Target::maybe(
                    "sum(rate(aqs_cassandra_slow_reads_total{$here}[$__rate_interval]))",
                    "slow",
                ),
            ],
        },
        Panel {
            title: "Answers without data",
            help: "Why there was nothing: no rows, a period that is not loaded, or one before all \
                   that is.",
            kind: Kind::Lines,
            unit: Unit::Requests,
            targets: &[Target::always(
                "sum by (reason) (rate(aqs_no_data_total{$here}[$__rate_interval]))",
                "{{reason}}",
            )],
        },
    ],
};

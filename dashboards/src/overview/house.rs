//! The process: memory, connections, log.

use crate::panel::{Kind, Panel, Row, Target, Unit};

pub(super) const ROW: Row = Row {
    title: "The house",
    panels: &[
        Panel {
            title: "Memory by part",
            help: "What answers take of memory, by who has it, and the bound of all.",
            kind: Kind::Lines,
            unit: Unit::Bytes,
            targets: &[
                Target::always(
                    r#"sum by (part) (aqs_memory_bytes{$here,part!="total"})"#,
                    "{{part}}",
                ),
                Target::always(r#"sum(aqs_memory_bytes{$here,part="total"})"#, "bound"),
            ],
        },
        Panel {
            title: "Memory of the process",
            help: "All that the process has, the program itself too.",
            kind: Kind::Lines,
            unit: Unit::Bytes,
            targets: &[Target::always("process_resident_memory_bytes{$here}", "{{instance}}")],
        },
        Panel {
            title: "Processor time",
            help: "Seconds of processors' time in a second: 1 is one core.",
            kind: Kind::Lines,
            unit: Unit::Count,
            targets: &[Target::always(
                "rate(process_cpu_seconds_total{$here}[$__rate_interval])",
                "{{instance}}",
            )],
        },
        Panel {
            title: "Connections",
            help: "Those that are open now, by listener.",
            kind: Kind::Lines,
            unit: Unit::Count,
            targets: &[Target::always(
                "sum by (listener) (aqs_connections{$here})",
                "{{listener}}",
            )],
        },
        Panel {
            title: "Connections turned away",
            help: "Since too many were open, by listener.",
            kind: Kind::Lines,
            unit: Unit::Events,
            targets: &[Target::always(
                "sum by (listener) (rate(aqs_connections_refused_total{$here}[$__rate_interval]))",
                "{{listener}}",
            )],
        },
        Panel {
            title: "The cache's losses",
            help: "Entries that gave way to others, and answers too heavy to be kept.",
            kind: Kind::Lines,
            unit: Unit::Events,
            targets: &[
                Target::always(
                    "sum(rate(aqs_cache_evictions_total{$here}[$__rate_interval]))",
                    "evicted",
                ),
                Target::always(
                    "sum(rate(aqs_cache_refused_total{$here}[$__rate_interval]))",
                    "too heavy",
                ),
            ],
        },
        Panel {
            title: "Refreshes",
            help: "Reads behind stale answers: begun, in vain, and put off since too many ran.",
            kind: Kind::Lines,
            unit: Unit::Events,
            targets: &[
                Target::always("sum(rate(aqs_refreshes_total{$here}[$__rate_interval]))", "begun"),
                Target::always(
                    "sum(rate(aqs_refreshes_failed_total{$here}[$__rate_interval]))",
                    "in vain",
                ),
                Target::always(
                    "sum(rate(aqs_refreshes_deferred_total{$here}[$__rate_interval]))",
                    "put off",
                ),
            ],
        },
        Panel {
            title: "Log lines lost",
            help: "Nobody took them in time, or they could not be written.",
            kind: Kind::Lines,
            unit: Unit::Events,
            targets: &[Target::always(
                "sum by (instance) (rate(aqs_log_lines_lost_total{$here}[$__rate_interval]))",
                "{{instance}}",
            )],
        },
        Panel {
            title: "Versions",
            help: "What runs where.",
            kind: Kind::Lines,
            unit: Unit::Count,
            targets: &[Target::always("aqs_build_info{$here}", "{{version}} on {{instance}}")],
        },
    ],
};

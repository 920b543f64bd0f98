//! The hot set: what is served of it, and what becomes of its jobs.

use crate::panel::{Kind, Panel, Row, Target, Unit};

pub(super) const ROW: Row = Row {
    title: "The hot set",
    panels: &[
        Panel {
            title: "Generation",
            help: "The number of the generation that is served; 0 if there is none.",
            kind: Kind::Lines,
            unit: Unit::Count,
            targets: &[Target::always("aqs_hot_set_generation{$here}", "{{instance}}")],
        },
        Panel {
            title: "Age of the hot set",
            help: "How long ago each plan was built, and the generation published. Beyond \
                   hot_set.max_age (26 h unless set otherwise) its answers are stale.",
            kind: Kind::Lines,
            unit: Unit::Seconds,
            targets: &[
                Target::always(
                    "(time() - aqs_hot_set_built_timestamp_seconds{$here}) and (aqs_hot_set_generation{$here} > 0)",
                    "{{instance}}",
                ),
                Target::always(
                    "time() - aqs_hot_set_plan_built_timestamp_seconds{$here}",
                    "{{plan}} on {{instance}}",
                ),
            ],
        },
        Panel {
            title: "Completeness",
            help: "Which part of the answers that a plan wants is held.",
            kind: Kind::Lines,
            unit: Unit::Ratio,
            targets: &[Target::always(
                "aqs_hot_set_plan_completeness_ratio{$here}",
                "{{plan}} on {{instance}}",
            )],
        },
        Panel {
            title: "Answers in the hot set",
            help: "In all, and of each plan; plans may share answers.",
            kind: Kind::Lines,
            unit: Unit::Count,
            targets: &[
                Target::always("aqs_hot_set_keys{$here}", "{{instance}}"),
                Target::always("aqs_hot_set_plan_keys{$here}", "{{plan}} on {{instance}}"),
            ],
        },
        Panel {
            title: "Bytes of the hot set",
            help: "What the generation that is served takes in memory; the one before stays for a \
                   way back, and shares what did not change.",
            kind: Kind::Lines,
            unit: Unit::Bytes,
            targets: &[Target::always("aqs_hot_set_bytes{$here}", "{{instance}}")],
        },
        Panel {
            title: "Jobs under way",
            help: "Builds, also those that only estimate.",
            kind: Kind::Lines,
            unit: Unit::Count,
            targets: &[Target::always(
                "sum by (plan) (aqs_hot_set_jobs_running{$here})",
                "{{plan}}",
            )],
        },
        Panel {
            title: "Jobs that ended",
            help: "By outcome: done, refused by a check, failed, cancelled.",
            kind: Kind::Lines,
            unit: Unit::Count,
            targets: &[Target::always(
                "sum by (plan, outcome) (increase(aqs_hot_set_jobs_total{$here}[$__rate_interval]))",
                "{{plan}} {{outcome}}",
            )],
        },
        Panel {
            title: "Refusals by check",
            help: "What spoke against publishing a generation, also one that was published by \
                   force.",
            kind: Kind::Lines,
            unit: Unit::Count,
            targets: &[Target::always(
                "sum by (plan, check) (increase(aqs_hot_set_refusals_total{$here}[$__rate_interval]))",
                "{{plan}}: {{check}}",
            )],
        },
        Panel {
            title: "How builds get answers",
            help: "Read from the store, found unchanged (shared), kept from before since they could \
                   not be read, or missing.",
            kind: Kind::Lines,
            unit: Unit::Count,
            targets: &[Target::always(
                "sum by (plan, how) (increase(aqs_hot_set_answers_total{$here}[$__rate_interval]))",
                "{{plan}} {{how}}",
            )],
        },
        Panel {
            title: "Reads of builds",
            help: "What the store is asked for what is built ahead.",
            kind: Kind::Lines,
            unit: Unit::Reads,
            targets: &[Target::always(
                "sum by (plan) (rate(aqs_hot_set_reads_total{$here}[$__rate_interval]))",
                "{{plan}}",
            )],
        },
        Panel {
            title: "How long builds take",
            help: "The mean of the builds that published something.",
            kind: Kind::Lines,
            unit: Unit::Seconds,
            targets: &[Target::always(
                "sum by (plan) (aqs_hot_set_build_seconds_sum{$here}) / sum by (plan) (aqs_hot_set_build_seconds_count{$here})",
                "{{plan}}",
            )],
        },
        Panel {
            title: "Failures on disk",
            help: "Generations that could not be written, or not be used at a start.",
            kind: Kind::Lines,
            unit: Unit::Count,
            targets: &[Target::always(
                "sum by (doing) (increase(aqs_hot_set_artefact_failures_total{$here}[$__rate_interval]))",
                "{{doing}}",
            )],
        },
    ],
};

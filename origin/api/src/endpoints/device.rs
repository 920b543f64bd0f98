//! Device analytics (contract §1.4).

use super::shared_params as params;
use crate::calendar::{DateRule, Granularity};
use crate::endpoint::{Endpoint, Field, Response, Segment::Param as P, Segment::Word as W};
use crate::param::{Param, ParamKind};
use crate::shapes::series;
use crate::table::Dataset;
use crate::tables;

static DAILY: Dataset = Dataset {
    name: "unique-devices-daily",
    table: &tables::UNIQUE_DEVICES,
    granularity: Granularity::Daily,
    probe: &["en.wikipedia", "all-sites", "daily"],
};

static MONTHLY: Dataset = Dataset {
    name: "unique-devices-monthly",
    table: &tables::UNIQUE_DEVICES,
    granularity: Granularity::Monthly,
    probe: &["en.wikipedia", "all-sites", "monthly"],
};

static GRANULARITY: Param = Param {
    name: "granularity",
    summary: "The length of a period",
    example: "daily",
    kind: ParamKind::Granularity {
        allowed: &[(Granularity::Daily, DateRule::DR3), (Granularity::Monthly, DateRule::DR3)],
        unrouted: &[],
        refusal: Some("Invalid granularity"),
    },
};

pub(super) static UNIQUE_DEVICES: Endpoint = Endpoint {
    name: "unique-devices",
    service: "device-analytics",
    summary: "How many devices visited a project",
    segments: &[
        W("unique-devices"),
        P(&params::PROJECT),
        P(&params::ACCESS_SITE),
        P(&GRANULARITY),
        P(&params::START),
        P(&params::END),
    ],
    datasets: &[&DAILY, &MONTHLY],
    lookup: |query| {
        let partition = query.values(["project", "access-site", "granularity"]);
        query.lookup(query.dataset_or(&DAILY), partition)
    },
    shape: series::unique_devices,
    response: Response::Series {
        item: &[
            Field::Param("project"),
            Field::Param("access-site"),
            Field::Param("granularity"),
            Field::Timestamp,
            Field::Int("devices"),
            Field::Int("offset"),
            Field::Int("underestimate"),
        ],
    },
};

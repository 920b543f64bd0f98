//! Device analytics (contract §1.4).

use super::shared_params as params;
use super::shared_params::param;
use crate::body::{self, Body, TIMESTAMP, count};
use crate::calendar::{DateRule, Form, Granularity};
use crate::endpoint::{Endpoint, Noun, Segment::Param as P, Segment::Word as W, Warm};
use crate::key::Dialect;
use crate::param::{Param, Role};
use crate::source::{KeyValue, Source, TableSource};
use crate::table::{Compression, Dataset, Layout, Table, bigint, text};

/// Unique devices; timestamps of 8 digits.
pub static UNIQUE_DEVICES_TABLE: Table = Table {
    layout: Layout::Restbase,
    name: "unique_devices",
    partition: &[text("project"), text("access-site"), text("granularity").granularity()],
    clustering: &[text("timestamp").period(Form::Day)],
    values: &[bigint("devices"), bigint("offset"), bigint("underestimate")],
    compression: Compression::Default,
};

static DAILY: Dataset = Dataset::new(
    "unique-devices-daily",
    &UNIQUE_DEVICES_TABLE,
    Granularity::Daily,
    &["en.wikipedia", "all-sites", "daily"],
);

static MONTHLY: Dataset = Dataset::new(
    "unique-devices-monthly",
    &UNIQUE_DEVICES_TABLE,
    Granularity::Monthly,
    &["en.wikipedia", "all-sites", "monthly"],
);

static GRANULARITY: Param = param(
    "granularity",
    "The length of a period",
    "daily",
    Role::Granularity {
        allowed: &[(Granularity::Daily, DateRule::DR3), (Granularity::Monthly, DateRule::DR3)],
        unrouted: &[],
        refusal: Some("Invalid granularity"),
    },
);

pub(super) static UNIQUE_DEVICES: Endpoint = Endpoint {
    name: "unique-devices",
    service: "device-analytics",
    summary: "How many devices visited a project",
    dialect: Dialect::V2,
    segments: &[
        W("unique-devices"),
        P(&params::PROJECT),
        P(&params::ACCESS_SITE),
        P(&GRANULARITY),
        P(&params::START),
        P(&params::END),
    ],
    source: Source::Table(&TableSource {
        table: &UNIQUE_DEVICES_TABLE,
        datasets: &[&DAILY, &MONTHLY],
        partition: &[
            KeyValue::Param(&params::PROJECT),
            KeyValue::Param(&params::ACCESS_SITE),
            KeyValue::Param(&GRANULARITY),
        ],
        list: None,
    }),
    body: Body::Items {
        item: &[
            body::param(&params::PROJECT),
            body::param(&params::ACCESS_SITE),
            body::param(&GRANULARITY),
            TIMESTAMP,
            count(&["devices"], "Estimated unique devices: offset and underestimate together"),
            count(&["offset"], "Estimated devices that were seen with one request only"),
            count(&["underestimate"], "Devices that were seen before, by their cookie"),
        ],
    },
    protect: &[],
    no_data: Some(Noun::Project),
    warm: Warm::Aggregates,
};

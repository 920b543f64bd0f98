//! Parameters that several endpoints share.

use crate::enumeration::{ACCESS as ACCESSES, ACCESS_SITE as SITES, AGENT as AGENTS};
use crate::param::{Kind, Param};

pub(super) static PROJECT: Param = Param {
    name: "project",
    summary: "A wiki, by its host name without .org",
    example: "en.wikipedia",
    kind: Kind::Project,
};

pub(super) static ACCESS: Param = Param {
    name: "access",
    summary: "How the page was reached",
    example: "all-access",
    kind: Kind::Choice(&ACCESSES),
};

pub(super) static ACCESS_SITE: Param = Param {
    name: "access-site",
    summary: "Which site was visited",
    example: "all-sites",
    kind: Kind::Choice(&SITES),
};

pub(super) static AGENT: Param = Param {
    name: "agent",
    summary: "Who viewed the page",
    example: "all-agents",
    kind: Kind::Choice(&AGENTS),
};

pub(super) static START: Param = Param {
    name: "start",
    summary: "The first period, YYYYMMDD or YYYYMMDDHH",
    example: "2026100100",
    kind: Kind::Start,
};

pub(super) static END: Param = Param {
    name: "end",
    summary: "The last period, YYYYMMDD or YYYYMMDDHH",
    example: "2026103100",
    kind: Kind::End,
};

pub(super) static YEAR: Param =
    Param { name: "year", summary: "The year, YYYY", example: "2026", kind: Kind::Year };

pub(super) static MONTH: Param = Param {
    name: "month",
    summary: "The month, MM",
    example: "09",
    kind: Kind::Month { then_day: false },
};

pub(super) static MONTH_OF_DAY: Param = Param {
    name: "month",
    summary: "The month, MM",
    example: "10",
    kind: Kind::Month { then_day: true },
};

pub(super) static DAY: Param = Param {
    name: "day",
    summary: "The day, DD, or all-days for the whole month",
    example: "15",
    kind: Kind::Day,
};

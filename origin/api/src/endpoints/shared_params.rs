//! Parameters that several endpoints share.

use crate::param::{self, Param, ParamKind};

pub(super) static PROJECT: Param = Param {
    name: "project",
    summary: "A wiki, by its host name without .org",
    example: "en.wikipedia",
    kind: ParamKind::Project,
};

pub(super) static ACCESS: Param = Param {
    name: "access",
    summary: "How the page was reached",
    example: "all-access",
    kind: ParamKind::Choice(param::ACCESS),
};

pub(super) static ACCESS_SITE: Param = Param {
    name: "access-site",
    summary: "Which site was visited",
    example: "all-sites",
    kind: ParamKind::Choice(param::ACCESS_SITE),
};

pub(super) static AGENT: Param = Param {
    name: "agent",
    summary: "Who viewed the page",
    example: "all-agents",
    kind: ParamKind::Choice(param::AGENT),
};

pub(super) static START: Param = Param {
    name: "start",
    summary: "The first period, YYYYMMDD or YYYYMMDDHH",
    example: "2026100100",
    kind: ParamKind::Start,
};

pub(super) static END: Param = Param {
    name: "end",
    summary: "The last period, YYYYMMDD or YYYYMMDDHH",
    example: "2026103100",
    kind: ParamKind::End,
};

pub(super) static YEAR: Param =
    Param { name: "year", summary: "The year, YYYY", example: "2026", kind: ParamKind::Year };

pub(super) static MONTH: Param = Param {
    name: "month",
    summary: "The month, MM",
    example: "09",
    kind: ParamKind::Month { then_day: false },
};

pub(super) static MONTH_OF_DAY: Param = Param {
    name: "month",
    summary: "The month, MM",
    example: "10",
    kind: ParamKind::Month { then_day: true },
};

pub(super) static DAY: Param = Param {
    name: "day",
    summary: "The day, DD, or all-days for the whole month",
    example: "15",
    kind: ParamKind::Day,
};

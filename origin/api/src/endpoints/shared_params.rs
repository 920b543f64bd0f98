//! Parameters that several services share (contract §1.1, §1.3).

use crate::calendar::{DateRule, Granularity};
use crate::param::{Param, Role};

/// A parameter whose name is its key in bodies.
pub const fn param(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
    role: Role,
) -> Param {
    Param { name, key: name, summary, example, role }
}

/// A granularity, and the rule that each value sets for the dates.
pub(super) const fn granularity(allowed: &'static [(Granularity, DateRule)]) -> Param {
    let role = Role::Granularity { allowed, unrouted: &[], refusal: None };
    param("granularity", "The length of a period", "daily", role)
}

/// One of some words.
pub const fn one_of(values: &'static [&'static str]) -> Role {
    Role::Enumeration { values, aliases: &[] }
}

pub static PROJECT: Param = param(
    "project",
    "A wiki, by its host name without .org",
    "en.wikipedia",
    Role::Project { words: &[] },
);

pub static ACCESS_SITE: Param = param(
    "access-site",
    "Which site was visited",
    "all-sites",
    one_of(&["all-sites", "desktop-site", "mobile-site"]),
);

pub static START: Param =
    param("start", "The first period, YYYYMMDD or YYYYMMDDHH", "2026100100", Role::Start(None));

pub static END: Param =
    param("end", "The last period, YYYYMMDD or YYYYMMDDHH", "2026103100", Role::End);

pub static YEAR: Param = param("year", "The year, YYYY", "2026", Role::Year);

pub static MONTH: Param = param("month", "The month, MM", "09", Role::Month);

/// A month that has days in the sample.
pub static MONTH_OF_DAY: Param = Param { example: "10", ..MONTH };

pub static DAY: Param =
    param("day", "The day, DD, or all-days for the whole month", "15", Role::Day { aliases: &[] });

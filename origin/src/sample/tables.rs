//! What each table of the sample holds.

use super::END;
use super::bundled::Project;
use super::cube::Dimension;
use aqs_api::calendar::Granularity::{self, Daily, Hourly, Monthly};
use aqs_api::{Table, tables};
use jiff::civil::Date;

/// A table with one row for each subject, part and period.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) table: &'static Table,
    /// Dimensions of key columns come before those of value columns.
    pub(super) dimensions: &'static [&'static Dimension],
    pub(super) size: Size,
    /// First and last day that numbers are generated for.
    pub(super) days: (Date, Date),
    /// The first day that has rows, by granularity.
    pub(super) rows: &'static [(Granularity, Date)],
    /// A month's count as a share of the sum of its days. It is 1 for what can be added up.
    pub(super) monthly: f64,
}

/// How much there is of a subject.
#[derive(Debug)]
pub(super) enum Size {
    /// The subject is a project with this count on an average day.
    Project(fn(&Project) -> f64),
    /// The subject is an article, which has a share in the views of its project.
    Article,
}

/// A table with one ranked list of the users' views for each subject, access and period.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) table: &'static Table,
    pub(super) entries: Entries,
    /// The names of an entry's members, and of its count.
    pub(super) members: &'static [&'static str],
    pub(super) count: &'static str,
    /// The smallest count that is listed.
    pub(super) least: u64,
    /// Listed counts are rounded up to a multiple of this.
    pub(super) bucket: u64,
    /// The first day that has lists, by granularity.
    pub(super) rows: &'static [(Granularity, Date)],
}

/// What the subject of a list is, and its entries.
#[derive(Debug)]
pub(super) enum Entries {
    Articles,
    /// The countries that a project is read from.
    Countries,
    /// The articles that a country reads.
    CountryArticles,
}

/// Where most daily series and all monthly lists begin.
const START: Date = Date::constant(2025, 7, 1);
/// Where page views begin.
const FIRST: Date = Date::constant(2015, 7, 1);
const LEGACY_FIRST: Date = Date::constant(2007, 12, 1);
const DEVICES_FIRST: Date = Date::constant(2016, 1, 1);
/// For parts that were counted from the beginning.
const ALWAYS: Date = Date::MIN;

static ACCESS: Dimension = Dimension {
    column: "access",
    total: "all-access",
    parts: &[("desktop", 0.41, ALWAYS), ("mobile-app", 0.03, ALWAYS), ("mobile-web", 0.56, ALWAYS)],
};

static AGENT: Dimension = Dimension {
    column: "agent",
    total: "all-agents",
    parts: &[
        ("automated", 0.06, Date::constant(2020, 5, 1)),
        ("spider", 0.24, ALWAYS),
        ("user", 0.70, ALWAYS),
    ],
};

static SITE: Dimension = Dimension {
    column: "access-site",
    total: "all-sites",
    parts: &[("desktop-site", 0.38, ALWAYS), ("mobile-site", 0.62, ALWAYS)],
};

static LEGACY_SITE: Dimension = Dimension {
    parts: &[("desktop-site", 0.75, ALWAYS), ("mobile-site", 0.25, Date::constant(2014, 10, 1))],
    ..SITE
};

static DEVICE: Dimension = Dimension {
    column: "",
    total: "devices",
    parts: &[("offset", 0.26, ALWAYS), ("underestimate", 0.74, ALWAYS)],
};

pub(super) static LEGACY: Series = Series {
    table: &tables::LEGACY_PAGECOUNTS,
    dimensions: &[&LEGACY_SITE],
    size: Size::Project(|project| project.views),
    days: (LEGACY_FIRST, Date::constant(2016, 8, 5)),
    rows: &[
        (Daily, Date::constant(2016, 7, 1)),
        (Hourly, Date::constant(2016, 8, 1)),
        (Monthly, LEGACY_FIRST),
    ],
    monthly: 1.0,
};

pub(super) static ARTICLES: Series = Series {
    table: &tables::PAGEVIEWS_PER_ARTICLE,
    dimensions: &[&ACCESS, &AGENT],
    size: Size::Article,
    days: (START, END),
    rows: &[(Daily, FIRST)],
    monthly: 1.0,
};

pub(super) static VIEWS: Series = Series {
    table: &tables::PAGEVIEWS_PER_PROJECT,
    dimensions: &[&ACCESS, &AGENT],
    size: Size::Project(|project| project.views),
    days: (FIRST, END),
    rows: &[(Daily, START), (Hourly, Date::constant(2026, 10, 25)), (Monthly, FIRST)],
    monthly: 1.0,
};

pub(super) static DEVICES: Series = Series {
    table: &tables::UNIQUE_DEVICES,
    dimensions: &[&SITE, &DEVICE],
    size: Size::Project(|project| project.devices),
    days: (DEVICES_FIRST, END),
    rows: &[(Daily, START), (Monthly, DEVICES_FIRST)],
    monthly: 0.43,
};

pub(super) static LISTS: [Lists; 3] = [
    Lists {
        table: &tables::TOP_PAGEVIEWS,
        entries: Entries::Articles,
        members: &["article"],
        count: "views",
        least: 1,
        bucket: 1,
        rows: &[(Daily, Date::constant(2026, 9, 1)), (Monthly, START)],
    },
    Lists {
        table: &tables::TOP_BY_COUNTRY,
        entries: Entries::Countries,
        members: &["country"],
        count: "views",
        least: 100,
        bucket: 1000,
        rows: &[(Monthly, START)],
    },
    Lists {
        table: &tables::TOP_PER_COUNTRY,
        entries: Entries::CountryArticles,
        members: &["article", "project"],
        count: "views_ceil",
        least: 1200,
        bucket: 100,
        rows: &[(Daily, Date::constant(2026, 10, 1))],
    },
];

impl Series {
    /// Names of parts in keys: one combination for each key, in key order.
    pub(super) fn key_names(&self) -> Vec<Vec<&'static str>> {
        let mut keys = vec![Vec::new()];
        for column in self.table.partition {
            for split in self.dimensions.iter().filter(|split| split.column == column.name) {
                let longer = |key: Vec<&'static str>| {
                    split.names().map(move |name| [key.as_slice(), &[name]].concat())
                };
                keys = keys.into_iter().flat_map(longer).collect();
            }
        }
        keys
    }
}

pub(super) fn all() -> impl Iterator<Item = &'static Table> {
    let series = [&LEGACY, &DEVICES, &VIEWS, &ARTICLES].into_iter().map(|series| series.table);
    series.chain(LISTS.iter().map(|lists| lists.table))
}

//! Page analytics (contract §1.7): views of articles and projects, top lists, legacy counts.

use super::shared_params as params;
use crate::calendar::DateRule;
use crate::calendar::Granularity::{self, Daily, Hourly, Monthly};
use crate::endpoint::{Endpoint, Field, Response, Segment::Param as P, Segment::Word as W};
use crate::param::{Param, ParamKind};
use crate::shapes::{lists, series};
use crate::table::{ALL_DAYS, Dataset};
use crate::tables;

const fn dataset(
    name: &'static str,
    table: &'static crate::table::Table,
    granularity: Granularity,
    probe: &'static [&'static str],
) -> Dataset {
    Dataset { name, table, granularity, probe }
}

static PER_ARTICLE_DAILY: Dataset = dataset(
    "pageviews-per-article-daily",
    &tables::PAGEVIEWS_PER_ARTICLE,
    Daily,
    &["en.wikipedia", "Main_Page", "daily"],
);
static AGGREGATE_HOURLY: Dataset = dataset(
    "pageviews-aggregate-hourly",
    &tables::PAGEVIEWS_PER_PROJECT,
    Hourly,
    &["all-projects", "all-access", "all-agents", "hourly"],
);
static AGGREGATE_DAILY: Dataset = dataset(
    "pageviews-aggregate-daily",
    &tables::PAGEVIEWS_PER_PROJECT,
    Daily,
    &["all-projects", "all-access", "all-agents", "daily"],
);
static AGGREGATE_MONTHLY: Dataset = dataset(
    "pageviews-aggregate-monthly",
    &tables::PAGEVIEWS_PER_PROJECT,
    Monthly,
    &["all-projects", "all-access", "all-agents", "monthly"],
);
static TOP_DAILY: Dataset =
    dataset("pageviews-top-daily", &tables::TOP_PAGEVIEWS, Daily, &["en.wikipedia", "all-access"]);
static TOP_MONTHLY: Dataset = dataset(
    "pageviews-top-monthly",
    &tables::TOP_PAGEVIEWS,
    Monthly,
    &["en.wikipedia", "all-access"],
);
static BY_COUNTRY: Dataset = dataset(
    "pageviews-top-by-country-monthly",
    &tables::TOP_BY_COUNTRY,
    Monthly,
    &["en.wikipedia", "all-access"],
);
static PER_COUNTRY: Dataset = dataset(
    "pageviews-top-per-country-daily",
    &tables::TOP_PER_COUNTRY,
    Daily,
    &["US", "all-access"],
);
static LEGACY_HOURLY: Dataset = dataset(
    "legacy-pagecounts-hourly",
    &tables::LEGACY_PAGECOUNTS,
    Hourly,
    &["en.wikipedia", "all-sites", "hourly"],
);
static LEGACY_DAILY: Dataset = dataset(
    "legacy-pagecounts-daily",
    &tables::LEGACY_PAGECOUNTS,
    Daily,
    &["en.wikipedia", "all-sites", "daily"],
);
static LEGACY_MONTHLY: Dataset = dataset(
    "legacy-pagecounts-monthly",
    &tables::LEGACY_PAGECOUNTS,
    Monthly,
    &["en.wikipedia", "all-sites", "monthly"],
);

static ARTICLE: Param = Param {
    name: "article",
    summary: "A page title; a slash in it is written %2F",
    example: "Banana",
    kind: ParamKind::Title,
};

static COUNTRY: Param = Param {
    name: "country",
    summary: "A country, by its ISO 3166 code of two letters",
    example: "FR",
    kind: ParamKind::Country,
};

static ARTICLE_GRANULARITY: Param = Param {
    name: "granularity",
    summary: "The length of a period",
    example: "daily",
    kind: ParamKind::Granularity {
        allowed: &[(Daily, DateRule::DR1), (Monthly, DateRule::DR1M)],
        unrouted: &["hourly"],
        refusal: None,
    },
};

static PROJECT_GRANULARITY: Param = Param {
    name: "granularity",
    summary: "The length of a period",
    example: "daily",
    kind: ParamKind::Granularity {
        allowed: &[(Hourly, DateRule::DR2), (Daily, DateRule::DR1), (Monthly, DateRule::DR1M)],
        unrouted: &[],
        refusal: None,
    },
};

static LEGACY_GRANULARITY: Param = Param {
    name: "granularity",
    summary: "The length of a period",
    example: "monthly",
    kind: ParamKind::Granularity {
        allowed: &[(Hourly, DateRule::DR4H), (Daily, DateRule::DR4), (Monthly, DateRule::DR4M)],
        unrouted: &[],
        refusal: None,
    },
};

pub(super) static PER_ARTICLE: Endpoint = Endpoint {
    name: "pageviews/per-article",
    service: "page-analytics",
    summary: "How often an article was viewed",
    segments: &[
        W("pageviews"),
        W("per-article"),
        P(&params::PROJECT),
        P(&params::ACCESS),
        P(&params::AGENT),
        P(&ARTICLE),
        P(&ARTICLE_GRANULARITY),
        P(&params::START),
        P(&params::END),
    ],
    datasets: &[&PER_ARTICLE_DAILY],
    // Months are summed from days, which is all that is stored.
    lookup: |query| {
        let key = [query.value("project"), query.value("article"), Daily.as_str()];
        query.lookup(&PER_ARTICLE_DAILY, key)
    },
    shape: series::per_article,
    response: Response::Series {
        item: &[
            Field::Param("project"),
            Field::Param("article"),
            Field::Param("granularity"),
            Field::Timestamp,
            Field::Param("access"),
            Field::Param("agent"),
            Field::Int("views"),
        ],
    },
};

pub(super) static AGGREGATE: Endpoint = Endpoint {
    name: "pageviews/aggregate",
    service: "page-analytics",
    summary: "How often the pages of a project were viewed",
    segments: &[
        W("pageviews"),
        W("aggregate"),
        P(&params::PROJECT),
        P(&params::ACCESS),
        P(&params::AGENT),
        P(&PROJECT_GRANULARITY),
        P(&params::START),
        P(&params::END),
    ],
    datasets: &[&AGGREGATE_HOURLY, &AGGREGATE_DAILY, &AGGREGATE_MONTHLY],
    lookup: |query| {
        let partition = query.values(["project", "access", "agent", "granularity"]);
        query.lookup(query.dataset_or(&AGGREGATE_DAILY), partition)
    },
    shape: series::project_views,
    response: Response::Series {
        item: &[
            Field::Param("project"),
            Field::Param("access"),
            Field::Param("agent"),
            Field::Param("granularity"),
            Field::Timestamp,
            Field::Int("views"),
        ],
    },
};

pub(super) static TOP: Endpoint = Endpoint {
    name: "pageviews/top",
    service: "page-analytics",
    summary: "The most viewed articles of a project",
    segments: &[
        W("pageviews"),
        W("top"),
        P(&params::PROJECT),
        P(&params::ACCESS),
        P(&params::YEAR),
        P(&params::MONTH_OF_DAY),
        P(&params::DAY),
    ],
    datasets: &[&TOP_DAILY, &TOP_MONTHLY],
    lookup: |query| {
        let dataset = if query.value("day") == ALL_DAYS { &TOP_MONTHLY } else { &TOP_DAILY };
        query.lookup(dataset, query.values(["project", "access", "year", "month", "day"]))
    },
    shape: lists::most_viewed,
    response: Response::List {
        item: &[
            Field::Param("project"),
            Field::Param("access"),
            Field::Param("year"),
            Field::Param("month"),
            Field::Param("day"),
        ],
        list: "articles",
        entry: &[Field::Text("article"), Field::Int("views"), Field::Int("rank")],
    },
};

pub(super) static TOP_BY_COUNTRY: Endpoint = Endpoint {
    name: "pageviews/top-by-country",
    service: "page-analytics",
    summary: "The countries that a project is read from",
    segments: &[
        W("pageviews"),
        W("top-by-country"),
        P(&params::PROJECT),
        P(&params::ACCESS),
        P(&params::YEAR),
        P(&params::MONTH),
    ],
    datasets: &[&BY_COUNTRY],
    lookup: |query| query.lookup(&BY_COUNTRY, query.values(["project", "access", "year", "month"])),
    shape: lists::by_country,
    response: Response::List {
        item: &[
            Field::Param("project"),
            Field::Param("access"),
            Field::Param("year"),
            Field::Param("month"),
        ],
        list: "countries",
        entry: &[
            Field::Text("country"),
            Field::Text("views"),
            Field::Int("rank"),
            Field::Int("views_ceil"),
        ],
    },
};

pub(super) static TOP_PER_COUNTRY: Endpoint = Endpoint {
    name: "pageviews/top-per-country",
    service: "page-analytics",
    summary: "The articles of all projects that a country reads most",
    segments: &[
        W("pageviews"),
        W("top-per-country"),
        P(&COUNTRY),
        P(&params::ACCESS),
        P(&params::YEAR),
        P(&params::MONTH_OF_DAY),
        P(&params::DAY),
    ],
    datasets: &[&PER_COUNTRY],
    lookup: |query| {
        query.lookup(&PER_COUNTRY, query.values(["country", "access", "year", "month", "day"]))
    },
    shape: lists::most_read_in_country,
    response: Response::List {
        item: &[
            Field::Param("country"),
            Field::Param("access"),
            Field::Param("year"),
            Field::Param("month"),
            Field::Param("day"),
        ],
        list: "articles",
        entry: &[
            Field::Text("article"),
            Field::Text("project"),
            Field::Int("views_ceil"),
            Field::Int("rank"),
        ],
    },
};

pub(super) static LEGACY_PAGECOUNTS: Endpoint = Endpoint {
    name: "legacy/pagecounts/aggregate",
    service: "page-analytics",
    summary: "Page counts of a project from 2007 to 2016, by the older definition",
    segments: &[
        W("legacy"),
        W("pagecounts"),
        W("aggregate"),
        P(&params::PROJECT),
        P(&params::ACCESS_SITE),
        P(&LEGACY_GRANULARITY),
        P(&params::START),
        P(&params::END),
    ],
    datasets: &[&LEGACY_HOURLY, &LEGACY_DAILY, &LEGACY_MONTHLY],
    lookup: |query| {
        let partition = query.values(["project", "access-site", "granularity"]);
        query.lookup(query.dataset_or(&LEGACY_MONTHLY), partition)
    },
    shape: series::pagecounts,
    response: Response::Series {
        item: &[
            Field::Param("project"),
            Field::Param("access-site"),
            Field::Param("granularity"),
            Field::Timestamp,
            Field::Int("count"),
        ],
    },
};

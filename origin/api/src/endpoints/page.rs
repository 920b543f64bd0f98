//! Page analytics (contract §1.7): views of articles and projects, top lists, legacy counts.

use super::shared_params as params;
use super::shared_params::{
    DAY, END, MONTH, MONTH_OF_DAY, PROJECT, START, YEAR, granularity, one_of, param,
};
use crate::body::{self, Body, Count, RowValue, TIMESTAMP, count, row};
use crate::calendar::Granularity::{self, Daily, Hourly, Monthly};
use crate::calendar::{DateRule, Form};
use crate::endpoint::{Endpoint, Noun, Protection, Segment::Param as P, Segment::Word as W, Warm};
use crate::key::Dialect;
use crate::param::{Param, Role};
use crate::source::KeyValue::{Const as C, Param as K};
use crate::source::{JsonList, Member, MemberType, Order, Source, TableSource};
use crate::table::{Compression, Dataset, Layout, Table, bigint, int, json, text};

/// Views of an article by day: 16 counters, access × agent (contract §4.3).
pub static PER_ARTICLE_TABLE: Table = Table {
    layout: Layout::Restbase,
    name: "pageviews_per_article_flat",
    partition: &[text("project"), text("article"), text("granularity").granularity()],
    clustering: &[text("timestamp").period(Form::Hour)],
    values: &[
        int("aa"),
        int("ab"),
        int("as"),
        int("au"),
        int("da"),
        int("db"),
        int("ds"),
        int("du"),
        int("maa"),
        int("mab"),
        int("mas"),
        int("mau"),
        int("mwa"),
        int("mwb"),
        int("mws"),
        int("mwu"),
    ],
    compression: Compression::Deflate,
};

static PER_ARTICLE_DAILY: Dataset = Dataset::new(
    "pageviews-per-article-daily",
    &PER_ARTICLE_TABLE,
    Daily,
    &["en.wikipedia", "Main_Page", "daily"],
);

/// Views of a project; `views` is the column of old rows.
pub static AGGREGATE_TABLE: Table = Table {
    layout: Layout::Restbase,
    name: "pageviews_per_project_v2",
    partition: &[text("project"), text("access"), text("agent"), text("granularity").granularity()],
    clustering: &[text("timestamp").period(Form::Hour)],
    values: &[bigint("v"), int("views")],
    compression: Compression::Default,
};

static AGGREGATE_HOURLY: Dataset = Dataset::new(
    "pageviews-aggregate-hourly",
    &AGGREGATE_TABLE,
    Hourly,
    &["all-projects", "all-access", "all-agents", "hourly"],
);
static AGGREGATE_DAILY: Dataset = Dataset::new(
    "pageviews-aggregate-daily",
    &AGGREGATE_TABLE,
    Daily,
    &["all-projects", "all-access", "all-agents", "daily"],
);
static AGGREGATE_MONTHLY: Dataset = Dataset::new(
    "pageviews-aggregate-monthly",
    &AGGREGATE_TABLE,
    Monthly,
    &["all-projects", "all-access", "all-agents", "monthly"],
);

/// The most viewed articles; `articles` is the column of old rows.
pub static TOP_TABLE: Table = Table {
    layout: Layout::Restbase,
    name: "top_pageviews",
    partition: &[
        text("project"),
        text("access"),
        text("year").year(),
        text("month").month(),
        text("day").day(),
    ],
    clustering: &[],
    values: &[json("articlesJSON"), json("articles")],
    compression: Compression::Default,
};

static TOP_DAILY: Dataset =
    Dataset::new("pageviews-top-daily", &TOP_TABLE, Daily, &["en.wikipedia", "all-access"]);
static TOP_MONTHLY: Dataset =
    Dataset::new("pageviews-top-monthly", &TOP_TABLE, Monthly, &["en.wikipedia", "all-access"]);

/// The countries that a project is read from.
pub static BY_COUNTRY_TABLE: Table = Table {
    layout: Layout::Restbase,
    name: "top_bycountry",
    partition: &[text("project"), text("access"), text("year").year(), text("month").month()],
    clustering: &[],
    values: &[json("countriesJSON")],
    compression: Compression::Default,
};

static BY_COUNTRY: Dataset = Dataset::new(
    "pageviews-top-by-country-monthly",
    &BY_COUNTRY_TABLE,
    Monthly,
    &["en.wikipedia", "all-access"],
);

/// What a country reads.
pub static PER_COUNTRY_TABLE: Table = Table {
    layout: Layout::Restbase,
    name: "top_percountry",
    partition: &[
        text("country"),
        text("access"),
        text("year").year(),
        text("month").month(),
        text("day").day(),
    ],
    clustering: &[],
    values: &[json("articles")],
    compression: Compression::Default,
};

static PER_COUNTRY: Dataset = Dataset::new(
    "pageviews-top-per-country-daily",
    &PER_COUNTRY_TABLE,
    Daily,
    &["US", "all-access"],
);

/// Views of a project by the definition of 2007 to 2016.
pub static LEGACY_TABLE: Table = Table {
    layout: Layout::Restbase,
    name: "lgc_pagecounts_per_project",
    partition: &[text("project"), text("access-site"), text("granularity").granularity()],
    clustering: &[text("timestamp").period(Form::Hour)],
    values: &[bigint("count")],
    compression: Compression::Default,
};

/// A dataset of 2007 to 2016.
const fn legacy(
    name: &'static str,
    granularity: Granularity,
    probe: &'static [&'static str],
) -> Dataset {
    Dataset { ended: true, ..Dataset::new(name, &LEGACY_TABLE, granularity, probe) }
}

static LEGACY_HOURLY: Dataset =
    legacy("legacy-pagecounts-hourly", Hourly, &["en.wikipedia", "all-sites", "hourly"]);
static LEGACY_DAILY: Dataset =
    legacy("legacy-pagecounts-daily", Daily, &["en.wikipedia", "all-sites", "daily"]);
static LEGACY_MONTHLY: Dataset =
    legacy("legacy-pagecounts-monthly", Monthly, &["en.wikipedia", "all-sites", "monthly"]);

/// How a page was reached.
const ACCESS_VALUES: &[&str] = &["all-access", "desktop", "mobile-app", "mobile-web"];

/// Who viewed a page.
const AGENT_VALUES: &[&str] = &["all-agents", "automated", "spider", "user"];

static ACCESS: Param =
    param("access", "How the page was reached", "all-access", one_of(ACCESS_VALUES));

static AGENT: Param = param("agent", "Who viewed the page", "all-agents", one_of(AGENT_VALUES));

static ARTICLE: Param =
    param("article", "A page title; a slash in it is written %2F", "Banana", Role::Title);

static COUNTRY: Param =
    param("country", "A country, by its ISO 3166 code of two letters", "FR", Role::Country);

static ARTICLE_GRANULARITY: Param = param(
    "granularity",
    "The length of a period",
    "daily",
    Role::Granularity {
        allowed: &[(Daily, DateRule::DR1), (Monthly, DateRule::DR1M)],
        unrouted: &["hourly"],
        refusal: None,
    },
);

static PROJECT_GRANULARITY: Param =
    granularity(&[(Hourly, DateRule::DR2), (Daily, DateRule::DR1), (Monthly, DateRule::DR1M)]);

static LEGACY_START: Param = Param { example: "2016010100", ..START };
static LEGACY_END: Param = Param { example: "2016073100", ..END };

static LEGACY_GRANULARITY: Param = Param {
    example: "monthly",
    ..granularity(&[(Hourly, DateRule::DR4H), (Daily, DateRule::DR4), (Monthly, DateRule::DR4M)])
};

/// Views by day: one of 16 counters (contract §4.3). Months are summed from days.
const ARTICLE_VIEWS: Count = Count::Codes(&[
    (&ACCESS, &[("all-access", "a"), ("desktop", "d"), ("mobile-app", "ma"), ("mobile-web", "mw")]),
    (&AGENT, &[("all-agents", "a"), ("automated", "b"), ("spider", "s"), ("user", "u")]),
]);

pub(super) static PER_ARTICLE: Endpoint = Endpoint {
    name: "pageviews/per-article",
    service: "page-analytics",
    summary: "How often an article was viewed",
    dialect: Dialect::V2,
    segments: &[
        W("pageviews"),
        W("per-article"),
        P(&PROJECT),
        P(&ACCESS),
        P(&AGENT),
        P(&ARTICLE),
        P(&ARTICLE_GRANULARITY),
        P(&START),
        P(&END),
    ],
    source: Source::Table(&TableSource {
        table: &PER_ARTICLE_TABLE,
        datasets: &[&PER_ARTICLE_DAILY],
        partition: &[K(&PROJECT), K(&ARTICLE), C("daily")],
        list: None,
    }),
    body: Body::Items {
        item: &[
            body::param(&PROJECT),
            body::param(&ARTICLE),
            body::param(&ARTICLE_GRANULARITY),
            TIMESTAMP,
            body::param(&ACCESS),
            body::param(&AGENT),
            row("views", RowValue::Count(ARTICLE_VIEWS), "Views of the article"),
        ],
    },
    protect: &[],
    no_data: Some(Noun::Project),
    warm: Warm::TopArticles(&[(&ACCESS, &["all-access"]), (&AGENT, &["all-agents", "user"])]),
};

pub(super) static AGGREGATE: Endpoint = Endpoint {
    name: "pageviews/aggregate",
    service: "page-analytics",
    summary: "How often the pages of a project were viewed",
    dialect: Dialect::V2,
    segments: &[
        W("pageviews"),
        W("aggregate"),
        P(&PROJECT),
        P(&ACCESS),
        P(&AGENT),
        P(&PROJECT_GRANULARITY),
        P(&START),
        P(&END),
    ],
    source: Source::Table(&TableSource {
        table: &AGGREGATE_TABLE,
        datasets: &[&AGGREGATE_HOURLY, &AGGREGATE_DAILY, &AGGREGATE_MONTHLY],
        partition: &[K(&PROJECT), K(&ACCESS), K(&AGENT), K(&PROJECT_GRANULARITY)],
        list: None,
    }),
    body: Body::Items {
        item: &[
            body::param(&PROJECT),
            body::param(&ACCESS),
            body::param(&AGENT),
            body::param(&PROJECT_GRANULARITY),
            TIMESTAMP,
            // Old rows have `views`.
            count(&["v", "views"], "Views of all pages").named("views"),
        ],
    },
    protect: &[],
    no_data: Some(Noun::Project),
    warm: Warm::Aggregates,
};

const fn member(name: &'static str, kind: MemberType) -> Member {
    Member { name, kind }
}

pub(super) static TOP: Endpoint = Endpoint {
    name: "pageviews/top",
    service: "page-analytics",
    summary: "The most viewed articles of a project",
    dialect: Dialect::V2,
    segments: &[
        W("pageviews"),
        W("top"),
        P(&PROJECT),
        P(&ACCESS),
        P(&YEAR),
        P(&MONTH_OF_DAY),
        P(&DAY),
    ],
    source: Source::Table(&TableSource {
        table: &TOP_TABLE,
        datasets: &[&TOP_DAILY, &TOP_MONTHLY],
        partition: &[K(&PROJECT), K(&ACCESS), K(&YEAR), K(&MONTH_OF_DAY), K(&DAY)],
        list: Some(&JsonList {
            // Old rows have `articles`.
            columns: &["articlesJSON", "articles"],
            members: &[
                member("article", MemberType::Text),
                member("views", MemberType::Int),
                member("rank", MemberType::Int),
            ],
            order: &[("rank", Order::Ascending)],
        }),
    }),
    body: Body::List {
        item: &[
            body::param(&PROJECT),
            body::param(&ACCESS),
            body::param(&YEAR),
            body::param(&MONTH_OF_DAY),
            body::param(&DAY),
        ],
        list: "articles",
        entry: &[
            body::text("article", "The title of the page"),
            count(&["views"], "Views of the page"),
            count(&["rank"], "Its rank by views; equal counts share one"),
        ],
    },
    protect: &[],
    no_data: Some(Noun::Project),
    warm: Warm::TopLists,
};

pub(super) static TOP_BY_COUNTRY: Endpoint = Endpoint {
    name: "pageviews/top-by-country",
    service: "page-analytics",
    summary: "The countries that a project is read from",
    dialect: Dialect::V2,
    segments: &[W("pageviews"), W("top-by-country"), P(&PROJECT), P(&ACCESS), P(&YEAR), P(&MONTH)],
    source: Source::Table(&TableSource {
        table: &BY_COUNTRY_TABLE,
        datasets: &[&BY_COUNTRY],
        partition: &[K(&PROJECT), K(&ACCESS), K(&YEAR), K(&MONTH)],
        list: Some(&JsonList {
            columns: &["countriesJSON"],
            members: &[
                member("country", MemberType::Text),
                // Old rows have intervals.
                member("views", MemberType::IntOrText),
                member("rank", MemberType::Int),
            ],
            order: &[("rank", Order::Ascending)],
        }),
    }),
    body: Body::List {
        item: &[
            body::param(&PROJECT),
            body::param(&ACCESS),
            body::param(&YEAR),
            body::param(&MONTH),
        ],
        list: "countries",
        entry: &[
            body::text("country", "The country's ISO 3166 code"),
            row("views", RowValue::Interval("views"), "The interval that the views lie in"),
            count(&["rank"], "Its rank by views, with gaps for withheld countries"),
            row("views_ceil", RowValue::RoundedUp("views"), "Views, rounded up to thousands"),
        ],
    },
    protect: &[Protection::Countries("country")],
    no_data: Some(Noun::Project),
    warm: Warm::No,
};

pub(super) static TOP_PER_COUNTRY: Endpoint = Endpoint {
    name: "pageviews/top-per-country",
    service: "page-analytics",
    summary: "The articles of all projects that a country reads most",
    dialect: Dialect::V2,
    segments: &[
        W("pageviews"),
        W("top-per-country"),
        P(&COUNTRY),
        P(&ACCESS),
        P(&YEAR),
        P(&MONTH_OF_DAY),
        P(&DAY),
    ],
    source: Source::Table(&TableSource {
        table: &PER_COUNTRY_TABLE,
        datasets: &[&PER_COUNTRY],
        partition: &[K(&COUNTRY), K(&ACCESS), K(&YEAR), K(&MONTH_OF_DAY), K(&DAY)],
        list: Some(&JsonList {
            columns: &["articles"],
            members: &[
                member("article", MemberType::Text),
                member("project", MemberType::Text),
                member("views_ceil", MemberType::Int),
                member("rank", MemberType::Int),
            ],
            order: &[("rank", Order::Ascending)],
        }),
    }),
    body: Body::List {
        item: &[
            body::param(&COUNTRY),
            body::param(&ACCESS),
            body::param(&YEAR),
            body::param(&MONTH_OF_DAY),
            body::param(&DAY),
        ],
        list: "articles",
        entry: &[
            body::text("article", "The title of the page"),
            body::text("project", "The wiki of the page"),
            count(&["views_ceil"], "Views from the country, rounded up to hundreds"),
            count(&["rank"], "Its rank by views"),
        ],
    },
    protect: &[Protection::Country(&COUNTRY)],
    no_data: Some(Noun::Project),
    warm: Warm::No,
};

pub(super) static LEGACY_PAGECOUNTS: Endpoint = Endpoint {
    name: "legacy/pagecounts/aggregate",
    service: "page-analytics",
    summary: "Page counts of a project from 2007 to 2016, by the older definition",
    dialect: Dialect::V2,
    segments: &[
        W("legacy"),
        W("pagecounts"),
        W("aggregate"),
        P(&PROJECT),
        P(&params::ACCESS_SITE),
        P(&LEGACY_GRANULARITY),
        P(&LEGACY_START),
        P(&LEGACY_END),
    ],
    source: Source::Table(&TableSource {
        table: &LEGACY_TABLE,
        datasets: &[&LEGACY_HOURLY, &LEGACY_DAILY, &LEGACY_MONTHLY],
        partition: &[K(&PROJECT), K(&params::ACCESS_SITE), K(&LEGACY_GRANULARITY)],
        list: None,
    }),
    body: Body::Items {
        item: &[
            body::param(&PROJECT),
            body::param(&params::ACCESS_SITE),
            body::param(&LEGACY_GRANULARITY),
            TIMESTAMP,
            count(&["count"], "Views of all pages"),
        ],
    },
    protect: &[],
    no_data: Some(Noun::Project),
    warm: Warm::No,
};

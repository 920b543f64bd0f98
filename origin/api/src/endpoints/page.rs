//! Page analytics (contract §1.7): views of articles and projects, top lists, legacy counts.

use super::shared_params as params;
use super::shared_params::{
    ACCESS, AGENT, DAY, END, MONTH, MONTH_OF_DAY, PROJECT, START, YEAR, param,
};
use crate::body::{self, Body, Count, RowValue, TIMESTAMP, count, row, text};
use crate::calendar::DateRule;
use crate::calendar::Granularity::{self, Daily, Hourly, Monthly};
use crate::endpoint::{Endpoint, Noun, Protection, Segment::Param as P, Segment::Word as W, Warm};
use crate::key::Dialect;
use crate::param::{Param, Role};
use crate::source::KeyValue::{Const as C, Param as K};
use crate::source::{JsonList, Member, MemberType, Order, Source, TableSource};
use crate::table::Dataset;
use crate::tables;

const fn dataset(
    name: &'static str,
    table: &'static crate::table::Table,
    granularity: Granularity,
    probe: &'static [&'static str],
) -> Dataset {
    Dataset { name, table, granularity, probe, ended: false }
}

/// A dataset of 2007 to 2016.
const fn legacy(
    name: &'static str,
    granularity: Granularity,
    probe: &'static [&'static str],
) -> Dataset {
    Dataset { ended: true, ..dataset(name, &tables::LEGACY_PAGECOUNTS, granularity, probe) }
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
static LEGACY_HOURLY: Dataset =
    legacy("legacy-pagecounts-hourly", Hourly, &["en.wikipedia", "all-sites", "hourly"]);
static LEGACY_DAILY: Dataset =
    legacy("legacy-pagecounts-daily", Daily, &["en.wikipedia", "all-sites", "daily"]);
static LEGACY_MONTHLY: Dataset =
    legacy("legacy-pagecounts-monthly", Monthly, &["en.wikipedia", "all-sites", "monthly"]);

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

static PROJECT_GRANULARITY: Param = param(
    "granularity",
    "The length of a period",
    "daily",
    Role::Granularity {
        allowed: &[(Hourly, DateRule::DR2), (Daily, DateRule::DR1), (Monthly, DateRule::DR1M)],
        unrouted: &[],
        refusal: None,
    },
);

static LEGACY_START: Param = Param { example: "2016010100", ..START };
static LEGACY_END: Param = Param { example: "2016073100", ..END };

static LEGACY_GRANULARITY: Param = param(
    "granularity",
    "The length of a period",
    "monthly",
    Role::Granularity {
        allowed: &[(Hourly, DateRule::DR4H), (Daily, DateRule::DR4), (Monthly, DateRule::DR4M)],
        unrouted: &[],
        refusal: None,
    },
);

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
    no_data: Noun::Project,
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
    no_data: Noun::Project,
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
            text("article", "The title of the page"),
            count(&["views"], "Views of the page"),
            count(&["rank"], "Its rank by views; equal counts share one"),
        ],
    },
    protect: &[],
    no_data: Noun::Project,
    warm: Warm::TopLists,
};

pub(super) static TOP_BY_COUNTRY: Endpoint = Endpoint {
    name: "pageviews/top-by-country",
    service: "page-analytics",
    summary: "The countries that a project is read from",
    dialect: Dialect::V2,
    segments: &[W("pageviews"), W("top-by-country"), P(&PROJECT), P(&ACCESS), P(&YEAR), P(&MONTH)],
    source: Source::Table(&TableSource {
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
            text("country", "The country's ISO 3166 code"),
            row("views", RowValue::Interval("views"), "The interval that the views lie in"),
            count(&["rank"], "Its rank by views, with gaps for withheld countries"),
            row("views_ceil", RowValue::RoundedUp("views"), "Views, rounded up to thousands"),
        ],
    },
    protect: &[Protection::Countries("country")],
    no_data: Noun::Project,
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
            text("article", "The title of the page"),
            text("project", "The wiki of the page"),
            count(&["views_ceil"], "Views from the country, rounded up to hundreds"),
            count(&["rank"], "Its rank by views"),
        ],
    },
    protect: &[Protection::Country(&COUNTRY)],
    no_data: Noun::Project,
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
    no_data: Noun::Project,
    warm: Warm::No,
};

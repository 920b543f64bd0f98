//! Tables of plain layout and of RESTBase's, with numbers in keys, moments, days and doubles. A test
//! of each store holds them.

use aqs_api::calendar::{DateRule, Form, Granularity::Monthly};
use aqs_api::endpoint::{Endpoint, Noun, Segment::Param as P, Segment::Word as W, Warm};
use aqs_api::param::{Param, Role};
use aqs_api::source::{KeyValue, Source, TableSource};
use aqs_api::table::{Compression, Dataset, Layout, Table};
use aqs_api::table::{bigint, date, double, int, text, timestamp};
use aqs_api::{Catalogue, Dialect, Lookup, Rows, Target, body};

const fn param(name: &'static str, example: &'static str, role: Role) -> Param {
    Param { name, key: name, summary: "", example, role }
}

static EDITORS_TABLE: Table = Table {
    layout: Layout::Plain { keyspace: "commons" },
    name: "top_editors_monthly",
    partition: &[text("category"), int("year").year(), int("month").month()],
    clustering: &[int("rank").rank(), text("user_name")],
    values: &[bigint("edit_count")],
    compression: Compression::Default,
};
pub(crate) static EDITORS_MONTHLY: Dataset =
    Dataset::new("top-editors-monthly", &EDITORS_TABLE, Monthly, &["Cats"]);
static CATEGORY: Param = param("category", "Cats", Role::CommonsPage);
static YEAR: Param = param("year", "2025", Role::Year);
static MONTH: Param = param("month", "03", Role::Month);
static EDITORS: Endpoint = Endpoint {
    name: "top-editors",
    service: "commons-impact-analytics",
    summary: "",
    dialect: Dialect::V2,
    segments: &[W("top-editors"), P(&CATEGORY), P(&YEAR), P(&MONTH)],
    source: Source::Table(&TableSource {
        table: &EDITORS_TABLE,
        datasets: &[&EDITORS_MONTHLY],
        partition: &[KeyValue::Param(&CATEGORY), KeyValue::Param(&YEAR), KeyValue::Param(&MONTH)],
        list: None,
    }),
    body: body::Body::Items {
        item: &[
            body::param(&CATEGORY),
            body::text("user_name", ""),
            body::count(&["edit_count"], ""),
        ],
    },
    protect: &[],
    no_data: Some(Noun::Category),
    warm: Warm::No,
};

static SCORES_TABLE: Table = Table {
    layout: Layout::Plain { keyspace: "analytics" },
    name: "scores",
    partition: &[bigint("user")],
    clustering: &[timestamp("dt").period(Form::Day)],
    values: &[double("score")],
    compression: Compression::Default,
};
pub(crate) static SCORES_MONTHLY: Dataset =
    Dataset::new("scores-monthly", &SCORES_TABLE, Monthly, &["7"]);
static USER: Param = param("user", "7", Role::Id);
static START: Param = param("start", "20250101", Role::Start(Some(DateRule::DR10)));
static END: Param = param("end", "20250401", Role::End);
static SCORES: Endpoint = Endpoint {
    name: "scores",
    service: "page-analytics",
    summary: "",
    dialect: Dialect::V2,
    segments: &[W("scores"), P(&USER), P(&START), P(&END)],
    source: Source::Table(&TableSource {
        table: &SCORES_TABLE,
        datasets: &[&SCORES_MONTHLY],
        partition: &[KeyValue::Param(&USER)],
        list: None,
    }),
    body: body::Body::Items {
        item: &[
            body::param(&USER),
            body::TIMESTAMP,
            body::row("score", body::RowValue::Double("score"), ""),
        ],
    },
    protect: &[],
    no_data: Some(Noun::User),
    warm: Warm::No,
};

static GAPS_TABLE: Table = Table {
    layout: Layout::Restbase,
    name: "gaps",
    partition: &[text("project")],
    clustering: &[date("dt").period(Form::Day), text("metric")],
    values: &[double("value")],
    compression: Compression::Default,
};
pub(crate) static GAPS_MONTHLY: Dataset =
    Dataset::new("gaps-monthly", &GAPS_TABLE, Monthly, &["en.wikipedia"]);
static PROJECT: Param = param("project", "en.wikipedia", Role::OneProject);
static GAPS: Endpoint = Endpoint {
    name: "gaps",
    service: "aqs1",
    summary: "",
    dialect: Dialect::V2,
    segments: &[W("gaps"), P(&PROJECT), P(&START), P(&END)],
    source: Source::Table(&TableSource {
        table: &GAPS_TABLE,
        datasets: &[&GAPS_MONTHLY],
        partition: &[KeyValue::Param(&PROJECT)],
        list: None,
    }),
    body: body::Body::Items {
        item: &[
            body::param(&PROJECT),
            body::TIMESTAMP,
            body::text("metric", ""),
            body::row("value", body::RowValue::Double("value"), ""),
        ],
    },
    protect: &[],
    no_data: Some(Noun::Project),
    warm: Warm::No,
};

pub(crate) const ENDPOINTS: &[&Endpoint] = &[&EDITORS, &SCORES, &GAPS];

/// Rows of each table, as files are named.
pub(crate) const ROWS: [(&str, &str); 3] = [
    (
        "top_editors_monthly",
        r#"{"category":"Cats","year":2025,"month":3,"rank":10,"user_name":"C","edit_count":1}
{"category":"Cats","year":2025,"month":3,"rank":2,"user_name":"A","edit_count":9007199254740993}
{"category":"Cats","year":2024,"month":12,"rank":1,"user_name":"B","edit_count":7}"#,
    ),
    (
        "scores",
        r#"{"user":34722510,"dt":"2025-01-01T00:00:00Z","score":0.25}
{"user":34722510,"dt":"20250201","score":100}
{"user":34722510,"dt":"2025030100","score":null}
{"user":7,"dt":"20250401","score":1e-7}"#,
    ),
    (
        "gaps",
        r#"{"project":"en.wikipedia","dt":"20250201","metric":"b","value":4}
{"project":"en.wikipedia","dt":"20250201","metric":"a","value":3.5}
{"project":"en.wikipedia","dt":"20250101","metric":"a","value":1}
{"project":"en.wikipedia","dt":"20250101","metric":"a","value":2}"#,
    ),
];

/// The rows that a store has after a load of [`ROWS`], by path.
pub(crate) fn assert_rows(read: impl Fn(Lookup) -> Rows) {
    let catalogue = Catalogue::new(ENDPOINTS).unwrap();
    let read = |path: &str| {
        read(catalogue.resolve(Target { dialect: Dialect::V2, path }).unwrap().lookup())
    };
    let periods = |rows: &Rows| -> Vec<String> {
        rows.timestamps().unwrap().iter().map(|period| period.as_str().to_owned()).collect()
    };
    let texts = |rows: &Rows, column: &str| -> Vec<String> {
        rows.texts(column).unwrap().iter().map(|text| text.unwrap().to_owned()).collect()
    };
    let rows = read("/top-editors/Cats/2025/03");
    assert_eq!(rows.ints("rank").unwrap().or_zero(), [2, 10]);
    assert_eq!(texts(&rows, "user_name"), ["A", "C"]);
    assert_eq!(rows.ints("edit_count").unwrap().or_zero(), [9_007_199_254_740_993, 1]);
    assert!(read("/top-editors/Cats/2025/12").is_empty());

    // The end is not included.
    let rows = read("/scores/34722510/20250101/20250301");
    assert_eq!(periods(&rows), ["20250101", "20250201"]);
    assert_eq!(rows.doubles("score").unwrap().or_zero(), [0.25, 100.0]);
    let rows = read("/scores/34722510/20250301/20250302");
    assert_eq!(rows.doubles("score").unwrap().iter().collect::<Vec<_>>(), [None]);
    assert!(read("/scores/34722510/00000101/00000101").is_empty());

    let rows = read("/gaps/en.wikipedia/20250101/20250202");
    assert_eq!(periods(&rows), ["20250101", "20250201", "20250201"]);
    assert_eq!(texts(&rows, "metric"), ["a", "a", "b"]);
    assert_eq!(rows.doubles("value").unwrap().or_zero(), [2.0, 3.5, 4.0]);
}

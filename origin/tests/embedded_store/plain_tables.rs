//! Tables with numbers in keys, moments and doubles, from the loader to their rows.

use super::{ctx, open_as};
use aqs_api::calendar::{DateRule, Form, Granularity::Monthly};
use aqs_api::endpoint::{Endpoint, Noun, Segment::Param as P, Segment::Word as W, Warm};
use aqs_api::param::{Param, Role};
use aqs_api::source::{KeyValue, Source, TableSource};
use aqs_api::table::{Compression, Dataset, Layout, Table, bigint, double, int, text, timestamp};
use aqs_api::{Catalogue, Dialect, Lookup, Rows, Target, body};
use aqs_origin::load::{Options, into_store};
use aqs_origin::store::Store;
use std::fs;
use std::path::Path;

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
static EDITORS_MONTHLY: Dataset =
    Dataset::new("top-editors-monthly", &EDITORS_TABLE, Monthly, &["Cats"]);
static CATEGORY: Param = param("category", "Cats", Role::CommonsPage);
static YEAR: Param = param("year", "2025", Role::Year);
static MONTH: Param = param("month", "03", Role::Month { then_day: false });
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
    no_data: Noun::Category,
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
static SCORES_MONTHLY: Dataset = Dataset::new("scores-monthly", &SCORES_TABLE, Monthly, &["7"]);
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
    no_data: Noun::User,
    warm: Warm::No,
};

const ENDPOINTS: &[&Endpoint] = &[&EDITORS, &SCORES];

/// Loads files, and returns the reasons of bad rows.
fn load(path: &Path, catalogue: &Catalogue, files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (table, rows) in files {
        fs::write(folder.path().join(format!("{table}.ndjson")), rows).unwrap();
    }
    let report = into_store(folder.path(), path, catalogue, Options::default(), &mut ()).unwrap();
    report.bad_rows.iter().map(|bad| bad.reason.to_string()).collect()
}

async fn read(store: &impl Store, catalogue: &Catalogue, path: &str) -> Rows {
    let query = catalogue.resolve(Target { dialect: Dialect::V2, path }).unwrap();
    store.read(&query.lookup(), &ctx()).await.unwrap()
}

#[tokio::test]
async fn numbers_moments_and_doubles_are_loaded_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let catalogue = Catalogue::new(ENDPOINTS).unwrap();
    let editors = r#"{"category":"Cats","year":2025,"month":3,"rank":10,"user_name":"C","edit_count":1}
{"category":"Cats","year":2025,"month":3,"rank":2,"user_name":"A","edit_count":9007199254740993}
{"category":"Cats","year":2024,"month":12,"rank":1,"user_name":"B","edit_count":7}
{"category":"Cats","year":"2025","month":3,"rank":1,"user_name":"D","edit_count":1}
{"category":"Cats","year":2025,"month":13,"rank":1,"user_name":"D","edit_count":1}"#;
    let scores = r#"{"user":34722510,"dt":"2025-01-01T00:00:00Z","score":0.25}
{"user":34722510,"dt":"20250201","score":100}
{"user":34722510,"dt":"2025030100","score":null}
{"user":7,"dt":"20250401","score":1e-7}
{"user":7,"dt":"2025-04-01T01:00:00Z","score":1}"#;
    let files = [("top_editors_monthly", editors), ("scores", scores)];
    let mut bad = load(&path, &catalogue, &files);
    bad.sort_unstable();
    assert_eq!(
        bad,
        [
            "column \"dt\" must be the begin of a day in UTC: YYYYMMDD, or as RFC 3339 has it, not \
             \"2025-04-01T01:00:00Z\"",
            "column \"month\" must be 2 digits, 01 to 12, not \"13\"",
            "column \"year\" takes an integer, not a text",
        ]
    );

    let store = open_as(&path, &catalogue);
    let rows = read(&store, &catalogue, "/top-editors/Cats/2025/03").await;
    assert_eq!(rows.ints("rank").unwrap().or_zero(), [2, 10]);
    assert_eq!(rows.texts("user_name").unwrap().iter().collect::<Vec<_>>(), [Some("A"), Some("C")]);
    assert_eq!(rows.ints("edit_count").unwrap().or_zero(), [9_007_199_254_740_993, 1]);
    assert_eq!(read(&store, &catalogue, "/top-editors/Cats/2025/12").await.len(), 0);

    let rows = read(&store, &catalogue, "/scores/34722510/20250101/20250301").await;
    let periods: Vec<_> = rows.timestamps().unwrap().iter().map(|one| one.as_str()).collect();
    assert_eq!(periods, ["20250101", "20250201"]);
    assert_eq!(rows.doubles("score").unwrap().or_zero(), [0.25, 100.0]);

    let coverage = store.coverage().await.unwrap();
    for (dataset, expected) in [
        (&EDITORS_MONTHLY, ("20241201", "20250301", 1)),
        (&SCORES_MONTHLY, ("20250101", "20250401", 2)),
    ] {
        let extent = coverage.get(dataset).unwrap();
        let found = (extent.first.as_str(), extent.last.as_str(), extent.series.unwrap());
        assert_eq!(found, expected, "{}", dataset.name);
    }
}

/// A dataset that is newer than the file is summarised from its rows.
#[tokio::test]
async fn coverage_is_found_in_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let catalogue = Catalogue::new(ENDPOINTS).unwrap();
    let row = |month| {
        format!(
            r#"{{"category":"Cats","year":2025,"month":{month},"rank":1,"user_name":"A","edit_count":1}}"#
        )
    };
    load(&path, &catalogue, &[("top_editors_monthly", &format!("{}\n{}", row(3), row(11)))]);
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute("DELETE FROM aqs_datasets", []).unwrap();
    drop(conn);
    load(&path, &catalogue, &[("top_editors_monthly", &row(4))]);
    let coverage = open_as(&path, &catalogue).coverage().await.unwrap();
    let extent = coverage.get(&EDITORS_MONTHLY).unwrap();
    assert_eq!((extent.first.as_str(), extent.last.as_str()), ("20250301", "20251101"));
}

#[tokio::test]
async fn a_text_that_is_no_number_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let catalogue = Catalogue::new(ENDPOINTS).unwrap();
    load(&path, &catalogue, &[("scores", r#"{"user":0,"dt":"20250101","score":1}"#)]);
    let store = open_as(&path, &catalogue);
    let target = Target { dialect: Dialect::V2, path: "/scores/7/20250101/20250301" };
    let Lookup::Points(mut read) = catalogue.resolve(target).unwrap().lookup() else {
        panic!("no partition")
    };
    read.partition = ["x"].into_iter().collect();
    let error = store.read(&Lookup::Points(read), &ctx()).await.unwrap_err().to_string();
    assert!(error.contains(r#""user" takes an integer of 64 bits, not "x""#), "{error}");
}

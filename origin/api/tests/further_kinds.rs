//! Endpoints of kinds that are not served yet, to show that the types carry them: each is declared
//! as its service's file will declare it, and renders rows made by hand to the contract's bytes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may end where it fails")]

use aqs_api::body::{self, Body, Constant, Count, Field, RowValue, TIMESTAMP, TimeForm, Value};
use aqs_api::body::{count, row, text, timestamp};
use aqs_api::calendar::Granularity::{Daily, Monthly};
use aqs_api::calendar::{DateRule, Form, Granularity};
use aqs_api::endpoint::{Endpoint, Noun, Segment::Param as P, Segment::Word as W, Warm};
use aqs_api::param::{Param, Role};
use aqs_api::rows::{RowsBuilder, RowsError};
use aqs_api::source::KeyValue::{Const as C, Param as K};
use aqs_api::source::{Dimension, EventSource, Events, Figure, Grouping, Source, TableSource};
use aqs_api::table::{Column, Compression, Dataset, Layout, Table, bigint, double, int};
use aqs_api::target::Uri;
use aqs_api::{Catalogue, Dialect, Lookup, Representation, Rules, Target};

/// For the test that compares them with `endpoints.yaml`.
pub(crate) const ALL: &[&Endpoint] =
    &[&PER_FILE, &TOP_EDITORS, &EDITS, &TOP_BY_EDITS, &PER_EDITOR, &PLAYS, &GAP];

#[test]
fn they_make_one_catalogue() {
    Catalogue::new(ALL).unwrap();
}

const fn param(name: &'static str, example: &'static str, role: Role) -> Param {
    Param { name, key: name, summary: "", example, role }
}

const fn one_of(values: &'static [&'static str]) -> Role {
    Role::Enumeration { values, aliases: &[] }
}

const fn granularity(allowed: &'static [(Granularity, DateRule)]) -> Role {
    Role::Granularity { allowed, unrouted: &[], refusal: None }
}

const fn text_column(name: &'static str) -> Column {
    aqs_api::table::text(name)
}

/// The body that a query gets for rows.
fn body(
    endpoint: &'static Endpoint,
    path: &str,
    fill: impl FnOnce(&mut RowsBuilder) -> Result<(), RowsError>,
) -> String {
    let catalogue = Catalogue::new(Box::leak(Box::new([endpoint]))).unwrap();
    let query = catalogue.resolve(Target { dialect: endpoint.dialect, path }).unwrap();
    let mut rows = query.lookup().rows();
    fill(&mut rows).unwrap();
    let rows = rows.finish();
    let answer = aqs_api::shape(&query, &rows, &Rules::default()).unwrap();
    let Representation::Body(body) = aqs_api::render(&query, &answer).unwrap() else {
        panic!("no data");
    };
    String::from_utf8(body.identity.to_vec()).unwrap()
}

// --- shared parameters ---

static PROJECT: Param = param("project", "en.wikipedia", Role::Project { words: &[] });
static EDITOR_TYPE: Param = param(
    "editor-type",
    "user",
    one_of(&["all-editor-types", "anonymous", "group-bot", "name-bot", "user"]),
);
static PAGE_TYPE: Param =
    param("page-type", "content", one_of(&["all-page-types", "content", "non-content"]));
static START: Param = param("start", "20260101", Role::Start(None));
static END: Param = param("end", "20260131", Role::End);
static YEAR: Param = param("year", "2026", Role::Year);
static MONTH: Param = param("month", "01", Role::Month);
static DAY: Param = param("day", "15", Role::Day { aliases: &[] });

// --- media requests of a file: columns that are summed, months that are summed from days ---

const AGENTS: &[&str] = &["all-agents", "spider", "user"];
const REFERERS: &[&str] =
    &["all-referers", "internal", "external", "search-engine", "unknown", "none"];

static REFERER: Param =
    param("referer", "all-referers", Role::Referer { words: REFERERS, aliases: &[] });
static AGENT: Param = param("agent", "user", one_of(AGENTS));
static FILE_PATH: Param = Param { key: "file_path", ..param("file-path", "/a/b.jpg", Role::File) };
static FILE_GRANULARITY: Param = param(
    "granularity",
    "daily",
    granularity(&[(Daily, DateRule::DR1), (Monthly, DateRule::DR1M)]),
);

static PER_FILE_TABLE: Table = Table {
    layout: Layout::Restbase,
    name: "mediarequest_per_file",
    partition: &[
        text_column("referer"),
        text_column("file_path"),
        text_column("granularity").granularity(),
    ],
    clustering: &[text_column("timestamp").period(Form::Hour)],
    values: &[
        int("spider"),
        int("user"),
        int("poster_spider"),
        int("poster_user"),
        int("plays_spider"),
        int("plays_user"),
    ],
    compression: Compression::Deflate,
};
static PER_FILE_DAILY: Dataset = Dataset::new(
    "mediarequests-per-file-daily",
    &PER_FILE_TABLE,
    Daily,
    &["all-referers", "/a/b.jpg", "daily"],
);
static PER_FILE: Endpoint = Endpoint {
    name: "mediarequests/per-file",
    service: "media-analytics",
    summary: "How often a media file was requested",
    dialect: Dialect::V2,
    segments: &[
        W("mediarequests"),
        W("per-file"),
        P(&REFERER),
        P(&AGENT),
        P(&FILE_PATH),
        P(&FILE_GRANULARITY),
        P(&START),
        P(&END),
    ],
    source: Source::Table(&TableSource {
        table: &PER_FILE_TABLE,
        datasets: &[&PER_FILE_DAILY],
        partition: &[K(&REFERER), K(&FILE_PATH), C("daily")],
        list: None,
    }),
    body: Body::Items {
        item: &[
            body::param(&REFERER),
            body::param(&FILE_PATH),
            body::param(&FILE_GRANULARITY),
            TIMESTAMP,
            body::param(&AGENT),
            row(
                "requests",
                RowValue::Count(Count::SumBy(
                    &AGENT,
                    &[
                        ("all-agents", &["user", "spider"]),
                        ("spider", &["spider"]),
                        ("user", &["user"]),
                    ],
                )),
                "Requests of the file",
            ),
        ],
    },
    protect: &[],
    no_data: Some(Noun::Project),
    warm: Warm::No,
};

#[test]
fn counters_of_a_file_are_summed_by_agent_and_month() {
    let fill = |rows: &mut RowsBuilder| {
        for (day, spider, user) in [
            ("2026013100", Some(1), Some(10)),
            ("2026020100", None, Some(20)),
            ("2026020200", Some(3), None),
        ] {
            rows.text(0, Some(day))?;
            rows.int(1, spider)?;
            rows.int(2, user)?;
            (3..=6).try_for_each(|column| rows.int(column, Some(1000)))?;
            rows.end_row()?;
        }
        Ok(())
    };
    let path = "/mediarequests/per-file/All-Referers/All-Agents/%2Fa%2FGr%C3%BC%C3%9F,e.jpg";
    assert_eq!(
        body(&PER_FILE, &format!("{path}/daily/20260131/20260201"), fill),
        "{\"items\":[\
         {\"referer\":\"all-referers\",\"file_path\":\"/a/Gr%C3%BC%C3%9F%2Ce.jpg\",\"granularity\":\"daily\",\
         \"timestamp\":\"2026013100\",\"agent\":\"all-agents\",\"requests\":11},\
         {\"referer\":\"all-referers\",\"file_path\":\"/a/Gr%C3%BC%C3%9F%2Ce.jpg\",\"granularity\":\"daily\",\
         \"timestamp\":\"2026020100\",\"agent\":\"all-agents\",\"requests\":20},\
         {\"referer\":\"all-referers\",\"file_path\":\"/a/Gr%C3%BC%C3%9F%2Ce.jpg\",\"granularity\":\"daily\",\
         \"timestamp\":\"2026020200\",\"agent\":\"all-agents\",\"requests\":3}]}"
    );
    let monthly = "/mediarequests/per-file/all-referers/user/x.jpg/monthly/20260101/20260228";
    assert_eq!(
        body(&PER_FILE, monthly, fill),
        "{\"items\":[\
         {\"referer\":\"all-referers\",\"file_path\":\"x.jpg\",\"granularity\":\"monthly\",\
         \"timestamp\":\"2026010100\",\"agent\":\"user\",\"requests\":10},\
         {\"referer\":\"all-referers\",\"file_path\":\"x.jpg\",\"granularity\":\"monthly\",\
         \"timestamp\":\"2026020100\",\"agent\":\"user\",\"requests\":20}]}"
    );
}

// --- a top list of Commons: one row for each rank, and a context ---

static CATEGORY: Param = param("category", "Cats", Role::CommonsPage);
static SCOPE: Param = param("category-scope", "deep", one_of(&["shallow", "deep"]));
static EDIT_TYPE: Param =
    param("edit-type", "create", one_of(&["create", "update", "all-edit-types"]));

static TOP_EDITORS_TABLE: Table = Table {
    layout: Layout::Plain { keyspace: "commons" },
    name: "top_editors_monthly",
    partition: &[
        text_column("category"),
        text_column("category_scope"),
        text_column("edit_type"),
        int("year").year(),
        int("month").month(),
    ],
    clustering: &[int("rank").rank(), text_column("user_name")],
    values: &[bigint("edit_count")],
    compression: Compression::Default,
};
static TOP_EDITORS_MONTHLY: Dataset = Dataset::new(
    "commons-top-editors-monthly",
    &TOP_EDITORS_TABLE,
    Monthly,
    &["Cats", "deep", "all-edit-types"],
);
static TOP_EDITORS: Endpoint = Endpoint {
    name: "commons-analytics/top-editors-monthly",
    service: "commons-impact-analytics",
    summary: "The users who edit most in a category",
    dialect: Dialect::V2,
    segments: &[
        W("commons-analytics"),
        W("top-editors-monthly"),
        P(&CATEGORY),
        P(&SCOPE),
        P(&EDIT_TYPE),
        P(&YEAR),
        P(&MONTH),
    ],
    source: Source::Table(&TableSource {
        table: &TOP_EDITORS_TABLE,
        datasets: &[&TOP_EDITORS_MONTHLY],
        partition: &[K(&CATEGORY), K(&SCOPE), K(&EDIT_TYPE), K(&YEAR), K(&MONTH)],
        list: None,
    }),
    body: Body::Context {
        context: &[
            constant("endpoint", Constant::Text("commons-analytics/top-editors-monthly")),
            body::param(&CATEGORY),
            body::param(&SCOPE),
            body::param(&EDIT_TYPE),
            body::param(&YEAR),
            body::param(&MONTH),
        ],
        item: &[
            text("user_name", "The user's name").named("user-name"),
            count(&["edit_count"], "Edits of the month").named("edit-count"),
            count(&["rank"], "The rank by edits"),
        ],
    },
    protect: &[],
    no_data: Some(Noun::Category),
    warm: Warm::No,
};

const fn constant(key: &'static str, value: Constant) -> Field {
    Field { key, value: Value::Constant(value), description: "" }
}

#[test]
fn a_top_list_of_rows_has_a_context() {
    let path = "/commons-analytics/top-editors-monthly/Big%20cats/deep/create/2026/01";
    let body = body(&TOP_EDITORS, path, |rows| {
        for (rank, user, edits) in [(1, "A/\"b\"", 30), (1, "B", 30), (3, "Ç", 2)] {
            rows.int(0, Some(rank))?;
            rows.text(1, Some(user))?;
            rows.int(2, Some(edits))?;
            rows.end_row()?;
        }
        Ok(())
    });
    assert_eq!(
        body,
        "{\"context\":{\"endpoint\":\"commons-analytics/top-editors-monthly\",\
         \"category\":\"Big_cats\",\"category-scope\":\"deep\",\"edit-type\":\"create\",\
         \"year\":\"2026\",\"month\":\"01\"},\"items\":[\
         {\"user-name\":\"A/\\\"b\\\"\",\"edit-count\":30,\"rank\":1},\
         {\"user-name\":\"B\",\"edit-count\":30,\"rank\":1},\
         {\"user-name\":\"Ç\",\"edit-count\":2,\"rank\":3}]}"
    );
}

// --- edit events: a series and a top list ---

static EVENTS_GRANULARITY: Param = param(
    "granularity",
    "daily",
    granularity(&[(Daily, DateRule::DR5), (Monthly, DateRule::DR5M)]),
);

const DATASOURCE: &str = "mediawiki_history_reduced";
static EVENTS_DAILY: Dataset = Dataset::events("edit-events-daily", DATASOURCE, Daily);
static EVENTS_MONTHLY: Dataset = Dataset::events("edit-events-monthly", DATASOURCE, Monthly);

static EDITS: Endpoint = Endpoint {
    name: "edits/aggregate",
    service: "edit-analytics",
    summary: "How many edits a project had",
    dialect: Dialect::V2,
    segments: &[
        W("edits"),
        W("aggregate"),
        P(&PROJECT),
        P(&EDITOR_TYPE),
        P(&PAGE_TYPE),
        P(&EVENTS_GRANULARITY),
        P(&START),
        P(&END),
    ],
    source: Source::Events(&EventSource {
        datasets: &[&EVENTS_DAILY, &EVENTS_MONTHLY],
        events: Events::RevisionsKept,
        filters: &[
            (&PROJECT, Dimension::Project),
            (&EDITOR_TYPE, Dimension::UserType),
            (&PAGE_TYPE, Dimension::PageType),
        ],
        metric: "edits",
        figure: Figure::Events,
        grouping: Grouping::ByPeriod,
        columns: &[text_column("timestamp").period(Form::Day), bigint("edits")],
    }),
    body: Body::List {
        item: &[
            body::param(&PROJECT),
            body::param(&EDITOR_TYPE),
            body::param(&PAGE_TYPE),
            body::param(&EVENTS_GRANULARITY),
        ],
        list: "results",
        entry: &[timestamp(TimeForm::Rfc3339), count(&["edits"], "Edits")],
    },
    protect: &[],
    no_data: Some(Noun::Project),
    warm: Warm::No,
};

#[test]
fn events_are_of_no_table() {
    let catalogue = Catalogue::new(const { &[&EDITS] }).unwrap();
    assert_eq!(catalogue.datasets().len(), 2);
    assert!(catalogue.tables().is_empty());
    let Source::Events(events) = EDITS.source else { panic!("no events") };
    let datasets = const { &[&PER_FILE_DAILY, &EVENTS_MONTHLY] };
    let events = EventSource { datasets, ..*events };
    let source = Source::Events(Box::leak(Box::new(events)));
    let endpoint: &Endpoint = Box::leak(Box::new(Endpoint { source, ..EDITS }));
    let error =
        Catalogue::new(Box::leak(Box::new([endpoint]))).err().map(|error| error.to_string());
    let expected = "endpoint edits/aggregate: dataset \"mediarequests-per-file-daily\" has something \
                    else than the endpoint reads";
    assert_eq!(error.as_deref(), Some(expected));
}

#[test]
fn a_series_of_events_is_one_item_with_results() {
    let path = "/edits/aggregate/EN.wikipedia.org/user/content/daily/20220301/20220303";
    let body = body(&EDITS, path, |rows| {
        for (day, edits) in [("20220301", Some(9_007_199_254_740_993)), ("20220302", None)] {
            rows.text(0, Some(day))?;
            rows.int(1, edits)?;
            rows.end_row()?;
        }
        Ok(())
    });
    assert_eq!(
        body,
        "{\"items\":[{\"project\":\"en.wikipedia\",\"editor-type\":\"user\",\
         \"page-type\":\"content\",\"granularity\":\"daily\",\"results\":[\
         {\"timestamp\":\"2022-03-01T00:00:00.000Z\",\"edits\":9007199254740993},\
         {\"timestamp\":\"2022-03-02T00:00:00.000Z\",\"edits\":0}]}]}"
    );
}

// --- edits of a user, in AQS 1.0: another dialect, a longest span, and an empty list ---

static USER_TEXT: Param = param("user-text", "Jimbo Wales", Role::User);
static EDITOR_GRANULARITY: Param = param(
    "granularity",
    "daily",
    granularity(&[(Daily, DateRule::DR5.at_most(367)), (Monthly, DateRule::DR5M.at_most(367))]),
);
static PER_EDITOR: Endpoint = Endpoint {
    name: "edits/per-editor",
    service: "edit-analytics",
    summary: "How many edits a user made",
    dialect: Dialect::V1,
    segments: &[
        W("edits"),
        W("per-editor"),
        P(&PROJECT),
        P(&USER_TEXT),
        P(&PAGE_TYPE),
        P(&EDITOR_GRANULARITY),
        P(&START),
        P(&END),
    ],
    source: Source::Events(&EventSource {
        datasets: &[&EVENTS_DAILY, &EVENTS_MONTHLY],
        events: Events::RevisionsKept,
        filters: &[
            (&PROJECT, Dimension::Project),
            (&PAGE_TYPE, Dimension::PageType),
            (&USER_TEXT, Dimension::UserText),
        ],
        metric: "edits",
        figure: Figure::Events,
        grouping: Grouping::ByPeriod,
        columns: &[text_column("timestamp").period(Form::Day), bigint("edits")],
    }),
    body: Body::List {
        item: &[
            body::param(&PROJECT),
            body::param(&PAGE_TYPE),
            body::param(&USER_TEXT),
            body::param(&EDITOR_GRANULARITY),
        ],
        list: "results",
        entry: &[timestamp(TimeForm::Rfc3339), count(&["edits"], "Edits")],
    },
    protect: &[],
    no_data: None,
    warm: Warm::No,
};

#[test]
fn an_empty_list_can_be_the_answer() {
    let path = "/edits/per-editor/en.wikipedia/A%20b/content/daily/20170101/20170201";
    assert_eq!(
        body(&PER_EDITOR, path, |_| Ok(())),
        "{\"items\":[{\"project\":\"en.wikipedia\",\"page-type\":\"content\",\"user-text\":\"A b\",\
         \"granularity\":\"daily\",\"results\":[]}]}"
    );
}

#[test]
fn spans_can_have_a_limit() {
    let catalogue = Catalogue::new(const { &[&PER_EDITOR] }).unwrap();
    let resolve = |dates: &str| {
        let path = format!("/edits/per-editor/en.wikipedia/A/content/daily/{dates}");
        catalogue.resolve(Target { dialect: Dialect::V1, path: &path }).map(|_| ())
    };
    // 2024 has 366 days.
    assert!(resolve("20240101/20250102").is_ok());
    let fault = resolve("20240101/20250103").unwrap_err();
    assert_eq!(fault.status(), 400);
    let detail = fault.detail(Dialect::V1).to_string();
    assert_eq!(detail, "Query timespan is too long (max: ) 31708800 seconds");
}

#[test]
fn a_path_can_have_an_endpoint_of_each_dialect() {
    let other: &Endpoint =
        Box::leak(Box::new(Endpoint { name: "other", dialect: Dialect::V2, ..PER_EDITOR }));
    let catalogue = Catalogue::new(Box::leak(Box::new([&PER_EDITOR, other]))).unwrap();
    let path = "/edits/per-editor/en.wikipedia/A/content/daily/20170101/20170201";
    for (dialect, name) in [(Dialect::V1, "edits/per-editor"), (Dialect::V2, "other")] {
        let query = catalogue.resolve(Target { dialect, path }).unwrap();
        assert_eq!(query.endpoint().name, name);
    }
}

static TOP_BY_EDITS: Endpoint = Endpoint {
    name: "editors/top-by-edits",
    service: "editor-analytics",
    summary: "The users who edit a project most",
    dialect: Dialect::V2,
    segments: &[
        W("editors"),
        W("top-by-edits"),
        P(&PROJECT),
        P(&EDITOR_TYPE),
        P(&PAGE_TYPE),
        P(&YEAR),
        P(&MONTH),
        P(&DAY),
    ],
    source: Source::Events(&EventSource {
        datasets: &[&EVENTS_DAILY, &EVENTS_MONTHLY],
        events: Events::Revisions,
        filters: &[
            (&PROJECT, Dimension::Project),
            (&EDITOR_TYPE, Dimension::UserType),
            (&PAGE_TYPE, Dimension::PageType),
        ],
        metric: "edits",
        figure: Figure::Events,
        grouping: Grouping::Top(Dimension::UserText),
        columns: &[text_column("user_text"), bigint("edits")],
    }),
    body: Body::Top {
        item: &[
            body::param(&PROJECT),
            body::param(&EDITOR_TYPE),
            body::param(&PAGE_TYPE),
            constant("granularity", Constant::Granularity),
        ],
        entry: &[
            row("user_text", RowValue::Redacted("user_text"), "The user's name"),
            count(&["edits"], "Edits of the period"),
            row("rank", RowValue::Position, "The position in the list"),
        ],
    },
    protect: &[],
    no_data: Some(Noun::Project),
    warm: Warm::No,
};

#[test]
fn a_top_list_of_events_hides_ip_addresses() {
    let path = "/editors/top-by-edits/en.wikipedia/all-editor-types/content/2020/12/all-days";
    let body = body(&TOP_BY_EDITS, path, |rows| {
        for (user, edits) in [
            (Some("A"), Some(9)),
            (Some("2001:db8::1"), Some(8)),
            (Some("192.0.2.1"), None),
            (None, Some(1)),
        ] {
            rows.text(0, user)?;
            rows.int(1, edits)?;
            rows.end_row()?;
        }
        Ok(())
    });
    assert_eq!(
        body,
        "{\"items\":[{\"project\":\"en.wikipedia\",\"editor-type\":\"all-editor-types\",\
         \"page-type\":\"content\",\"granularity\":\"monthly\",\"results\":[\
         {\"timestamp\":\"2020-12-01T00:00:00.000Z\",\"top\":[\
         {\"user_text\":\"A\",\"edits\":9,\"rank\":1},\
         {\"user_text\":null,\"edits\":8,\"rank\":2},\
         {\"user_text\":null,\"edits\":0,\"rank\":3},\
         {\"user_text\":null,\"edits\":1,\"rank\":4}]}]}]}"
    );
}

// --- video plays, version 3: a context with dates, snake case, aliases ---

static PLAYS_REFERER: Param = Param {
    role: Role::Referer { words: REFERERS, aliases: &[("all_referers", "all-referers")] },
    ..REFERER
};
static PLAYS_AGENT: Param = Param {
    role: Role::Enumeration { values: AGENTS, aliases: &[("all_agents", "all-agents")] },
    ..AGENT
};
static PLAYS_GRANULARITY: Param = param(
    "granularity",
    "monthly",
    granularity(&[(Daily, DateRule::DR11), (Monthly, DateRule::DR11)]),
);
static PER_REFERER_TABLE: Table = Table {
    layout: Layout::Restbase,
    name: "mediarequest_per_referer",
    partition: &[
        text_column("referer"),
        text_column("media_type"),
        text_column("agent"),
        text_column("granularity").granularity(),
    ],
    clustering: &[text_column("timestamp").period(Form::Hour)],
    values: &[bigint("requests"), bigint("poster_requests"), bigint("play_requests")],
    compression: Compression::Default,
};
const fn plays_of(name: &'static str, granularity: Granularity) -> Dataset {
    let probe: &[&str] = match granularity {
        Monthly => &["all-referers", "video", "all-agents", "monthly"],
        Daily | Granularity::Hourly => &["all-referers", "video", "all-agents", "daily"],
    };
    Dataset::new(name, &PER_REFERER_TABLE, granularity, probe)
}
static PLAYS_DAILY: Dataset = plays_of("mediarequests-aggregate-daily", Daily);
static PLAYS_MONTHLY: Dataset = plays_of("mediarequests-aggregate-monthly", Monthly);

const fn loaded(
    key: &'static str,
    columns: &'static [&'static str],
    description: &'static str,
) -> Field {
    row(key, RowValue::CountIfLoaded(Count::FirstOf(columns)), description)
}

static PLAYS: Endpoint = Endpoint {
    name: "video_plays/v3/aggregate",
    service: "media-analytics",
    summary: "How often videos were played",
    dialect: Dialect::V2,
    segments: &[
        W("video_plays"),
        W("v3"),
        W("aggregate"),
        P(&PLAYS_REFERER),
        P(&PLAYS_AGENT),
        P(&PLAYS_GRANULARITY),
        P(&START),
        P(&END),
    ],
    source: Source::Table(&TableSource {
        table: &PER_REFERER_TABLE,
        datasets: &[&PLAYS_DAILY, &PLAYS_MONTHLY],
        partition: &[K(&PLAYS_REFERER), C("video"), K(&PLAYS_AGENT), K(&PLAYS_GRANULARITY)],
        list: None,
    }),
    body: Body::Context {
        context: &[
            constant("endpoint", Constant::Text("video_plays/v3/aggregate")),
            body::param(&PLAYS_REFERER),
            body::param(&PLAYS_AGENT),
            body::param(&PLAYS_GRANULARITY),
            constant("start", Constant::Start(TimeForm::Rfc3339)),
            constant("end", Constant::End(TimeForm::Rfc3339)),
        ],
        item: &[
            timestamp(TimeForm::Rfc3339),
            loaded("play_requests", &["play_requests"], "Plays"),
            loaded("poster_requests", &["poster_requests"], "Requests of posters"),
        ],
    },
    protect: &[],
    no_data: Some(Noun::Project),
    warm: Warm::No,
};

#[test]
fn version_three_has_dates_in_its_context() {
    let path = "/video_plays/v3/aggregate/all_referers/all_agents/monthly/20260301/20260501";
    const ONLY: &[&Endpoint] = &[&PLAYS];
    let catalogue = Catalogue::new(ONLY).unwrap();
    let query = catalogue.resolve(Target { dialect: Dialect::V2, path }).unwrap();
    let Lookup::Points(read) = query.lookup() else { panic!("no partition") };
    let partition: Vec<_> = read.partition.iter().collect();
    assert_eq!(partition, ["all-referers", "video", "all-agents", "monthly"]);
    // The end is not included.
    let (first, last) = read.range.unwrap();
    assert_eq!((first.as_str(), last.as_str()), ("2026030100", "2026043023"));
    let body = body(&PLAYS, path, |rows| {
        for (month, plays) in [("2026030100", Some(7)), ("2026040100", None)] {
            rows.text(0, Some(month))?;
            rows.int(1, Some(99))?;
            rows.int(2, Some(5))?;
            rows.int(3, plays)?;
            rows.end_row()?;
        }
        Ok(())
    });
    assert_eq!(
        body,
        "{\"context\":{\"endpoint\":\"video_plays/v3/aggregate\",\"referer\":\"all-referers\",\
         \"agent\":\"all-agents\",\"granularity\":\"monthly\",\
         \"start\":\"2026-03-01T00:00:00.000Z\",\"end\":\"2026-05-01T00:00:00.000Z\"},\"items\":[\
         {\"timestamp\":\"2026-03-01T00:00:00.000Z\",\"play_requests\":7,\"poster_requests\":5},\
         {\"timestamp\":\"2026-04-01T00:00:00.000Z\",\"play_requests\":0,\"poster_requests\":5}]}"
    );
}

/// Whether there is data in rows of the older and the newer columns.
fn has_plays(rows_of: &[[Option<i64>; 3]]) -> bool {
    const ONLY: &[&Endpoint] = &[&PLAYS];
    let catalogue = Catalogue::new(ONLY).unwrap();
    let path = "/video_plays/v3/aggregate/all_referers/user/monthly/20260101/20260501";
    let query = catalogue.resolve(Target { dialect: Dialect::V2, path }).unwrap();
    let mut rows = query.lookup().rows();
    for (month, counts) in ["2026010100", "2026020100", "2026030100"].into_iter().zip(rows_of) {
        rows.text(0, Some(month)).unwrap();
        for (index, count) in counts.iter().enumerate() {
            rows.int(index + 1, *count).unwrap();
        }
        rows.end_row().unwrap();
    }
    let rows = rows.finish();
    let answer = aqs_api::shape(&query, &rows, &Rules::default()).unwrap();
    matches!(aqs_api::render(&query, &answer).unwrap(), Representation::Body(_))
}

#[test]
fn rows_that_lack_the_new_counts_are_no_data() {
    let old = [Some(9), None, None];
    assert!(!has_plays(&[old, old]));
    assert!(has_plays(&[old, [Some(9), None, Some(0)]]));
    assert!(has_plays(&[old, [Some(9), Some(4), None], old]));
}

#[test]
fn version_three_has_the_faults_of_version_two() {
    const ONLY: &[&Endpoint] = &[&PLAYS];
    let catalogue = Catalogue::new(ONLY).unwrap();
    let plays = "/metrics/video_plays/v3/aggregate";
    for (rest, detail, extensions) in [
        (
            "all_referers/automated/daily/20260301/20260501",
            "agent should be equal to one of the allowed values: [all-agents, spider, user]",
            r#","parameter":"agent","allowed":["all-agents","spider","user"]"#,
        ),
        (
            "all_referers/user/daily/20260229/20260501",
            "start timestamp is invalid, must be a valid date in YYYYMMDD format",
            r#","parameter":"start""#,
        ),
        (
            "all_referers/user/daily/20260501/20260301",
            "start timestamp should be before the end timestamp",
            "",
        ),
    ] {
        let target = format!("{plays}/{rest}");
        let fault = catalogue.resolve(Target::parse(&target).unwrap()).unwrap_err();
        let mut document = Vec::new();
        fault.render(PLAYS.dialect, "get", Uri::of(&target), &mut document);
        assert_eq!(
            String::from_utf8(document).unwrap(),
            format!(
                "{{\"detail\":\"{detail}\",\"method\":\"get\",\"status\":400,\
                 \"title\":\"Bad Request\",\"type\":\"about:blank\",\"uri\":\"{target}\"{extensions}}}"
            )
        );
    }
}

// --- knowledge gaps: a period of another name, a column after it, doubles ---

static CONTENT_GAP: Param = param("content_gap", "gender", Role::Text);
static GAP_CATEGORY: Param = param("category", "all-categories", Role::Text);
static GAP_START: Param = param("start", "20220301", Role::Start(Some(DateRule::DR9)));

static GAP_TABLE: Table = Table {
    layout: Layout::Restbase,
    name: "knowledge_gap_by_category",
    partition: &[text_column("project"), text_column("category"), text_column("content_gap")],
    clustering: &[text_column("dt").period(Form::Day), text_column("metric")],
    values: &[double("value")],
    compression: Compression::Default,
};
static GAP_MONTHLY: Dataset = Dataset::new(
    "knowledge-gap-monthly",
    &GAP_TABLE,
    Monthly,
    &["en.wikipedia", "all-categories", "gender"],
);
static GAP: Endpoint = Endpoint {
    name: "knowledge-gap/per-category",
    service: "aqs1",
    summary: "How well the articles of a category cover a content gap",
    dialect: Dialect::V1,
    segments: &[
        W("knowledge-gap"),
        W("per-category"),
        P(&PROJECT),
        P(&CONTENT_GAP),
        P(&GAP_CATEGORY),
        P(&GAP_START),
        P(&END),
    ],
    source: Source::Table(&TableSource {
        table: &GAP_TABLE,
        datasets: &[&GAP_MONTHLY],
        partition: &[K(&PROJECT), K(&GAP_CATEGORY), K(&CONTENT_GAP)],
        list: None,
    }),
    body: Body::Items {
        item: &[
            body::param(&PROJECT),
            body::param(&GAP_CATEGORY),
            body::param(&CONTENT_GAP),
            TIMESTAMP.named("dt"),
            text("metric", "What is measured"),
            row("value", RowValue::Double("value"), "The measurement"),
        ],
    },
    protect: &[],
    no_data: Some(Noun::Project),
    warm: Warm::No,
};

#[test]
fn a_month_of_a_gap_has_a_row_for_each_metric() {
    let path = "/knowledge-gap/per-category/en.wikipedia.org/gender/men/20220301/2022043000";
    const ONLY: &[&Endpoint] = &[&GAP];
    let catalogue = Catalogue::new(ONLY).unwrap();
    let query = catalogue.resolve(Target { dialect: Dialect::V1, path }).unwrap();
    let Lookup::Points(read) = query.lookup() else { panic!("no partition") };
    assert_eq!(read.partition.iter().collect::<Vec<_>>(), ["en.wikipedia", "men", "gender"]);
    // Rows have days, so that the first is not left out.
    let (first, last) = read.range.unwrap();
    assert_eq!((first.as_str(), last.as_str()), ("20220301", "20220430"));
    let body = body(&GAP, path, |rows| {
        for (month, metric, value) in [
            ("20220301", "article_count", Some(12_345.0)),
            ("20220301", "quality_score", Some(0.25)),
            ("20220401", "article_count", None),
        ] {
            rows.text(0, Some(month))?;
            rows.text(1, Some(metric))?;
            rows.double(2, value)?;
            rows.end_row()?;
        }
        Ok(())
    });
    let item = r#"{"project":"en.wikipedia","category":"men","content_gap":"gender","dt":"#;
    assert_eq!(
        body,
        format!(
            "{{\"items\":[{item}\"20220301\",\"metric\":\"article_count\",\"value\":12345}},\
             {item}\"20220301\",\"metric\":\"quality_score\",\"value\":0.25}},\
             {item}\"20220401\",\"metric\":\"article_count\",\"value\":0}}]}}"
        )
    );
}

//! Against contract §4.2, §4.3 and §4.5, by hand.

use super::*;
use aqs_api::Catalogue;
use aqs_api::calendar::Form;
use aqs_api::table::{bigint, date, double, int, json, text, timestamp};
use aqs_api::tables::{
    PAGEVIEWS_PER_ARTICLE, PAGEVIEWS_PER_PROJECT, TOP_PAGEVIEWS, UNIQUE_DEVICES,
};

static ODD: Table = Table {
    layout: Layout::Restbase,
    name: "odd\"name",
    partition: &[text("select"), text("a-b")],
    clustering: &[bigint("rank")],
    values: &[int("as"), json("JSON \"x\"")],
    compression: Compression::Default,
};

#[test]
fn a_series_is_created_as_production_has_it() {
    assert_eq!(
        create_table(&UNIQUE_DEVICES),
        r#"CREATE TABLE IF NOT EXISTS "local_group_default_T_unique_devices"."data" (
    "_domain" text,
    "project" text,
    "access-site" text,
    "granularity" text,
    "timestamp" text,
    "_tid" timeuuid,
    "_del" timeuuid,
    "devices" bigint,
    "offset" bigint,
    "underestimate" bigint,
    PRIMARY KEY (("_domain", "project", "access-site", "granularity"), "timestamp", "_tid")
) WITH CLUSTERING ORDER BY ("timestamp" ASC, "_tid" DESC)
    AND compaction = {'class': 'LeveledCompactionStrategy'}"#
    );
}

#[test]
fn a_top_list_is_created_as_production_has_it() {
    assert_eq!(
        create_table(&TOP_PAGEVIEWS),
        r#"CREATE TABLE IF NOT EXISTS "local_group_default_T_top_pageviews"."data" (
    "_domain" text,
    "project" text,
    "access" text,
    "year" text,
    "month" text,
    "day" text,
    "_tid" timeuuid,
    "_del" timeuuid,
    "articlesJSON" text,
    "articles" text,
    PRIMARY KEY (("_domain", "project", "access", "year", "month", "day"), "_tid")
) WITH CLUSTERING ORDER BY ("_tid" DESC)
    AND compaction = {'class': 'LeveledCompactionStrategy'}"#
    );
}

#[test]
fn counts_of_articles_are_deflated() {
    let cql = create_table(&PAGEVIEWS_PER_ARTICLE);
    let packed = "AND compression = {'class': 'DeflateCompressor', 'chunk_length_in_kb': 256}";
    assert!(cql.ends_with(packed), "{cql}");
    for access in ["a", "d", "ma", "mw"] {
        for agent in ["a", "b", "s", "u"] {
            assert!(cql.contains(&format!("\n    \"{access}{agent}\" int,\n")), "{access}{agent}");
        }
    }
    assert!(!create_table(&PAGEVIEWS_PER_PROJECT).contains("compression"));
}

#[test]
fn the_domain_is_bound_for_token_routing() {
    assert_eq!(
        select(&UNIQUE_DEVICES, |_| true, true),
        r#"SELECT "timestamp", "devices", "offset", "underestimate" FROM "local_group_default_T_unique_devices"."data" WHERE "_domain" = ? AND "project" = ? AND "access-site" = ? AND "granularity" = ? AND "timestamp" >= ? AND "timestamp" <= ?"#
    );
    assert_eq!(
        select(&TOP_PAGEVIEWS, |_| true, false),
        r#"SELECT "articlesJSON", "articles" FROM "local_group_default_T_top_pageviews"."data" WHERE "_domain" = ? AND "project" = ? AND "access" = ? AND "year" = ? AND "month" = ? AND "day" = ?"#
    );
}

#[test]
fn a_missing_column_is_not_selected() {
    let new = select(&PAGEVIEWS_PER_PROJECT, |column| column.name != "views", false);
    assert!(new.starts_with(r#"SELECT "timestamp", "v" FROM "#), "{new}");
    let old = select(&PAGEVIEWS_PER_PROJECT, |column| column.name != "v", false);
    assert!(old.starts_with(r#"SELECT "timestamp", "views" FROM "#), "{old}");
}

#[test]
fn the_newest_row_of_a_series_is_the_last() {
    assert_eq!(
        newest(&UNIQUE_DEVICES),
        r#"SELECT "timestamp" FROM "local_group_default_T_unique_devices"."data" WHERE "_domain" = ? AND "project" = ? AND "access-site" = ? AND "granularity" = ? ORDER BY "timestamp" DESC LIMIT 1"#
    );
    assert_eq!(
        newest(&TOP_PAGEVIEWS),
        r#"SELECT "_tid" FROM "local_group_default_T_top_pageviews"."data" WHERE "_domain" = ? AND "project" = ? AND "access" = ? AND "year" = ? AND "month" = ? AND "day" = ? LIMIT 1"#
    );
}

#[test]
fn rows_are_written_with_the_constant_tid() {
    assert_eq!(
        insert(&UNIQUE_DEVICES),
        r#"INSERT INTO "local_group_default_T_unique_devices"."data" ("_domain", "project", "access-site", "granularity", "timestamp", "devices", "offset", "underestimate", "_tid") VALUES (?, ?, ?, ?, ?, ?, ?, ?, 13814000-1dd2-11b2-8080-808080808080) USING TIMESTAMP ?"#
    );
    assert_eq!(
        insert(&TOP_PAGEVIEWS),
        r#"INSERT INTO "local_group_default_T_top_pageviews"."data" ("_domain", "project", "access", "year", "month", "day", "articlesJSON", "articles", "_tid") VALUES (?, ?, ?, ?, ?, ?, ?, ?, 13814000-1dd2-11b2-8080-808080808080) USING TIMESTAMP ?"#
    );
}

#[test]
fn keyspaces_and_grants() {
    let name = keyspace(&UNIQUE_DEVICES);
    assert_eq!(name, "local_group_default_T_unique_devices");
    assert_eq!(
        create_keyspace(&name, &Replication::new([("eqiad".to_owned(), 3)])),
        r#"CREATE KEYSPACE IF NOT EXISTS "local_group_default_T_unique_devices" WITH replication = {'class': 'NetworkTopologyStrategy', 'eqiad': 3}"#
    );
    assert_eq!(
        grant(&name, "aqs"),
        r#"GRANT SELECT ON KEYSPACE "local_group_default_T_unique_devices" TO "aqs""#
    );
    assert_eq!(
        add_column(&UNIQUE_DEVICES, &bigint("late")),
        r#"ALTER TABLE "local_group_default_T_unique_devices"."data" ADD "late" bigint"#
    );
}

static EDITORS: Table = Table {
    layout: Layout::Plain { keyspace: "commons" },
    name: "top_editors_monthly",
    partition: &[text("category"), int("year").year(), int("month").month()],
    clustering: &[int("rank").rank(), text("user_name")],
    values: &[bigint("edit_count")],
    compression: Compression::Default,
};

static EDITOR_VIEWS: Table = Table {
    layout: Layout::Plain { keyspace: "analytics" },
    name: "pageviews_per_editor",
    partition: &[bigint("user_central_id"), text("granularity").granularity()],
    clustering: &[timestamp("dt").period(Form::Day)],
    values: &[double("view_count")],
    compression: Compression::Default,
};

static GAPS: Table = Table {
    layout: Layout::Restbase,
    name: "knowledge_gap_by_category",
    partition: &[text("project")],
    clustering: &[date("dt").period(Form::Day), text("metric")],
    values: &[double("value")],
    compression: Compression::Default,
};

#[test]
fn a_plain_table_has_its_columns_alone() {
    assert_eq!(keyspace(&EDITORS), "commons");
    assert_eq!(
        create_table(&EDITORS),
        r#"CREATE TABLE IF NOT EXISTS "commons"."top_editors_monthly" (
    "category" text,
    "year" int,
    "month" int,
    "rank" int,
    "user_name" text,
    "edit_count" bigint,
    PRIMARY KEY (("category", "year", "month"), "rank", "user_name")
) WITH CLUSTERING ORDER BY ("rank" ASC, "user_name" ASC)
    AND compaction = {'class': 'LeveledCompactionStrategy'}"#
    );
    assert_eq!(
        select(&EDITORS, |_| true, false),
        r#"SELECT "rank", "user_name", "edit_count" FROM "commons"."top_editors_monthly" WHERE "category" = ? AND "year" = ? AND "month" = ?"#
    );
    assert_eq!(
        newest(&EDITORS),
        r#"SELECT "rank" FROM "commons"."top_editors_monthly" WHERE "category" = ? AND "year" = ? AND "month" = ? LIMIT 1"#
    );
    assert_eq!(
        insert(&EDITORS),
        r#"INSERT INTO "commons"."top_editors_monthly" ("category", "year", "month", "rank", "user_name", "edit_count") VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"#
    );
}

#[test]
fn a_period_has_any_name_and_type() {
    let cql = create_table(&EDITOR_VIEWS);
    for column in [r#""user_central_id" bigint,"#, r#""dt" timestamp,"#, r#""view_count" double,"#]
    {
        assert!(cql.contains(column), "{cql}");
    }
    assert!(select(&EDITOR_VIEWS, |_| true, true).ends_with(r#" AND "dt" >= ? AND "dt" <= ?"#));
    assert!(newest(&EDITOR_VIEWS).ends_with(r#" ORDER BY "dt" DESC LIMIT 1"#));
}

#[test]
fn the_tid_follows_the_period() {
    let cql = create_table(&GAPS);
    assert!(cql.contains(r#""dt" date,"#), "{cql}");
    let key = r#"PRIMARY KEY (("_domain", "project"), "dt", "_tid", "metric")"#;
    assert!(cql.contains(key), "{cql}");
    assert!(cql.contains(r#"ORDER BY ("dt" ASC, "_tid" DESC, "metric" ASC)"#), "{cql}");
}

#[test]
fn any_name_is_quoted() {
    assert_eq!(data(&ODD), r#""local_group_default_T_odd""name"."data""#);
    let cql = insert(&ODD);
    let columns = r#"("_domain", "select", "a-b", "rank", "as", "JSON ""x""", "_tid")"#;
    assert!(cql.contains(columns), "{cql}");
    assert!(create_table(&ODD).contains(r#"("_tid" DESC, "rank" ASC)"#), "{cql}");
}

/// Cassandra takes no longer name of a keyspace, and some of ours just fit.
#[test]
fn keyspaces_fit() {
    let tables = Catalogue::standard().map(|catalogue| catalogue.tables()).unwrap_or_default();
    assert!(!tables.is_empty());
    for table in tables {
        let name = keyspace(table);
        assert!(name.len() <= 48, "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{name}");
    }
}

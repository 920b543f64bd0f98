use super::*;
use aqs_api::tables::{PAGEVIEWS_PER_ARTICLE, PAGEVIEWS_PER_PROJECT, TOP_BY_COUNTRY};
use aqs_origin::row::SinkError;
use aqs_origin::store::embedded::WriteError;

#[tokio::test]
async fn absent_keeps_null_clears_and_a_value_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
    let second = [Cell::Int(9), Cell::Absent, Cell::Null];
    load_devices(&path, &[devices("a", "20260101", second)]);
    let rows = read_devices(&open(&path), "a").await.unwrap();
    let column = |name| rows.ints(name).unwrap().iter().collect::<Vec<_>>();
    assert_eq!(column("devices"), [Some(9)]);
    assert_eq!(column("offset"), [Some(2)]);
    assert_eq!(column("underestimate"), [None]);

    // Absent cells of a new row are null, and a key alone is a row.
    let nothing = || [Cell::Absent, Cell::Absent, Cell::Absent];
    let new = [Cell::Absent, Cell::Int(5), Cell::Null];
    load_devices(&path, &[devices("a", "20260102", new), devices("a", "20260103", nothing())]);
    load_devices(&path, &[devices("a", "20260101", nothing())]);
    assert_eq!(devices_of(&open(&path), "a").await, [Some(9), None, None]);
}

#[test]
fn a_repeated_load_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let rows = [
        devices("a", "20260101", ints([1, 2, 3])),
        devices("b", "20260101", [Cell::Null, Cell::Absent, Cell::Int(0)]),
        devices("a", "20260102", ints([i64::MAX, i64::MIN, 0])),
    ];
    assert_eq!(load_devices(&path, &rows), ["unique-devices-daily"]);
    let once = dump(&path);
    assert!(load_devices(&path, &rows).is_empty());
    assert_eq!(dump(&path), once);
    // The same in one load.
    let other = folder.path().join("other.db");
    load_devices(&other, &[rows.as_slice(), rows.as_slice()].concat());
    assert_eq!(dump(&other), once);
}

#[tokio::test]
async fn titles_are_arbitrary_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let odd =
        ["\"", "'; DROP TABLE x; --", "🍌\u{200d}", "a\0b", "a\0c", "", "%_", "É", "E\u{301}"];
    let rows = odd.iter().zip(1..).map(|(title, count)| {
        let key = [text("en.wikipedia"), text(title), text("daily"), text("2026010100")];
        (&PAGEVIEWS_PER_ARTICLE, key.into_iter().chain(vec![Cell::Int(count); 16]).collect())
    });
    load(&path, &rows.collect::<Vec<_>>());
    let store = open(&path);
    for (title, count) in odd.iter().zip(1..) {
        let key = ["en.wikipedia", title, "daily"];
        let rows = store.read(&lookup("pageviews-per-article-daily", &key, None), &ctx()).await;
        let found: Vec<_> = rows.unwrap().ints("mwu").unwrap().iter().collect();
        assert_eq!(found, [Some(count)], "{title:?}");
    }
}

#[test]
fn a_bad_row_is_refused_and_others_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut writer = writer(&path);
    let project = |views| {
        let key = ["en", "all-access", "all-agents", "daily", "2026010100"].map(text);
        key.into_iter().chain([Cell::Int(1), Cell::Int(views)]).collect::<Vec<_>>()
    };
    let with = |at: usize, cell: Cell<'static>| {
        let mut cells = devices("a", "20260101", ints([1, 2, 3]));
        *cells.get_mut(at).unwrap() = cell;
        cells
    };
    for (table, cells, reason) in [
        (&UNIQUE_DEVICES, with(0, Cell::Null), "key column \"project\" must have a value"),
        (&UNIQUE_DEVICES, with(3, Cell::Absent), "key column \"timestamp\" must have a value"),
        (&UNIQUE_DEVICES, with(0, Cell::Int(1)), "\"project\" takes a text"),
        (&UNIQUE_DEVICES, with(4, text("1")), "\"devices\" takes an integer"),
        (&UNIQUE_DEVICES, with(3, text("2026010100")), "YYYYMMDD, not \"2026010100\""),
        (&UNIQUE_DEVICES, with(3, text("20260230")), "a day that exists"),
        (&UNIQUE_DEVICES, vec![], "7 cells, not 0"),
        (&PAGEVIEWS_PER_PROJECT, project(1 << 31), "\"views\" takes an integer of 32 bits"),
        (&TOP_BY_COUNTRY, ["en", "all", "2026", "1", "[]"].map(text).to_vec(), "\"month\""),
    ] {
        let SinkError::Store { table: named, reason: found } =
            writer.row(table, &cells).unwrap_err()
        else {
            panic!("not the store")
        };
        assert_eq!(named, table.name);
        assert!(found.contains(reason), "{found} / {reason}");
    }
    writer.row(&PAGEVIEWS_PER_PROJECT, &project(i64::from(i32::MAX))).unwrap();
    assert_eq!(writer.commit().unwrap().rows, 1);
}

/// A catalogue of the endpoints with a prefix.
fn part_of_catalogue(prefix: &str) -> Catalogue {
    let all = catalogue();
    let some = all.endpoints().map(|(_, endpoint)| endpoint);
    let some: Vec<_> = some.filter(|endpoint| endpoint.name.starts_with(prefix)).collect();
    assert!(!some.is_empty());
    Catalogue::new(some.leak()).unwrap()
}

#[tokio::test]
async fn a_store_of_an_older_program_is_read_and_updated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    // It has neither the table of devices nor the newer columns of another.
    let older = part_of_catalogue("legacy");
    StoreWriter::create(&path, &older, WriterOptions::default()).unwrap().commit().unwrap();
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(
        r#"CREATE TABLE "pageviews_per_project_v2" ("project" TEXT NOT NULL,
           "access" TEXT NOT NULL, "agent" TEXT NOT NULL, "granularity" TEXT NOT NULL,
           "timestamp" TEXT NOT NULL, "views" INTEGER,
           PRIMARY KEY ("project", "access", "agent", "granularity", "timestamp"))
           STRICT, WITHOUT ROWID;
           INSERT INTO "pageviews_per_project_v2" VALUES ('en', 'a', 'b', 'daily', '2026010100', 7)"#,
    )
    .unwrap();
    drop(conn);

    let store = open(&path);
    assert_eq!(devices_of(&store, "a").await, []);
    let key = ["en", "a", "b", "daily"];
    let views = lookup("pageviews-aggregate-daily", &key, Some(("2026010100", "2026010100")));
    let rows = store.read(&views, &ctx()).await.unwrap();
    assert!(rows.is_absent("v") && rows.ints("v").is_err());
    assert_eq!(rows.ints("views").unwrap().iter().collect::<Vec<_>>(), [Some(7)]);

    // A load adds what is missing, and the open store sees it.
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
    let row = key.into_iter().chain(["2026010100"]).map(text).chain([Cell::Int(8), Cell::Absent]);
    load(&path, &[(&PAGEVIEWS_PER_PROJECT, row.collect())]);
    assert_eq!(devices_of(&store, "a").await, [Some(1)]);
    let rows = store.read(&views, &ctx()).await.unwrap();
    assert!(!rows.is_absent("v"));
    assert_eq!(rows.ints("v").unwrap().iter().collect::<Vec<_>>(), [Some(8)]);
    assert_eq!(rows.ints("views").unwrap().iter().collect::<Vec<_>>(), [Some(7)]);
}

#[test]
fn a_table_with_another_key_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let older = part_of_catalogue("legacy");
    StoreWriter::create(&path, &older, WriterOptions::default()).unwrap().commit().unwrap();
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE unique_devices (project TEXT PRIMARY KEY) STRICT").unwrap();
    let before = dump(&path);
    let refused = StoreWriter::create_or_open(&path, &catalogue(), WriterOptions::default());
    assert!(
        matches!(refused, Err(WriteError::Table { table: "unique_devices", .. })),
        "{refused:?}"
    );
    assert_eq!(dump(&path), before);
}

use super::*;
use aqs_api::tables::{LEGACY_PAGECOUNTS, TOP_BY_COUNTRY, TOP_PAGEVIEWS};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// First, last and number of series of a dataset.
fn extent(store: &EmbeddedStore, name: &str) -> Option<(String, String, u64)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let coverage = runtime.block_on(store.coverage()).unwrap();
    let extent = coverage.get(dataset(name))?;
    Some((extent.first.as_str().into(), extent.last.as_str().into(), extent.series.unwrap()))
}

fn some(first: &str, last: &str, series: u64) -> Option<(String, String, u64)> {
    Some((first.to_owned(), last.to_owned(), series))
}

fn top<'a>(project: &'a str, date: [&'a str; 3]) -> (&'static Table, Vec<Cell<'a>>) {
    let [year, month, day] = date;
    let key = [project, "all-access", year, month, day, "[]"].map(text);
    (&TOP_PAGEVIEWS, key.into_iter().chain([Cell::Absent]).collect())
}

#[test]
fn every_calendar_has_its_extent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let country =
        |year, month| (&TOP_BY_COUNTRY, ["en", "all-access", year, month, "[]"].map(text).to_vec());
    let hours = |project, granularity, timestamp| {
        let key = [project, "all-sites", granularity, timestamp].map(text);
        (&LEGACY_PAGECOUNTS, key.into_iter().chain([Cell::Int(1)]).collect::<Vec<_>>())
    };
    load(
        &path,
        &[
            top("en", ["2026", "01", "31"]),
            top("de", ["2025", "12", "05"]),
            top("en", ["2026", "01", "02"]),
            top("en", ["2026", "01", "all-days"]),
            country("2026", "02"),
            country("2025", "11"),
            hours("en", "hourly", "2016010123"),
            hours("en", "hourly", "2016010100"),
            hours("de", "hourly", "2016010101"),
            hours("en", "monthly", "2016010100"),
        ],
    );
    let store = open(&path);
    assert_eq!(extent(&store, "pageviews-top-daily"), some("20251205", "20260131", 2));
    assert_eq!(extent(&store, "pageviews-top-monthly"), some("20260101", "20260101", 1));
    assert_eq!(extent(&store, "pageviews-top-by-country-monthly"), some("20251101", "20260201", 1));
    assert_eq!(extent(&store, "legacy-pagecounts-hourly"), some("2016010100", "2016010123", 2));
    assert_eq!(extent(&store, "legacy-pagecounts-monthly"), some("2016010100", "2016010100", 1));
    assert_eq!(extent(&store, "legacy-pagecounts-daily"), None);
    assert_eq!(extent(&store, "unique-devices-daily"), None);
}

#[tokio::test]
async fn a_version_changes_with_loads_that_change_something() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
    let store = open(&path);
    let versions = async || store.versions().await.unwrap();
    let at_first = versions().await;
    assert_eq!(at_first.len(), catalogue().datasets().len());
    assert_eq!(at_first["pageviews-top-daily"], 0);

    let mark = store.change_token().await.unwrap();
    assert_eq!(store.change_token().await.unwrap(), mark);
    load(&path, &[top("en", ["2026", "01", "01"])]);
    assert_ne!(store.change_token().await.unwrap(), mark);
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 4]))]);
    let later = versions().await;
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 4]))]);
    let at_last = versions().await;
    assert_eq!(at_last, later);
    assert_ne!(at_last["unique-devices-daily"], at_first["unique-devices-daily"]);
    assert_eq!(at_last["unique-devices-monthly"], 0);
    assert_ne!(at_last["pageviews-top-daily"], 0);
    assert_eq!(at_last["pageviews-top-monthly"], 0);
}

#[test]
fn a_dataset_that_is_newer_than_the_file_is_scanned_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let rows = [
        top("en", ["2026", "01", "02"]),
        top("de", ["2026", "01", "01"]),
        top("de", ["2026", "02", "all-days"]),
    ];
    load(&path, &rows);
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
    // As if an older program without these datasets had written the rows.
    let conn = Connection::open(&path).unwrap();
    conn.execute("DELETE FROM aqs_datasets", []).unwrap();
    drop(conn);
    load(&path, &[top("fr", ["2026", "01", "03"])]);
    let store = open(&path);
    assert_eq!(extent(&store, "pageviews-top-daily"), some("20260101", "20260103", 3));
    assert_eq!(extent(&store, "pageviews-top-monthly"), some("20260201", "20260201", 1));
    assert_eq!(extent(&store, "unique-devices-daily"), some("20260101", "20260101", 1));
    assert_eq!(extent(&store, "legacy-pagecounts-hourly"), None);
}

#[test]
fn invalid_dates_of_a_summary_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
    let conn = Connection::open(&path).unwrap();
    conn.execute("UPDATE aqs_datasets SET first = 'yesterday', last = '20260101'", []).unwrap();
    drop(conn);
    let store = open(&path);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let refused = runtime.block_on(store.coverage()).unwrap_err();
    assert!(refused.to_string().contains("\"yesterday\""), "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// In any order of rows, the summary equals a count of all rows.
    #[test]
    fn the_summary_equals_a_count_of_all_rows(
        loads in prop::collection::vec(
            prop::collection::vec((0..4usize, 1..4u8, 0..6u8), 0..12), 1..5
        ),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut daily: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        let mut monthly = daily.clone();
        for load_of in &loads {
            let texts: Vec<_> = load_of.iter().map(|(project, month, day)| {
                let day_text = if *day == 0 { "all-days".to_owned() } else { format!("{day:02}") };
                let (model, first) =
                    if *day == 0 { (&mut monthly, 1) } else { (&mut daily, *day) };
                model.entry(*project).or_default().insert(format!("2026{month:02}{first:02}"));
                (format!("p{project}"), format!("{month:02}"), day_text)
            }).collect();
            let rows: Vec<_> = texts.iter()
                .map(|(project, month, day)| top(project, ["2026", month, day]))
                .collect();
            load(&path, &rows);
            let store = open(&path);
            for (name, model) in
                [("pageviews-top-daily", &daily), ("pageviews-top-monthly", &monthly)]
            {
                let periods: BTreeSet<_> = model.values().flatten().collect();
                let expected = periods.first().zip(periods.last())
                    .and_then(|(first, last)| some(first, last, model.len() as u64));
                prop_assert_eq!(extent(&store, name), expected);
            }
        }
    }
}

#[tokio::test]
async fn projects_are_listed_by_how_much_of_them_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let one = ints([1, 2, 3]);
    load_devices(
        &path,
        &[
            devices("a.wiki", "20260101", one.clone()),
            devices("b.wiki", "20260101", one.clone()),
            devices("b.wiki", "20260102", one.clone()),
            // It stands for many projects.
            devices("all-wikipedia-projects", "20260101", one),
        ],
    );
    load(&path, &[top("c.wiki", ["2026", "01", "31"]), top("a.wiki", ["2026", "01", "31"])]);
    load(&path, &[top("a.wiki", ["2026", "01", "all-days"])]);
    let coverage = open(&path).coverage().await.unwrap();
    let projects: Vec<_> = coverage.projects().unwrap().iter().map(|it| it.to_string()).collect();
    assert_eq!(projects, ["a.wiki", "b.wiki", "c.wiki"]);
    assert!(coverage.lacks_project("d.wiki") && !coverage.lacks_project("c.wiki"));
    assert!(!coverage.lacks_project("all-projects"));
}

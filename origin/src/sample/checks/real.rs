//! Published figures come out as they went in, and nothing is added to their series.

use super::OUTPUT;
use crate::sample::bundled;
use aqs_api::Table;
use aqs_api::tables::{
    LEGACY_PAGECOUNTS, PAGEVIEWS_PER_ARTICLE, PAGEVIEWS_PER_PROJECT, TOP_BY_COUNTRY, TOP_PAGEVIEWS,
    UNIQUE_DEVICES,
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

type Row = Map<String, Value>;

fn partition<'a>(table: &Table, row: &'a Row) -> Vec<&'a str> {
    table.partition.iter().map(|column| row[column.name].as_str().unwrap()).collect()
}

/// Checks the rows of a file; gives how many figures there were, and the timestamps by partition.
fn check(
    table: &'static Table,
    file: &bundled::File,
) -> (usize, BTreeMap<Vec<String>, BTreeSet<String>>) {
    let (mut figures, mut stamps) = (0, BTreeMap::<_, BTreeSet<_>>::new());
    for row in file.rows::<Row>().unwrap() {
        let partition = partition(table, &row);
        let stamp = row["timestamp"].as_str().unwrap();
        let series = OUTPUT.series(table, &partition);
        let found = series.binary_search_by(|(other, _)| other.as_str().cmp(stamp));
        let numbers = &series[found.unwrap_or_else(|_| panic!("{partition:?} {stamp}"))].1;
        for (column, number) in table.values.iter().zip(numbers) {
            if let Some(published) = row.get(column.name) {
                assert_eq!(*number, published.as_i64(), "{partition:?} {stamp} {}", column.name);
                figures += 1;
            }
        }
        let partition = partition.into_iter().map(str::to_owned).collect();
        stamps.entry(partition).or_default().insert(stamp.to_owned());
    }
    (figures, stamps)
}

fn nothing_added(table: &'static Table, stamps: &BTreeMap<Vec<String>, BTreeSet<String>>) {
    for (partition, stamps) in stamps {
        let partition: Vec<&str> = partition.iter().map(String::as_str).collect();
        // The one exception: days of these months are asked for.
        if table.name == UNIQUE_DEVICES.name && partition == ["en.wikipedia", "all-sites", "daily"]
        {
            continue;
        }
        let written = OUTPUT.series(table, &partition).iter().map(|(stamp, _)| stamp.clone());
        assert_eq!(&written.collect::<BTreeSet<_>>(), stamps, "{partition:?}");
    }
}

#[test]
fn of_articles() {
    let (figures, stamps) = check(&PAGEVIEWS_PER_ARTICLE, &bundled::PER_ARTICLE);
    assert_eq!((figures, stamps.len()), (40_957, 740));
    nothing_added(&PAGEVIEWS_PER_ARTICLE, &stamps);
}

#[test]
fn of_projects_and_devices() {
    for (table, file, expected) in [
        (&PAGEVIEWS_PER_PROJECT, &bundled::PER_PROJECT, 266),
        (&LEGACY_PAGECOUNTS, &bundled::LEGACY, 128),
        (&UNIQUE_DEVICES, &bundled::UNIQUE_DEVICES, 30),
    ] {
        let (figures, stamps) = check(table, file);
        assert_eq!(figures, expected, "{}", table.name);
        nothing_added(table, &stamps);
    }
}

#[test]
fn of_lists() {
    for (table, file) in [(&TOP_PAGEVIEWS, &bundled::TOP), (&TOP_BY_COUNTRY, &bundled::BY_COUNTRY)]
    {
        let rows = file.rows::<Row>().unwrap();
        assert_eq!(rows.len(), 1);
        for row in rows {
            let published = row[table.values[0].name].as_str();
            assert_eq!(OUTPUT.list(table, &partition(table, &row)), published);
        }
    }
    let ukrainian = OUTPUT.all_lists(&TOP_BY_COUNTRY).filter(|(key, _)| key[0] == "uk.wikipedia");
    assert_eq!(ukrainian.count(), 1);
}

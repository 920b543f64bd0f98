//! How much there is, in which order, and that it is always the same.

use super::OUTPUT;
use crate::sample::{END, VERSION};
use aqs_api::table::{Calendar, Kind, Table};
use aqs_api::tables::{
    LEGACY_PAGECOUNTS, PAGEVIEWS_PER_ARTICLE, PAGEVIEWS_PER_PROJECT, TOP_BY_COUNTRY, TOP_PAGEVIEWS,
    TOP_PER_COUNTRY, UNIQUE_DEVICES,
};

#[test]
fn the_output_is_that_of_its_version() {
    // Whoever changes the output raises VERSION, so that stores filled before are not used.
    assert_eq!((VERSION, OUTPUT.hash), (1, 3_571_208_130_909_999_328));
}

#[test]
fn there_are_enough_rows_and_not_too_many() {
    assert!(OUTPUT.summary.rows() <= 1_500_000, "{:?}", OUTPUT.summary);
    let rows = |table: &Table| {
        let mut tables = OUTPUT.summary.tables.iter();
        tables.find(|(name, _)| *name == table.name).map_or(0, |(_, rows)| *rows)
    };
    assert_eq!(OUTPUT.summary.tables.len(), 7);
    assert!(rows(&PAGEVIEWS_PER_ARTICLE) > 400_000);
    assert!(rows(&PAGEVIEWS_PER_PROJECT) > 400_000);
    assert!(rows(&TOP_PAGEVIEWS) > 5_000);
    assert!(rows(&TOP_BY_COUNTRY) > 1_000);
    assert!(rows(&TOP_PER_COUNTRY) > 1_000);
    assert!(rows(&UNIQUE_DEVICES) > 40_000);
    assert!(rows(&LEGACY_PAGECOUNTS) > 1_000);
}

#[test]
fn keys_ascend() {
    assert_eq!(OUTPUT.disordered, Vec::<String>::new());
}

#[test]
fn numbers_fit_their_columns_and_none_is_negative() {
    for table in [&PAGEVIEWS_PER_ARTICLE, &PAGEVIEWS_PER_PROJECT, &UNIQUE_DEVICES] {
        for (partition, series) in OUTPUT.all_series(table) {
            for (stamp, numbers) in series {
                for (column, number) in table.values.iter().zip(numbers) {
                    let most =
                        if column.kind == Kind::Int { i64::from(i32::MAX) } else { i64::MAX };
                    let fits = number.is_none_or(|number| (0..=most).contains(&number));
                    assert!(fits, "{partition:?} {stamp} {number:?}");
                }
            }
        }
    }
}

#[test]
fn nothing_is_later_than_the_end() {
    let last = format!("{:04}{:02}{:02}", END.year(), END.month(), END.day());
    let tables: [&'static Table; 4] =
        [&PAGEVIEWS_PER_ARTICLE, &PAGEVIEWS_PER_PROJECT, &UNIQUE_DEVICES, &LEGACY_PAGECOUNTS];
    for table in tables {
        let Calendar::Series(form) = table.calendar else { panic!("{} is a series", table.name) };
        let length = if form == aqs_api::calendar::Form::Day { 8 } else { 10 };
        for (partition, series) in OUTPUT.all_series(table) {
            for (stamp, _) in series {
                assert_eq!(stamp.len(), length, "{partition:?}");
                assert!(aqs_api::calendar::Hour::parse(stamp).is_some(), "{partition:?} {stamp}");
                assert!(stamp[..8] <= *last, "{partition:?} {stamp}");
            }
        }
    }
}

use super::*;
use aqs_api::table::{Compression, Layout, bigint, date, double, int, text, timestamp};
use aqs_api::tables::{PAGEVIEWS_PER_PROJECT, TOP_PAGEVIEWS};
use bytes::Bytes;
use scylla::deserialize::FrameSlice;
use scylla::frame::response::result::{ColumnSpec, TableSpec};
use scylla_cql_core::deserialize::result::RawRowIterator;
use std::collections::HashMap;

/// A frame's rows: each cell's length, -1 for null, and its bytes.
fn frame(cells: &[Option<&[u8]>]) -> Vec<u8> {
    let mut frame = Vec::new();
    for cell in cells {
        let length = cell.map_or(-1, |bytes| bytes.len() as i32);
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(cell.unwrap_or_default());
    }
    frame
}

fn decoder(
    table: &'static Table,
    columns: &[(&str, NativeType)],
) -> Result<RowDecoder, UnfitColumn> {
    let types = columns.iter().map(|(name, native)| (*name, CqlType::Native(native.clone())));
    let types: HashMap<_, _> = types.collect();
    RowDecoder::new(table, |name| types.get(name))
}

/// Decodes a page of `rows` rows and `columns` columns.
fn take(
    partition: &mut PartitionDecoder<'_>,
    rows: usize,
    columns: usize,
    frame: &Bytes,
) -> Result<(), DecodeError> {
    // The types of the frame are not used: the decoder knows them.
    let blob = CqlType::Native(NativeType::Blob);
    let spec = |_| ColumnSpec::borrowed("c", blob.clone(), TableSpec::borrowed("k", "t"));
    let specs: Vec<ColumnSpec<'_>> = (0..columns).map(spec).collect();
    let rows = RawRowIterator::new(rows, &specs, FrameSlice::new(frame));
    partition.decode(TypedRowIterator::new(rows).unwrap())
}

/// Decodes rows of `width` columns, and checks that pages of any length give the same.
fn read(decoder: &RowDecoder, width: usize, cells: &[Option<&[u8]>]) -> Result<Rows, DecodeError> {
    let rows = cells.len() / width;
    let in_pages = |length: usize| {
        let mut partition = decoder.start();
        for page in cells.chunks(length * width) {
            take(&mut partition, page.len() / width, width, &frame(page).into())?;
            // A page may be empty, and others follow.
            take(&mut partition, 0, width, &Bytes::new())?;
        }
        Ok::<_, DecodeError>(partition.finish())
    };
    let whole = in_pages(rows.max(1))?;
    for length in 1..rows {
        assert_eq!(in_pages(length)?, whole, "in pages of {length} rows");
    }
    Ok(whole)
}

#[test]
fn integers_of_every_width_are_decoded() {
    for (kind, bytes, expected) in [
        (NativeType::TinyInt, &[0xff][..], -1),
        (NativeType::SmallInt, &[0x01, 0x00][..], 256),
        (NativeType::Int, &[0x7f, 0xff, 0xff, 0xff][..], i64::from(i32::MAX)),
        (NativeType::Int, &[0x80, 0, 0, 0][..], i64::from(i32::MIN)),
        (NativeType::BigInt, &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..], i64::MAX),
        (NativeType::Counter, &[0, 0, 0, 0, 0, 0, 0, 7][..], 7),
        (NativeType::Varint, &[0xff, 0x7f][..], -129),
        (NativeType::Varint, &[0x00, 0x80][..], 128),
    ] {
        let reading = decoder(
            &PAGEVIEWS_PER_PROJECT,
            &[("timestamp", NativeType::Text), ("v", kind.clone())],
        )
        .unwrap();
        let rows = read(&reading, 2, &[Some(b"2024010100"), Some(bytes)]).unwrap();
        let values: Vec<_> = rows.ints("v").unwrap().iter().collect();
        assert_eq!(values, [Some(expected)], "{kind:?} {bytes:?}");
    }
}

#[test]
fn nulls_are_null_and_missing_columns_are_errors() {
    let reading = decoder(
        &PAGEVIEWS_PER_PROJECT,
        &[("timestamp", NativeType::Ascii), ("views", NativeType::Int)],
    )
    .unwrap();
    let rows =
        read(&reading, 2, &[Some(b"2024010100"), None, Some(b"2024010200"), Some(b"")]).unwrap();
    assert_eq!(rows.ints("views").unwrap().iter().collect::<Vec<_>>(), [None, None]);
    assert!(rows.is_absent("v") && rows.ints("v").is_err());
    assert_eq!(reading.missing_columns().collect::<Vec<_>>(), ["v"]);
}

#[test]
fn nulls_may_precede_values() {
    let reading = decoder(
        &TOP_PAGEVIEWS,
        &[("articlesJSON", NativeType::Text), ("articles", NativeType::Text)],
    )
    .unwrap();
    let texts = |cells: &[Option<&[u8]>]| {
        // Each row is a partition of its own.
        cells
            .chunks(2)
            .map(|row| {
                let rows = read(&reading, 2, row).unwrap();
                let text = |name| rows.texts(name).unwrap().get(0).map(str::to_owned);
                [text("articlesJSON"), text("articles")]
            })
            .collect::<Vec<_>>()
    };
    let found = texts(&[None, None, None, Some(b"[1]"), Some(b"[2]"), None]);
    assert_eq!(found, [[None, None], [None, Some("[1]".into())], [Some("[2]".into()), None]]);

    let reading =
        decoder(&PAGEVIEWS_PER_PROJECT, &[("timestamp", NativeType::Text), ("v", NativeType::Int)])
            .unwrap();
    let cells: [Option<&[u8]>; 4] = [None, None, Some(b"2024010100"), Some(&[0, 0, 0, 1])];
    let rows = read(&reading, 2, &cells).unwrap();
    assert_eq!(rows.ints("v").unwrap().iter().collect::<Vec<_>>(), [None, Some(1)]);
}

#[test]
fn older_versions_of_a_row_are_skipped() {
    let reading =
        decoder(&PAGEVIEWS_PER_PROJECT, &[("timestamp", NativeType::Text), ("v", NativeType::Int)])
            .unwrap();
    let one = |value: u8| vec![0, 0, 0, value];
    let (new, old, next) = (one(2), one(1), one(3));
    let cells: [Option<&[u8]>; 6] = [
        Some(b"2024010100"),
        Some(&new),
        Some(b"2024010100"),
        Some(&old),
        Some(b"2024010200"),
        Some(&next),
    ];
    let rows = read(&reading, 2, &cells).unwrap();
    assert_eq!(rows.ints("v").unwrap().iter().collect::<Vec<_>>(), [Some(2), Some(3)]);

    // Without clustering columns there is one row.
    let reading = decoder(&TOP_PAGEVIEWS, &[("articlesJSON", NativeType::Text)]).unwrap();
    let rows = read(&reading, 1, &[Some(b"[2]"), Some(b"[1]")]).unwrap();
    assert_eq!(rows.texts("articlesJSON").unwrap().iter().collect::<Vec<_>>(), [Some("[2]")]);
}

#[test]
fn an_invalid_timestamp_fails_only_readers_of_timestamps() {
    let reading = decoder(
        &PAGEVIEWS_PER_PROJECT,
        &[("timestamp", NativeType::Text), ("v", NativeType::BigInt)],
    )
    .unwrap();
    let cells: [Option<&[u8]>; 4] = [Some(b"2024010100"), Some(&[0; 8]), Some(b"soon"), None];
    let rows = read(&reading, 2, &cells).unwrap();
    assert_eq!(rows.ints("v").unwrap().iter().collect::<Vec<_>>(), [Some(0), None]);
    let error = rows.timestamps().unwrap_err().to_string();
    assert!(error.contains("\"soon\" is no timestamp"), "{error}");
}

#[test]
fn misfits_are_named() {
    let columns = [("timestamp", NativeType::Text), ("v", NativeType::Boolean)];
    assert_eq!(
        decoder(&PAGEVIEWS_PER_PROJECT, &columns).unwrap_err().to_string(),
        "column \"v\" is of type boolean instead of an integer"
    );

    let columns = [("timestamp", NativeType::Text), ("v", NativeType::BigInt)];
    let reading = decoder(&PAGEVIEWS_PER_PROJECT, &columns).unwrap();
    let long = read(&reading, 2, &[Some(b"2024010100"), Some(&[0; 9])]).unwrap_err();
    assert!(matches!(long, DecodeError::Cell { column: "v", .. }), "{long}");
    let latin1 = read(&reading, 2, &[Some(&[0xe9]), None]).unwrap_err();
    assert!(matches!(latin1, DecodeError::Cell { column: "timestamp", .. }), "{latin1}");
}

#[test]
fn a_truncated_page_is_refused() {
    let columns = [("timestamp", NativeType::Text), ("v", NativeType::BigInt)];
    let reading = decoder(&PAGEVIEWS_PER_PROJECT, &columns).unwrap();
    // The second row is another one, or an older version of the first.
    for timestamp in [&b"2024010200"[..], b"2024010100"] {
        let bytes = frame(&[Some(b"2024010100"), Some(&[0; 8]), Some(timestamp), Some(&[0; 8])]);
        for length in 0..bytes.len() {
            let cut = Bytes::copy_from_slice(&bytes[..length]);
            let error = take(&mut reading.start(), 2, 2, &cut).unwrap_err();
            assert!(matches!(error, DecodeError::Page(_)), "{error}");
        }
    }
    let nulls = frame(&[None; 5]).into();
    let error = take(&mut reading.start(), 3, 2, &nulls).unwrap_err();
    assert!(matches!(error, DecodeError::Page(_)), "{error}");
}

#[test]
fn rows_with_another_number_of_columns_are_refused() {
    let columns = [("timestamp", NativeType::Text), ("v", NativeType::BigInt)];
    let reading = decoder(&PAGEVIEWS_PER_PROJECT, &columns).unwrap();
    let cells: [Option<&[u8]>; 3] = [Some(b"2024010100"), Some(&[0; 8]), Some(&[0; 8])];
    for width in [1, 3] {
        let error = read(&reading, width, &cells[..width]).unwrap_err();
        let expected = format!("the rows have {width} columns instead of 2");
        assert_eq!(error.to_string(), expected);
        // Before any row is decoded: the page may claim any number of them.
        let error = take(&mut reading.start(), usize::MAX, width, &Bytes::new()).unwrap_err();
        assert_eq!(error.to_string(), expected);
        // An empty page has no columns to compare.
        take(&mut reading.start(), 0, width, &Bytes::new()).unwrap();
    }
}

/// A table of RESTBase's layout, with this period and a column after it.
fn gaps(period: Column) -> &'static Table {
    Box::leak(Box::new(Table {
        layout: Layout::Restbase,
        name: "gaps",
        partition: &[],
        clustering: vec![period, text("metric")].leak(),
        values: vec![double("value")].leak(),
        compression: Compression::Default,
    }))
}

#[test]
fn periods_of_every_type_are_digits() {
    let read_period = |period: Column, native: NativeType, bytes: &[u8]| {
        let types = [("dt", native), ("metric", NativeType::Text), ("value", NativeType::Double)];
        let reading = decoder(gaps(period), &types).map_err(|error| error.to_string())?;
        let value = 0.5_f64.to_be_bytes();
        let rows = read(&reading, 3, &[Some(bytes), Some(b"m"), Some(&value)]);
        let rows = rows.map_err(|error| error.to_string())?;
        assert_eq!(rows.doubles("value").unwrap().or_zero(), [0.5]);
        Ok::<_, String>(
            rows.timestamps().map_err(|error| error.to_string())?[0].as_str().to_owned(),
        )
    };
    let day = || Ok("20250101".to_owned());
    let millis = 1_735_689_600_000_i64;
    let begin = millis.to_be_bytes();
    let of_day = timestamp("dt").period(Form::Day);
    assert_eq!(read_period(text("dt").period(Form::Day), NativeType::Text, b"20250101"), day());
    assert_eq!(read_period(of_day, NativeType::Timestamp, &begin), day());
    let days = (0x8000_0000_u32 + 20_089).to_be_bytes();
    assert_eq!(read_period(date("dt").period(Form::Day), NativeType::Date, &days), day());
    let hour = (millis + 3_600_000).to_be_bytes();
    let of_hour = timestamp("dt").period(Form::Hour);
    let hourly = read_period(of_hour, NativeType::Timestamp, &hour);
    assert_eq!(hourly.as_deref(), Ok("2025010101"));
    // A moment that begins no period, or no moment.
    let later = (millis + 1).to_be_bytes();
    for bytes in [&hour[..], &later, &[], &begin[..4]] {
        let error = read_period(of_day, NativeType::Timestamp, bytes).unwrap_err();
        assert!(error.starts_with("column \"dt\" holds the bytes"), "{error}");
    }
    let other = read_period(of_day, NativeType::Date, &days).unwrap_err();
    assert_eq!(other, "column \"dt\" is of type date instead of a timestamp");
}

#[test]
fn older_versions_are_skipped_where_columns_follow_the_tid() {
    let types =
        [("dt", NativeType::Text), ("metric", NativeType::Text), ("value", NativeType::Double)];
    let reading = decoder(gaps(text("dt").period(Form::Day)), &types).unwrap();
    let values: Vec<_> = (0..6).map(|value| f64::from(value).to_be_bytes()).collect();
    let row = |dt: &'static [u8], metric: &'static [u8], value: usize| {
        [Some(dt), Some(metric), Some(&values[value][..])]
    };
    let cells = [
        row(b"20250101", b"a", 0),
        row(b"20250101", b"b", 1),
        // The same period with an older `_tid`.
        row(b"20250101", b"a", 2),
        row(b"20250101", b"b", 3),
        row(b"20250201", b"a", 4),
        row(b"20250201", b"b", 5),
    ];
    let rows = read(&reading, 3, &cells.concat()).unwrap();
    assert_eq!(rows.doubles("value").unwrap().or_zero(), [0.0, 1.0, 4.0, 5.0]);
}

#[test]
fn rows_of_a_plain_table_have_no_versions() {
    static PLAIN: Table = Table {
        layout: Layout::Plain { keyspace: "k" },
        name: "t",
        partition: &[],
        clustering: &[int("rank").rank(), text("user")],
        values: &[],
        compression: Compression::Default,
    };
    let reading =
        decoder(&PLAIN, &[("rank", NativeType::Int), ("user", NativeType::Text)]).unwrap();
    let one = 1_i32.to_be_bytes();
    let cells: [Option<&[u8]>; 4] = [Some(&one), Some(b"B"), Some(&one), Some(b"A")];
    let rows = read(&reading, 2, &cells).unwrap();
    assert_eq!(rows.texts("user").unwrap().iter().collect::<Vec<_>>(), [Some("B"), Some("A")]);
}

#[test]
fn keys_are_bound_to_integers_of_both_widths() {
    let is_bindable =
        |column: Column, native| super::is_bindable(&column, &CqlType::Native(native));
    for native in [NativeType::Int, NativeType::BigInt] {
        assert!(is_bindable(int("year"), native.clone()));
        assert!(is_bindable(bigint("user"), native));
    }
    assert!(!is_bindable(int("year"), NativeType::Varint));
    assert!(!is_bindable(int("year"), NativeType::Text));
    assert!(is_bindable(text("year"), NativeType::Text));
    assert!(!is_bindable(text("year"), NativeType::Int));
}

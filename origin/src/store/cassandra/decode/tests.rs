use super::*;
use aqs_api::tables::{PAGEVIEWS_PER_PROJECT, TOP_PAGEVIEWS};
use scylla::deserialize::FrameSlice;
use scylla::frame::response::result::{ColumnSpec, ColumnType, NativeType, TableSpec};

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

fn plan(table: &'static Table, columns: &[(&str, &str)]) -> Result<Plan, UnfitColumn> {
    let type_of =
        |name: &str| columns.iter().find(|(held, _)| *held == name).map(|(_, kind)| *kind);
    Plan::of(table, type_of)
}

/// Reads rows of so many columns, which are the same however they are split into pages. The
/// driver's own types don't matter: the plan knows them.
fn read(plan: &Plan, width: usize, cells: &[Option<&[u8]>]) -> Result<Rows, Broken> {
    let spec = |_| {
        ColumnSpec::borrowed(
            "c",
            ColumnType::Native(NativeType::Blob),
            TableSpec::borrowed("k", "t"),
        )
    };
    let specs: Vec<ColumnSpec<'_>> = (0..width).map(spec).collect();
    let rows: Vec<Vec<u8>> = cells.chunks(width).map(frame).collect();
    let in_pages = |length: usize| {
        let mut filling = plan.start();
        for page in rows.chunks(length) {
            let frames = page.iter().map(|row| FrameSlice::new_borrowed(row));
            filling.page(frames.map(|row| Ok(ColumnIterator::new(&specs, row))), true)?;
            // A page may be empty, and others follow.
            filling.page(std::iter::empty(), true)?;
        }
        Ok::<_, Broken>(filling.finish())
    };
    let whole = in_pages(rows.len().max(1))?;
    for length in 1..rows.len() {
        assert_eq!(in_pages(length)?, whole, "in pages of {length} rows");
    }
    Ok(whole)
}

#[test]
fn integers_of_every_width_are_alike() {
    for (kind, bytes, expected) in [
        ("tinyint", &[0xff][..], -1),
        ("smallint", &[0x01, 0x00][..], 256),
        ("int", &[0x7f, 0xff, 0xff, 0xff][..], i64::from(i32::MAX)),
        ("int", &[0x80, 0, 0, 0][..], i64::from(i32::MIN)),
        ("bigint", &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..], i64::MAX),
        ("counter", &[0, 0, 0, 0, 0, 0, 0, 7][..], 7),
        ("varint", &[0xff, 0x7f][..], -129),
        ("varint", &[0x00, 0x80][..], 128),
    ] {
        let reading = plan(&PAGEVIEWS_PER_PROJECT, &[("timestamp", "text"), ("v", kind)]).unwrap();
        let rows = read(&reading, 2, &[Some(b"2024010100"), Some(bytes)]).unwrap();
        let values: Vec<_> = rows.ints("v").unwrap().iter().collect();
        assert_eq!(values, [Some(expected)], "{kind} {bytes:?}");
    }
}

#[test]
fn null_and_what_is_lacking_are_null() {
    let reading =
        plan(&PAGEVIEWS_PER_PROJECT, &[("timestamp", "ascii"), ("views", "int")]).unwrap();
    let rows =
        read(&reading, 2, &[Some(b"2024010100"), None, Some(b"2024010200"), Some(b"")]).unwrap();
    assert_eq!(rows.ints("views").unwrap().iter().collect::<Vec<_>>(), [None, None]);
    assert_eq!(rows.ints("v").unwrap().iter().collect::<Vec<_>>(), [None, None]);
}

#[test]
fn of_rows_that_differ_in_tid_the_first_is_taken() {
    let reading = plan(&PAGEVIEWS_PER_PROJECT, &[("timestamp", "text"), ("v", "int")]).unwrap();
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
    let reading = plan(&TOP_PAGEVIEWS, &[("articlesJSON", "text")]).unwrap();
    let rows = read(&reading, 1, &[Some(b"[2]"), Some(b"[1]")]).unwrap();
    assert_eq!(rows.texts("articlesJSON").unwrap().iter().collect::<Vec<_>>(), [Some("[2]")]);
}

#[test]
fn what_is_no_timestamp_waits_for_whoever_wants_timestamps() {
    let reading = plan(&PAGEVIEWS_PER_PROJECT, &[("timestamp", "text"), ("v", "bigint")]).unwrap();
    let cells: [Option<&[u8]>; 4] = [Some(b"2024010100"), Some(&[0; 8]), Some(b"soon"), None];
    let rows = read(&reading, 2, &cells).unwrap();
    assert_eq!(rows.ints("v").unwrap().iter().collect::<Vec<_>>(), [Some(0), None]);
    let told = rows.timestamps().unwrap_err().to_string();
    assert!(told.contains("\"soon\" is no timestamp"), "{told}");
}

#[test]
fn what_does_not_fit_is_named() {
    let unfit = plan(&PAGEVIEWS_PER_PROJECT, &[("timestamp", "text"), ("v", "boolean")]);
    assert_eq!(
        unfit.unwrap_err().to_string(),
        "column \"v\" is of type boolean where an integer belongs"
    );

    let fits = plan(&PAGEVIEWS_PER_PROJECT, &[("timestamp", "text"), ("v", "bigint")]);
    let reading = fits.unwrap();
    let short = read(&reading, 2, &[Some(b"2024010100"), Some(&[0, 0, 0, 1])]).unwrap_err();
    assert!(matches!(*short, CellError::Cell { column: "v", .. }), "{short}");
    let latin1 = read(&reading, 2, &[Some(&[0xe9]), None]).unwrap_err();
    assert!(matches!(*latin1, CellError::Cell { column: "timestamp", .. }), "{latin1}");
    // A row that ends in the middle of a cell.
    let bytes = frame(&[Some(b"2024010100"), Some(&[0; 8])]);
    let spec = || {
        ColumnSpec::borrowed(
            "c",
            ColumnType::Native(NativeType::Blob),
            TableSpec::borrowed("k", "t"),
        )
    };
    let specs = [spec(), spec()];
    let cut = FrameSlice::new_borrowed(&bytes[..bytes.len() - 3]);
    let row = ColumnIterator::new(&specs, cut);
    let error = reading.start().page([Ok(row)].into_iter(), false).unwrap_err();
    assert!(matches!(*error, CellError::Frame(_)), "{error}");
}

#[test]
fn rows_of_other_columns_than_were_asked_for_are_refused() {
    let columns = [("timestamp", "text"), ("v", "bigint")];
    let reading = plan(&PAGEVIEWS_PER_PROJECT, &columns).unwrap();
    let cells: [Option<&[u8]>; 3] = [Some(b"2024010100"), Some(&[0; 8]), Some(&[0; 8])];
    for width in [1, 3] {
        let error = read(&reading, width, &cells[..width]).unwrap_err();
        let told = format!("a row has {width} columns where 2 were asked for");
        assert_eq!(error.to_string(), told);
    }
}

use super::*;
use aqs_api::tables::{PAGEVIEWS_PER_PROJECT, TOP_PAGEVIEWS};
use bytes::Bytes;
use scylla::deserialize::FrameSlice;
use scylla::deserialize::result::TypedRowIterator;
use scylla::frame::response::result::{ColumnSpec, ColumnType, NativeType, TableSpec};
use scylla_cql_core::deserialize::result::RawRowIterator;

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

/// Takes a page of so many rows and columns, whose rows lie in a frame.
fn take(
    filling: &mut Filling<'_>,
    rows: usize,
    columns: usize,
    frame: &Bytes,
) -> Result<(), Broken> {
    // The driver's own types don't matter: the plan knows them.
    let blob = ColumnType::Native(NativeType::Blob);
    let spec = |_| ColumnSpec::borrowed("c", blob.clone(), TableSpec::borrowed("k", "t"));
    let specs: Vec<ColumnSpec<'_>> = (0..columns).map(spec).collect();
    let rows = RawRowIterator::new(rows, &specs, FrameSlice::new(frame));
    filling.page(TypedRowIterator::new(rows).unwrap(), true)
}

/// Reads rows of so many columns, which are the same however they are split into pages.
fn read(plan: &Plan, width: usize, cells: &[Option<&[u8]>]) -> Result<Rows, Broken> {
    let rows = cells.len() / width;
    let in_pages = |length: usize| {
        let mut filling = plan.start();
        for page in cells.chunks(length * width) {
            take(&mut filling, page.len() / width, width, &frame(page).into())?;
            // A page may be empty, and others follow.
            take(&mut filling, 0, width, &Bytes::new())?;
        }
        Ok::<_, Broken>(filling.finish())
    };
    let whole = in_pages(rows.max(1))?;
    for length in 1..rows {
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
fn rows_are_found_behind_nulls_and_where_there_is_nothing_else() {
    let reading = plan(&TOP_PAGEVIEWS, &[("articlesJSON", "text"), ("articles", "text")]).unwrap();
    let texts = |cells: &[Option<&[u8]>]| {
        // As if each row were a partition of its own.
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

    let reading = plan(&PAGEVIEWS_PER_PROJECT, &[("timestamp", "text"), ("v", "int")]).unwrap();
    let cells: [Option<&[u8]>; 4] = [None, None, Some(b"2024010100"), Some(&[0, 0, 0, 1])];
    let rows = read(&reading, 2, &cells).unwrap();
    assert_eq!(rows.ints("v").unwrap().iter().collect::<Vec<_>>(), [None, Some(1)]);
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
    let mut bytes = frame(&[Some(b"2024010100"), Some(&[0; 8])]);
    bytes.truncate(bytes.len() - 3);
    let error = take(&mut reading.start(), 1, 2, &bytes.clone().into()).unwrap_err();
    assert!(matches!(*error, CellError::Frame(_)), "{error}");
    // One that is not the first, wherever it ends: another row, or an older version.
    let first = frame(&[Some(b"2024010100"), Some(&[0; 8])]);
    for (second, kept, column) in [
        (&b"2024010200"[..], 14 + 8, "v"),
        (b"2024010200", 8, "timestamp"),
        (b"2024010100", 14 + 2, "v"),
    ] {
        let mut second = frame(&[Some(second), Some(&[0; 8])]);
        second.truncate(kept);
        let bytes = [&first[..], &second].concat().into();
        let error = take(&mut reading.start(), 2, 2, &bytes).unwrap_err();
        let told = format!("the page is cut short in column {column:?} of row 1:");
        assert!(error.to_string().starts_with(&told), "{error}");
    }
    // Nulls that are fewer than they are said to be.
    let nulls = frame(&[None; 5]).into();
    let error = take(&mut reading.start(), 3, 2, &nulls).unwrap_err();
    assert!(error.to_string().starts_with("the page is cut short:"), "{error}");
}

#[test]
fn rows_of_other_columns_than_were_asked_for_are_refused() {
    let columns = [("timestamp", "text"), ("v", "bigint")];
    let reading = plan(&PAGEVIEWS_PER_PROJECT, &columns).unwrap();
    let cells: [Option<&[u8]>; 3] = [Some(b"2024010100"), Some(&[0; 8]), Some(&[0; 8])];
    for width in [1, 3] {
        let error = read(&reading, width, &cells[..width]).unwrap_err();
        let told = format!("the rows have {width} columns where 2 were asked for");
        assert_eq!(error.to_string(), told);
        // Before anything is looked at: there may be said to be any number of them.
        let error = take(&mut reading.start(), usize::MAX, width, &Bytes::new()).unwrap_err();
        assert_eq!(error.to_string(), told);
        // Where there is no row there is none of other columns.
        take(&mut reading.start(), 0, width, &Bytes::new()).unwrap();
    }
}

//! Loading directories of NDJSON.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end where it fails"
)]

use aqs_api::{Catalogue, Table};
use aqs_origin::load::{
    self, Advance, BadRow, Input, LoadError, Options, Progress, Report, into_store,
};
use aqs_origin::row::{Cell, Sink, SinkError};
use flate2::{Compression, write::GzEncoder};
use std::fs;
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;

/// Keeps rows as text.
#[derive(Debug, Default)]
struct RowTexts(Vec<String>);

impl Sink for RowTexts {
    fn row(&mut self, table: &'static Table, cells: &[Cell<'_>]) -> Result<(), SinkError> {
        assert_eq!(cells.len(), table.columns().count());
        let words = cells.iter().map(|cell| match cell {
            Cell::Absent => "-".to_owned(),
            Cell::Null => "null".to_owned(),
            Cell::Int(number) => number.to_string(),
            Cell::Double(number) => number.to_string(),
            Cell::Text(text) => format!("{text:?}"),
        });
        self.0.push(format!("{} {}", table.name, words.collect::<Vec<_>>().join(" ")));
        Ok(())
    }
}

fn catalogue() -> Catalogue {
    Catalogue::standard().unwrap()
}

/// A directory of files.
fn files(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn load_with(folder: &Path, options: Options) -> (Result<Report, LoadError>, Vec<String>) {
    let mut rows = RowTexts::default();
    let report = load::files(&folder.into(), &catalogue(), &mut rows, options, &mut ());
    (report, rows.0)
}

fn load(folder: &TempDir) -> (Report, Vec<String>) {
    let (report, rows) = load_with(folder.path(), Options::default());
    (report.unwrap(), rows)
}

fn refused(folder: &TempDir) -> String {
    let error = load_with(folder.path(), Options::default()).0.unwrap_err();
    error.to_string().replace(folder.path().to_str().unwrap(), "DIR")
}

/// A row of unique devices with something for its values.
fn row(timestamp: &str, values: &str) -> String {
    format!(
        r#"{{"project":"en.wikipedia","access-site":"all-sites","granularity":"daily","timestamp":"{timestamp}"{values}}}"#
    )
}

const GOOD: &str = r#"{"project":"p","access-site":"all-sites","granularity":"daily","timestamp":"20260101","devices":1}"#;
const GOOD_ROW: &str = r#"unique_devices "p" "all-sites" "daily" "20260101" 1 - -"#;

#[test]
fn fields_are_columns_in_any_order() {
    let text = [
        row("20260101", r#","devices":1,"offset":null,"underestimate":3"#),
        r#" { "offset" : 9223372036854775807 , "timestamp":"20260102","project":"EN.wikivoyage.org","granularity":"daily","access-site":"mobile-site" } "#.to_owned(),
    ]
    .join("\n");
    let (report, rows) = load(&files(&[("unique_devices.ndjson", text.as_bytes())]));
    assert_eq!(
        rows,
        [
            r#"unique_devices "en.wikipedia" "all-sites" "daily" "20260101" 1 null 3"#,
            r#"unique_devices "en.wikivoyage" "mobile-site" "daily" "20260102" - 9223372036854775807 -"#,
        ]
    );
    assert_eq!((report.rows(), report.bad()), (2, 0));
}

#[test]
fn json_columns_are_text_that_holds_json() {
    let text = r#"{"project":"en","access":"all-access","year":"2026","month":"01","day":"all-days","articlesJSON":"[{\"article\":\"A\\/B\",\"views\":1,\"rank\":1}]"}"#;
    let (_, rows) = load(&files(&[("top_pageviews.ndjson", text.as_bytes())]));
    assert_eq!(
        rows,
        [
            r#"top_pageviews "en" "all-access" "2026" "01" "all-days" "[{\"article\":\"A\\/B\",\"views\":1,\"rank\":1}]" -"#
        ]
    );
}

#[test]
fn every_bad_row_is_reported_with_line_and_reason() {
    let missing = r#"{"project":"en","access-site":"all-sites","granularity":"daily","devices":1}"#;
    let null = r#"{"project":null,"access-site":"all-sites","granularity":"daily","timestamp":"20260101"}"#;
    let number =
        r#"{"project":7,"access-site":"all-sites","granularity":"daily","timestamp":"20260101"}"#;
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"{".to_vec(), "the line is not a JSON object: EOF while parsing an object at column 1"),
        (
            b"[1]".to_vec(),
            "the line is not a JSON object: invalid type: sequence, expected an object",
        ),
        (b"nonsense".to_vec(), "the line is not a JSON object: expected ident at column 2"),
        (format!("{GOOD} {GOOD}").into(), "the line is not a JSON object: trailing characters"),
        (
            row("20260101", r#","device":1"#).into(),
            r#"no column "device"; did you mean "devices"?"#,
        ),
        (row("20260101", r#","xyzzy":1"#).into(), r#"the table has no column "xyzzy""#),
        (row("20260101", r#","devices":1,"devices":1"#).into(), r#"field "devices" is repeated"#),
        (missing.into(), r#"key column "timestamp" is missing"#),
        (null.into(), r#"key column "project" is null"#),
        (number.into(), r#"column "project" takes a text in quotes, not a number"#),
        (row("20260101", r#","devices":"1""#).into(), r#""devices" takes an integer, not a text"#),
        (row("20260101", r#","devices":true"#).into(), "an integer, not true or false"),
        (row("20260101", r#","devices":[1,[2]]"#).into(), "an integer, not a list"),
        (row("20260101", r#","devices":{"a":{}}"#).into(), "an integer, not an object"),
        (row("20260101", r#","devices":1.5"#).into(), "takes an integer, not 1.5"),
        (row("20260101", r#","devices":1e3"#).into(), "takes an integer, not 1000.0"),
        (
            row("20260101", r#","devices":9223372036854775808"#).into(),
            "an integer of 64 bits, and 9223372036854775808 is out of range",
        ),
        (row("20260101", r#","devices":-1e19"#).into(), "64 bits, and -1e+19 is out of range"),
        (row("2026010100", "").into(), r#"in 8 digits: YYYYMMDD, not "2026010100""#),
        (row("20260101", r#","devices":-1"#).into(), r#"column "devices" is negative"#),
        (GOOD.replace("daily", "dayly").into(), "hourly, daily or monthly, not \"dayly\""),
        (GOOD.replace("daily", "monthly").replace("0101", "0102").into(), "a month's first day"),
        (GOOD.replace(r#""p""#, r#""""#).into(), r#"column "project" is an empty text"#),
        (
            GOOD.replace("all-sites", "desktop").into(),
            "takes all-sites, desktop-site, mobile-site, not \"desktop\"; no request",
        ),
        (
            GOOD.replace(r#""p""#, r#""a b""#).into(),
            "takes a wiki, such as en.wikipedia, not \"a b\"",
        ),
        (row("20260230", "").into(), "a day that exists"),
        (row("2026-1-1", "").into(), "a day that exists"),
        (b"{\"project\":\"\xff\"}".to_vec(), "the line is not UTF-8 (byte 13)"),
    ];
    // With good rows between, so that no error hides another.
    let mut text = Vec::new();
    for (line, _) in &cases {
        text.extend_from_slice(line);
        text.extend_from_slice(format!("\n{GOOD}\n").as_bytes());
    }
    let folder = files(&[("unique_devices.ndjson", &text)]);
    let options = Options { kept_bad_rows: 100, ..Options::default() };
    let (report, rows) = load_with(folder.path(), options);
    let report = report.unwrap();
    assert_eq!(report.bad_rows.len(), cases.len());
    for (index, (bad, (_, reason))) in report.bad_rows.iter().zip(&cases).enumerate() {
        assert_eq!(bad.line, index as u64 * 2 + 1, "{bad}");
        assert_eq!(bad.file, folder.path().join("unique_devices.ndjson"));
        assert!(bad.to_string().contains(reason), "{bad} / {reason}");
    }
    assert_eq!(rows, vec![GOOD_ROW; cases.len()]);
    assert_eq!((report.rows(), report.bad()), (cases.len() as u64, cases.len() as u64));
}

#[test]
fn narrow_integers_dates_in_keys_and_json_are_checked() {
    let project = |views: &str| {
        format!(
            r#"{{"project":"en","access":"desktop","agent":"user","granularity":"daily","timestamp":"2026010100","views":{views}}}"#
        )
    };
    let projects = ["2147483647", "0", "2147483648", "-2147483649"].map(project);
    let top = |month: &str, day: &str, json: &str| {
        format!(
            r#"{{"project":"en","access":"desktop","year":"2026","month":"{month}","day":"{day}","articles":{json}}}"#
        )
    };
    let tops = [
        top("1", "01", "null"),
        top("01", "1", "null"),
        top("02", "30", "null"),
        top("01", "alldays", "null"),
        top("01", "01", r#""[{""#),
        top("01", "01", "[]"),
        top("01", "01", r#""[]""#),
    ];
    let folder = files(&[
        ("pageviews_per_project_v2.ndjson", projects.join("\n").as_bytes()),
        ("top_pageviews.ndjson", tops.join("\n").as_bytes()),
    ]);
    let (report, rows) = load(&folder);
    let bad: Vec<String> = report.bad_rows.iter().map(|bad| bad.reason.to_string()).collect();
    assert_eq!(
        bad,
        [
            r#"column "views" takes an integer of 32 bits, and 2147483648 is out of range"#,
            r#"column "views" takes an integer of 32 bits, and -2147483649 is out of range"#,
            r#"column "month" must be 2 digits, 01 to 12, not "1""#,
            r#"column "day" must be 2 digits or all-days, not "1""#,
            r#"column "day" must be a day of that month, not "30""#,
            r#"column "day" must be 2 digits or all-days, not "alldays""#,
            r#"column "articles" takes text that is JSON, and this is not: EOF while parsing an object at column 2"#,
            r#"column "articles" takes JSON written as a text, not a list"#,
        ]
    );
    assert_eq!(rows.len(), 3);
}

#[test]
fn gzip_of_several_members_is_one_file() {
    let second = GOOD.replace("20260101", "20260102");
    let packed = [gzip(&format!("{GOOD}\n")), gzip(""), gzip(&second)].concat();
    let (report, rows) = load(&files(&[("unique_devices.ndjson.gz", &packed)]));
    assert_eq!(rows, [GOOD_ROW.to_owned(), GOOD_ROW.replace("20260101", "20260102")]);
    assert_eq!(report.rows(), 2);
}

#[test]
fn damaged_or_missing_compression_is_an_error() {
    let mut packed = gzip(&format!("{GOOD}\n").repeat(100));
    packed.truncate(packed.len() - 9);
    let words = refused(&files(&[("unique_devices.ndjson.gz", &packed)]));
    assert!(words.starts_with("DIR/unique_devices.ndjson.gz can't be read after line"), "{words}");
    let words = refused(&files(&[("unique_devices.ndjson.gz", GOOD.as_bytes())]));
    assert!(words.contains("can't be read after line 0"), "{words}");
    let words = refused(&files(&[("unique_devices.ndjson", &gzip(GOOD))]));
    assert_eq!(words, "DIR/unique_devices.ndjson is compressed by gzip; its name must end in .gz");
}

#[test]
fn line_ends_byte_order_marks_and_blank_lines_are_ignored() {
    let text = format!("\u{feff}{GOOD}\r\n\r\n \t\n{GOOD}");
    let (report, rows) = load(&files(&[("unique_devices.ndjson", text.as_bytes())]));
    assert_eq!(rows, [GOOD_ROW, GOOD_ROW]);
    assert_eq!(report.bad(), 0);
    let (report, rows) = load(&files(&[("unique_devices.ndjson", b"")]));
    assert!(rows.is_empty());
    assert_eq!(report.tables["unique_devices"].rows, 0);
}

#[test]
fn long_lines_are_rows_up_to_a_limit() {
    let long = |len: usize| {
        let json = format!("[{}]", vec!["1"; len / 2].join(","));
        format!(
            r#"{{"project":"en","access":"desktop","year":"2026","month":"01","articles":"x","countriesJSON":"{json}"}}"#
        )
        .replace(r#","articles":"x""#, "")
    };
    let text = [long(3 << 20), long(100)].join("\n");
    let folder = files(&[("top_bycountry.ndjson", text.as_bytes())]);
    let (report, rows) = load(&folder);
    assert_eq!((rows.len(), report.bad()), (2, 0));
    let options = Options { longest_line: 1 << 20, ..Options::default() };
    let (report, rows) = load_with(folder.path(), options);
    assert_eq!(rows.len(), 1);
    let bad = report.unwrap().bad_rows;
    assert_eq!(bad[0].reason.to_string(), "the line is longer than 1048576 bytes");
    assert_eq!(bad[0].line, 1);
}

#[test]
fn other_files_are_ignored_unless_they_look_like_tables() {
    let (report, _) = load(&files(&[
        ("unique_devices.ndjson", GOOD.as_bytes()),
        ("README.md", b"about"),
        ("unique_devices.txt", b"a,b"),
        (".unique_devices.ndjson.swp", b"?"),
        ("._unique_devices.ndjson", b"?"),
    ]));
    assert_eq!(report.tables.len(), 1);
    for (name, words) in [
        ("unique_device.ndjson", "; did you mean unique_devices.ndjson?"),
        ("unique-devices.ndjson.gz", "; did you mean unique_devices.ndjson.gz?"),
        ("unique_devices.gz", "; did you mean unique_devices.ndjson.gz?"),
        ("zebra.ndjson", ""),
        ("notes.tar.gz", ""),
    ] {
        let folder = files(&[(name, b""), ("top_bycountry.ndjson", b"")]);
        assert_eq!(refused(&folder), format!("DIR/{name} is not named after a table{words}"));
    }
    let folder = files(&[("top_bycountry.ndjson", b""), ("top_bycountry.ndjson.gz", b"")]);
    assert!(refused(&folder).starts_with("table top_bycountry has two files, DIR/top_bycountry"));
    let folder = files(&[("README", b"")]);
    assert!(refused(&folder).starts_with("there is nothing to load in DIR: "));
    let folder = files(&[]);
    fs::create_dir(folder.path().join("unique_devices.ndjson")).unwrap();
    assert!(refused(&folder).starts_with("DIR/unique_devices.ndjson is not a file; "));
}

#[test]
fn a_path_that_cannot_be_read_is_an_error() {
    let folder = files(&[]);
    let absent = load_with(&folder.path().join("absent"), Options::default()).0;
    assert!(matches!(absent, Err(LoadError::Directory { .. })));
}

const DEVICES: &str = "\
project,access-site,granularity,timestamp,devices,offset
en.wikipedia,all-sites,daily,20261001,5,1
\"de.wikipedia\",all-sites,daily,20261001,7,
";

/// The rows of an input, or the error's text.
fn load_input(input: &Input) -> Result<(Report, Vec<String>), String> {
    let mut rows = RowTexts::default();
    let report = load::files(input, &catalogue(), &mut rows, Options::default(), &mut ());
    report.map(|report| (report, rows.0)).map_err(|error| error.to_string())
}

#[test]
fn csv_has_a_header_and_one_row_per_line() {
    let packed = gzip(DEVICES);
    for (name, bytes) in
        [("unique_devices.csv", DEVICES.as_bytes()), ("unique_devices.csv.gz", &packed)]
    {
        let (report, rows) = load(&files(&[(name, bytes)]));
        assert_eq!((report.rows(), report.bad()), (2, 0), "{:?}", report.bad_rows);
        // An empty field is absent.
        let expected =
            [("en.wikipedia", "5 1"), ("de.wikipedia", "7 -")].map(|(project, values)| {
                format!(r#"unique_devices "{project}" "all-sites" "daily" "20261001" {values} -"#)
            });
        assert_eq!(rows, expected);
    }
    let top = "project,access,year,month,day,articlesJSON\n\
        en.wikipedia,all-access,2026,10,01,\"[{\"\"article\"\":\"\"A, B\"\",\"\"views\"\":3,\"\"rank\"\":1}]\"\n";
    let (_, rows) = load(&files(&[("top_pageviews.csv", top.as_bytes())]));
    assert!(rows[0].contains(r#" "[{\"article\":\"A, B\",\"views\":3,\"rank\":1}]""#), "{rows:?}");
}

#[test]
fn bad_csv_is_named() {
    for (line, reason) in [
        ("x.wikipedia,all-sites,daily", "the line is not CSV: it has 3 fields, and the header 6"),
        (
            "x.wikipedia,all-sites,daily,20261001,\"5,1",
            "the line is not CSV: a quote is not closed",
        ),
        (
            "en.wikipedia,all-sites,daily,20261001,5.5,1",
            r#"column "devices" takes an integer, not 5.5"#,
        ),
        (
            "en.wikipedia,all-sites,daily,20261001,many,1",
            r#"column "devices" takes an integer, not a text"#,
        ),
        ("en.wikipedia,all-sites,daily,20261001,,-1", r#"column "offset" is negative"#),
        (",all-sites,daily,20261001,5,1", r#"key column "project" is missing"#),
        ("en.wikipedia,all-sites,daily,2026,5,1", "\"2026\""),
    ] {
        let text = format!("{DEVICES}{line}\n");
        let (report, rows) = load(&files(&[("unique_devices.csv", text.as_bytes())]));
        assert_eq!((rows.len(), report.bad()), (2, 1), "{line}");
        let bad = &report.bad_rows[0];
        assert!(bad.line == 4 && bad.reason.to_string().contains(reason), "{line}: {bad}");
    }
    let folder = files(&[("unique_devices.csv", b"project,device\nen.wikipedia,1\n")]);
    let error = refused(&folder);
    assert!(
        error.contains(r#":1: the table has no column "device"; did you mean "devices"?"#),
        "{error}"
    );
}

#[test]
fn files_are_named_one_by_one() {
    let folder = files(&[
        ("unique_devices.csv", DEVICES.as_bytes()),
        ("export", DEVICES.as_bytes()),
        ("export.gz", &gzip(DEVICES)),
        ("notes.txt", b""),
    ]);
    let input = |names: &[&str], table: Option<&str>| Input {
        paths: names.iter().map(|name| folder.path().join(name)).collect(),
        table: table.map(str::to_owned),
    };
    for (name, table) in [
        ("unique_devices.csv", None),
        ("export", Some("unique_devices")),
        ("export.gz", Some("unique_devices")),
    ] {
        let (report, rows) = load_input(&input(&[name], table)).unwrap();
        assert_eq!((report.rows(), rows.len()), (2, 2), "{name}");
    }
    for (names, table, expected) in [
        (&["export"][..], None, "export is not named after a table"),
        (
            &["export"],
            Some("unique_device"),
            "there is no table \"unique_device\"; did you mean unique_devices?",
        ),
        (
            &["unique_devices.csv", "export"],
            Some("unique_devices"),
            "table unique_devices has two files",
        ),
        (&[""], Some("unique_devices"), "is a directory, whose files are named after tables"),
        (&["absent.csv"], None, "absent.csv can't be read: "),
    ] {
        let error = load_input(&input(names, table)).unwrap_err();
        assert!(error.contains(expected), "{names:?}: {error}");
    }
    let input = Input { paths: vec![load::STANDARD_INPUT.into()], table: None };
    assert_eq!(load_input(&input).unwrap_err(), "name the table of standard input with --table");
}

#[derive(Default)]
struct Recorded {
    files: Vec<&'static str>,
    advances: Vec<Advance>,
    bad: Vec<BadRow>,
}

impl Progress for Recorded {
    fn file(&mut self, _: &Path, table: &'static str) {
        self.files.push(table);
    }

    fn advanced(&mut self, at: Advance) {
        self.advances.push(at);
    }

    fn bad_row(&mut self, row: &BadRow) {
        self.bad.push(row.clone());
    }
}

#[test]
fn progress_covers_all_bytes_and_all_bad_rows() {
    let many = format!("{GOOD}\n").repeat(5000);
    let packed = gzip("x\n");
    let folder =
        files(&[("unique_devices.ndjson", many.as_bytes()), ("top_bycountry.ndjson.gz", &packed)]);
    let bad = "?\n".repeat(30);
    fs::write(folder.path().join("top_percountry.ndjson"), &bad).unwrap();
    let mut recorded = Recorded::default();
    let report = load::files(
        &folder.path().into(),
        &catalogue(),
        &mut RowTexts::default(),
        Options::default(),
        &mut recorded,
    )
    .unwrap();
    assert_eq!(recorded.files, ["top_bycountry", "top_percountry", "unique_devices"]);
    let total = (many.len() + packed.len() + bad.len()) as u64;
    assert_eq!(
        recorded.advances.last(),
        Some(&Advance { bytes: total, total, rows: 5000, bad: 31 })
    );
    assert!(recorded.advances.len() > 4, "some on the way");
    assert!(recorded.advances.is_sorted_by_key(|at| (at.bytes, at.rows, at.bad)));
    assert_eq!(recorded.bad.len(), 31);
    assert_eq!(report.bad_rows, recorded.bad[..20]);
    assert_eq!((report.rows(), report.bad()), (5000, 31));
}

#[test]
fn a_strict_load_fails_at_the_first_bad_row_and_writes_nothing() {
    let text = format!("{GOOD}\n{{}}\n?\n{GOOD}\n");
    let folder = files(&[("unique_devices.ndjson", text.as_bytes())]);
    let store = folder.path().join("store.db");
    let strict = Options { strict: true, ..Options::default() };
    let mut recorded = Recorded::default();
    let error =
        into_store(&folder.path().into(), &store, &catalogue(), strict, &mut recorded).unwrap_err();
    assert!(
        error.to_string().ends_with(r#"unique_devices.ndjson:2: key column "project" is missing"#),
        "{error}"
    );
    assert_eq!(recorded.bad.len(), 1);
    assert!(!store.exists());
    let report =
        into_store(&folder.path().into(), &store, &catalogue(), Options::default(), &mut ())
            .unwrap();
    assert_eq!((report.rows(), report.bad()), (2, 2));
    assert_eq!(report.changed, ["unique-devices-daily"]);
    assert!(store.exists());
}

#[test]
fn only_bad_rows_make_a_report_and_no_store() {
    let folder = files(&[("unique_devices.ndjson", b"?\n?\n")]);
    let store = folder.path().join("store.db");
    let report =
        into_store(&folder.path().into(), &store, &catalogue(), Options::default(), &mut ())
            .unwrap();
    assert_eq!((report.rows(), report.bad()), (0, 2));
    assert_eq!(report.bad_rows.len(), 2);
    assert!(!store.exists());
}

/// Refuses everything.
struct Full;

impl Sink for Full {
    fn row(&mut self, table: &'static Table, _: &[Cell<'_>]) -> Result<(), SinkError> {
        Err(SinkError::Store { table: table.name, reason: "the disk is full".to_owned() })
    }
}

#[test]
fn a_row_that_cannot_be_written_ends_the_load_with_its_line() {
    let folder = files(&[("unique_devices.ndjson", format!("\n{GOOD}").as_bytes())]);
    let error =
        load::files(&folder.path().into(), &catalogue(), &mut Full, Options::default(), &mut ())
            .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("unique_devices.ndjson:2: table unique_devices: the disk is full"),
        "{error}"
    );
}

#[test]
fn rows_get_the_keys_of_requests() {
    let article = |project: &str, article: &str, granularity: &str| {
        format!(
            r#"{{"project":"{project}","article":"{article}","granularity":"{granularity}","timestamp":"2026010100","au":1}}"#
        )
    };
    let text = [
        article("www.de.wikipedia.org", "A b/é🍌", "daily"),
        article("de.wikipedia", "A", "monthly"),
    ];
    let text = text.join("\n");
    let folder = files(&[("pageviews_per_article_flat.ndjson", text.as_bytes())]);
    let (report, rows) = load(&folder);
    let start = r#"pageviews_per_article_flat "de.wikipedia" "A_b/é🍌" "daily" "2026010100""#;
    assert!(rows.len() == 1 && rows[0].starts_with(start), "{rows:?}");
    let reason = report.bad_rows[0].reason.to_string();
    assert!(reason.starts_with(r#"column "granularity" takes daily, not "monthly""#), "{reason}");
}

#[test]
fn rows_of_the_future_are_refused() {
    let text = [row("20260102", ""), row("20260103", ""), row("20360101", "")].join("\n");
    let folder = files(&[("unique_devices.ndjson", text.as_bytes())]);
    let not_after = aqs_api::calendar::Digits::from_text("20260102");
    let options = Options { not_after, ..Options::default() };
    let (report, rows) = load_with(folder.path(), options);
    assert_eq!(rows.len(), 1);
    let bad = report.unwrap().bad_rows;
    assert_eq!(bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [2, 3]);
    assert!(bad[0].to_string().contains("the period 20260103 is in the future"), "{}", bad[0]);
    assert_eq!(load(&folder).1.len(), 3);
}

//! `aqs load --to cassandra`: the content of the tables afterwards.

use crate::home::{assert_success, device, output_text, select, with_empty_tables};
use crate::rows::{empty, write};
use crate::service::start_ready;
use crate::support::catalogue;
use crate::support::scenario::run as run_scenarios;
use aqs_scenarios::{Outcome, topics};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn loaded_rows_answer_as_from_the_embedded_store() {
    let (node, session, home) = with_empty_tables().await;
    let mut outcome = Outcome::default();
    for topic in topics() {
        empty(&session, &catalogue()).await;
        let output = output_text(&home.loading(&topic.rows()).output().unwrap());
        assert!(output.contains("rows loaded into") && output.contains(", 0 bad rows"), "{output}");
        // The loader refuses these.
        write(&session, &catalogue(), &topic.broken_rows()).await;
        let server = start_ready(node.options()).await;
        run_scenarios(&topic.scenarios, server.addresses[0], &mut outcome).await;
        assert!(server.drain().await, "connections were left");
    }
    outcome.assert(380);
}

const DEVICES: &str = r#"SELECT "timestamp", devices, "offset", "_tid", "_del" FROM "local_group_default_T_unique_devices".data WHERE "_domain" = 'analytics.wikimedia.org' AND project = 'en.wikipedia' AND "access-site" = 'all-sites' AND granularity = 'daily'"#;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn absent_values_stay_and_null_clears() {
    let (_node, session, home) = with_empty_tables().await;
    home.put(
        "unique_devices",
        &(device("20240101", r#","devices":3,"offset":1"#)
            + &device("20240102", r#","devices":4,"offset":2"#)),
    );
    assert_success(&home.load());
    home.put(
        "unique_devices",
        &(device("20240101", r#","devices":5"#) + &device("20240102", r#","offset":null"#)),
    );
    let output = assert_success(&home.load());
    assert!(output.contains("2 rows loaded into"), "{output}");
    assert!(output.contains("aqs purge --dataset unique-devices-daily"), "{output}");
    type Row = (
        String,
        Option<i64>,
        Option<i64>,
        scylla::value::CqlTimeuuid,
        Option<scylla::value::CqlTimeuuid>,
    );
    let rows: Vec<_> = select::<Row>(&session, DEVICES)
        .await
        .into_iter()
        .map(|(day, devices, offset, tid, del)| (day, devices, offset, tid.to_string(), del))
        .collect();
    let tid = "13814000-1dd2-11b2-8080-808080808080".to_owned();
    assert_eq!(
        rows,
        [
            ("20240101".to_owned(), Some(5), Some(1), tid.clone(), None),
            ("20240102".to_owned(), Some(4), None, tid, None),
        ]
    );
}

/// They are written concurrently; of two values with one time the greater would count.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn the_later_of_two_lines_with_one_key_is_stored() {
    let (_node, session, home) = with_empty_tables().await;
    let line = |count| device("20240101", &format!(r#","devices":{count}"#));
    home.put("unique_devices", &(1..=100).rev().map(line).collect::<String>());
    assert_success(&home.load());
    let devices = r#"SELECT devices FROM "local_group_default_T_unique_devices".data"#;
    assert_eq!(select::<(i64,)>(&session, devices).await, [(1,)]);
}

/// Times follow the order of lines, whatever the order of the writes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn a_later_line_is_written_with_a_later_time() {
    let (_node, session, home) = with_empty_tables().await;
    let line = |number| device("20240101", &format!(r#","devices":{number}"#));
    let line = |number: i64| line(number).replace("en.wikipedia", &format!("p{number}.wikipedia"));
    home.put("unique_devices", &(1..=5000).map(line).collect::<String>());
    assert_success(&home.load());
    let times =
        r#"SELECT devices, writetime(devices) FROM "local_group_default_T_unique_devices".data"#;
    let mut times = select::<(i64, i64)>(&session, times).await;
    times.sort_unstable();
    assert_eq!(times.len(), 5000);
    assert!(times.is_sorted_by(|(_, before), (_, after)| before < after), "{times:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn an_invalid_row_is_skipped_and_a_strict_load_writes_nothing() {
    let (_node, session, home) = with_empty_tables().await;
    let rows = device("20240101", r#","devices":3"#) + &device("20240102", r#","devices":-1"#);
    home.put("unique_devices", &rows);
    let strict = home.loading(&home.rows()).arg("--strict").output().unwrap();
    assert_eq!(strict.status.code(), Some(1), "{}", output_text(&strict));
    assert!(output_text(&strict).contains("unique_devices.ndjson:2: "), "{}", output_text(&strict));
    let count = r#"SELECT count(*) FROM "local_group_default_T_unique_devices".data"#;
    assert_eq!(select::<(i64,)>(&session, count).await, [(0,)]);
    let lenient = home.load();
    assert_eq!(lenient.status.code(), Some(1), "{}", output_text(&lenient));
    assert!(output_text(&lenient).contains("1 rows loaded"), "{}", output_text(&lenient));
    assert_eq!(select::<(i64,)>(&session, count).await, [(1,)]);
}

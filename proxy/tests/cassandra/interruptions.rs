//! Interrupted loads.

use crate::home::{Home, assert_success, device, output_text, select, with_empty_tables};
use crate::relay::{Mode, Relay};
use scylla::client::session::Session;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Enough for a load of one row at a time to be interrupted before its end.
const ROWS: u64 = 20_000;

fn many() -> String {
    let line = |number: u64| {
        format!(
            r#"{{"project":"p{number}.wikipedia","access-site":"all-sites","granularity":"daily","timestamp":"20240101","devices":{number}}}"#
        ) + "\n"
    };
    (1..=ROWS).map(line).collect()
}

const COUNT: &str = r#"SELECT count(*) FROM "local_group_default_T_unique_devices".data"#;
/// Waits for up to a minute until a load has written a row.
async fn wait_for_rows(session: &Session, load: &mut Child) {
    let started = Instant::now();
    while select::<(i64,)>(session, COUNT).await == [(0,)] {
        assert!(load.try_wait().unwrap().is_none(), "the load has ended already");
        assert!(started.elapsed() < Duration::from_secs(60), "nothing was written");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Interrupts a load, and completes it by the same command.
async fn interrupt_by(signal: rustix::process::Signal, code: Option<i32>) {
    let (_node, session, home) = with_empty_tables().await;
    home.put("unique_devices", &many());
    let mut load = home.loading(&home.rows());
    let mut load = load.args(["--concurrency", "1"]).stdout(Stdio::null()).spawn().unwrap();
    wait_for_rows(&session, &mut load).await;
    let pid = rustix::process::Pid::from_child(&load);
    rustix::process::kill_process(pid, signal).unwrap();
    assert_eq!(load.wait().unwrap().code(), code);
    let written = select::<(i64,)>(&session, COUNT).await[0].0;
    assert!(written < ROWS as i64, "the load has ended already");

    let output = assert_success(&home.load());
    assert!(output.contains(&format!("{ROWS} rows loaded")), "{output}");
    assert_eq!(select::<(i64,)>(&session, COUNT).await, [(ROWS as i64,)]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn a_killed_load_is_completed_by_the_same_command() {
    interrupt_by(rustix::process::Signal::KILL, None).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn an_interrupted_load_exits_with_130_and_is_completed_by_the_same_command() {
    interrupt_by(rustix::process::Signal::INT, Some(130)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn broken_connections_lose_no_row() {
    let (node, session, _) = with_empty_tables().await;
    let relay = Relay::start(&node.address).await;
    let home = Home::at(&relay.address.to_string());
    home.put("unique_devices", &many());
    let mut load = home
        .loading(&home.rows())
        .args(["--concurrency", "4"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_rows(&session, &mut load).await;
    for _ in 0..3 {
        relay.set_mode(Mode::Reset);
        tokio::time::sleep(Duration::from_millis(300)).await;
        relay.set_mode(Mode::Forward);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(load.try_wait().unwrap().is_none(), "the load has ended already");
    assert!(load.wait().unwrap().success());
    assert_eq!(select::<(i64,)>(&session, COUNT).await, [(ROWS as i64,)]);
    relay.stop().await;
}

/// Its attempts take some twenty seconds.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn a_row_that_cannot_be_written_ends_the_load_with_its_line() {
    let (_node, _session, home) = with_empty_tables().await;
    home.put("unique_devices", &("\n".to_owned() + &device("20240101", r#","devices":3"#)));
    let mut load = home.loading(&home.rows());
    // There is one replica.
    let ended = load.args(["--consistency", "three"]).output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", output_text(&ended));
    let place = "unique_devices.ndjson:2: table unique_devices: not written in 10 attempts";
    assert!(output_text(&ended).contains(place), "{}", output_text(&ended));
}

//! Interrupted loads, which are resumed.

use crate::home::{Home, device, emptied, said, select, succeeded};
use crate::relay::{Line, Relay};
use crate::rows::run;
use aqs_api::tables::UNIQUE_DEVICES;
use aqs_origin::store::cassandra::cql;
use std::process::Stdio;
use std::time::Duration;

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
const FIRST: &str = r#""local_group_default_T_unique_devices".data WHERE "_domain" = 'analytics.wikimedia.org' AND project = 'p1.wikipedia' AND "access-site" = 'all-sites' AND granularity = 'daily'"#;

/// Interrupts a load, resumes it, and checks that only the rest is written.
async fn interrupted_by(signal: rustix::process::Signal, code: Option<i32>) {
    let (_node, session, home) = emptied().await;
    home.put("unique_devices", &many());
    let mut load = home.begin_load();
    let pid = rustix::process::Pid::from_child(&load);
    rustix::process::kill_process(pid, signal).unwrap();
    assert_eq!(load.wait().unwrap().code(), code);
    let there = select::<(i64,)>(&session, COUNT).await[0].0;
    assert!(there < ROWS as i64, "it was at its end already");

    // A row that was written is deleted; it would come back if it were written again.
    run(&session, &format!("DELETE FROM {FIRST}")).await;
    let told = succeeded(&home.load());
    assert!(told.contains("going on where it was"), "{told}");
    assert!(told.contains("of them an earlier, interrupted load had written"), "{told}");
    assert!(told.contains(&format!("{ROWS} rows loaded")), "{told}");
    assert_eq!(select::<(i64,)>(&session, COUNT).await, [(ROWS as i64 - 1,)]);
    assert_eq!(home.journal(), None, "a load that came to its end left its journal");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn a_load_that_was_killed_goes_on() {
    interrupted_by(rustix::process::Signal::KILL, None).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn a_load_that_was_interrupted_ends_in_order_and_goes_on() {
    interrupted_by(rustix::process::Signal::INT, Some(130)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn a_load_begins_anew_if_asked_or_if_its_table_is_another() {
    for (made_anew, words) in [(false, &["--restart"][..]), (true, &[])] {
        let (_node, session, home) = emptied().await;
        home.put("unique_devices", &many());
        let mut load = home.begin_load();
        load.kill().unwrap();
        load.wait().unwrap();
        run(&session, &format!("DELETE FROM {FIRST}")).await;
        if made_anew {
            run(&session, r#"DROP TABLE "local_group_default_T_unique_devices".data"#).await;
            run(&session, &cql::create_table(&UNIQUE_DEVICES)).await;
        }
        let told = succeeded(&home.loading(&home.rows()).args(words).output().unwrap());
        assert!(!told.contains("interrupted load had written"), "{told}");
        assert_eq!(select::<(i64,)>(&session, COUNT).await, [(ROWS as i64,)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn connections_that_break_cost_no_row() {
    let (node, session, _) = emptied().await;
    let relay = Relay::to(&node.address).await;
    let home = Home::at(&relay.address.to_string());
    home.put("unique_devices", &many());
    let mut load = home
        .loading(&home.rows())
        .args(["--concurrency", "4"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    home.wait_for_journal(&mut load);
    for _ in 0..3 {
        relay.be(Line::Reset);
        tokio::time::sleep(Duration::from_millis(300)).await;
        relay.be(Line::Clear);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(load.try_wait().unwrap().is_none(), "it was at its end already");
    assert!(load.wait().unwrap().success());
    assert_eq!(select::<(i64,)>(&session, COUNT).await, [(ROWS as i64,)]);
    relay.end().await;
}

/// Its attempts take some twenty seconds.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn a_row_that_can_not_be_written_ends_the_load_with_its_line() {
    let (_node, _session, home) = emptied().await;
    home.put("unique_devices", &("\n".to_owned() + &device("20240101", r#","devices":3"#)));
    let mut load = home.loading(&home.rows());
    // There is one replica.
    let ended = load.args(["--consistency", "three"]).output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    let place = "unique_devices.ndjson:2: table unique_devices: not written in 10 attempts";
    assert!(said(&ended).contains(place), "{}", said(&ended));
}

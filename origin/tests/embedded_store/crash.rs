//! Interrupted loads, concurrent loads, and loads by other processes.

use super::*;
use aqs_origin::store::embedded::WriteError;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::{env, fs, thread};

const CHILD: &str = "AQS_TEST_CHILD";
const PATH: &str = "AQS_TEST_PATH";
const READY: &str = "the child is ready";

/// Starts one of the tests below as a process of its own, and waits until it says so.
fn start_child(role: &str, path: &Path) -> (Child, impl Iterator<Item = String>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::in_a_child", "--nocapture"])
        .env(CHILD, role)
        .env(PATH, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(READY)), "the child ended before it was ready");
    (child, lines)
}

/// Runs as the other process; without a role it does nothing.
#[test]
fn in_a_child() {
    let Ok(role) = env::var(CHILD) else { return };
    let path = PathBuf::from(env::var_os(PATH).unwrap());
    match role.as_str() {
        "commits" => {
            load_devices(&path, &[devices("a", "20260102", ints([2, 2, 2]))]);
            println!("\n{READY}");
        }
        "loads forever" => {
            let mut writer = writer(&path);
            for number in 0u64.. {
                let project = format!("p{number}");
                writer.row(&UNIQUE_DEVICES, &devices(&project, "20260101", ints([1; 3]))).unwrap();
                // Now the page cache has spilled into the file or its log.
                if number == 300_000 {
                    println!("\n{READY}");
                }
            }
        }
        other => panic!("no such role: {other}"),
    }
}

#[test]
fn a_writer_that_is_dropped_leaves_the_store_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut first = writer(&path);
    first.row(&UNIQUE_DEVICES, &devices("a", "20260101", ints([1, 2, 3]))).unwrap();
    drop(first);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
    let before = dump(&path);
    let mut second = writer(&path);
    second.row(&UNIQUE_DEVICES, &devices("a", "20260101", ints([7, 8, 9]))).unwrap();
    second.row(&UNIQUE_DEVICES, &devices("b", "20260102", ints([1, 2, 3]))).unwrap();
    drop(second);
    assert_eq!(dump(&path), before);
}

#[tokio::test]
async fn a_load_that_is_killed_leaves_the_store_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
    let before = dump(&path);
    let (mut child, _words) = start_child("loads forever", &path);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(devices_of(&open(&path), "a").await, [Some(1)]);
    assert_eq!(devices_of(&open(&path), "p1").await, []);
    assert_eq!(dump(&path), before);
    // The next load succeeds.
    load_devices(&path, &[devices("a", "20260101", ints([4, 2, 3]))]);
    assert_eq!(devices_of(&open(&path), "a").await, [Some(4)]);
}

#[tokio::test]
async fn a_first_load_that_is_killed_leaves_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (mut child, _words) = start_child("loads forever", &path);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!path.exists());
    load_devices(&path, &[devices("a", "20260101", ints([4, 2, 3]))]);
    let store = open(&path);
    assert_eq!(devices_of(&store, "a").await, [Some(4)]);
    assert_eq!(devices_of(&store, "p1").await, []);
}

#[tokio::test]
async fn a_load_of_another_process_is_visible_to_the_next_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[devices("a", "20260101", ints([1, 1, 1]))]);
    let store = open(&path);
    let mark = store.change_token().await.unwrap();
    assert_eq!(devices_of(&store, "a").await, [Some(1)]);
    let (mut child, words) = start_child("commits", &path);
    let words: Vec<_> = words.collect();
    assert!(child.wait().unwrap().success(), "{words:?}");
    assert_eq!(devices_of(&store, "a").await, [Some(1), Some(2)]);
    assert_ne!(store.change_token().await.unwrap(), mark);
    let coverage = store.coverage().await.unwrap();
    let extent = coverage.get(dataset("unique-devices-daily")).unwrap();
    assert_eq!(extent.last.as_str(), "20260102");
}

#[tokio::test]
async fn readers_do_not_see_an_unfinished_load() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[devices("a", "20260101", ints([1, 1, 1]))]);
    let store = open(&path);
    let mut writer = writer(&path);
    writer.row(&UNIQUE_DEVICES, &devices("a", "20260102", ints([2, 2, 2]))).unwrap();
    assert_eq!(devices_of(&store, "a").await, [Some(1)]);
    writer.commit().unwrap();
    assert_eq!(devices_of(&store, "a").await, [Some(1), Some(2)]);
}

#[test]
fn a_second_load_waits_and_then_fails_as_busy() {
    let folder = tempfile::tempdir().unwrap();
    let short = WriterOptions { wait: Duration::from_millis(20) };
    for exists in [false, true] {
        let path = folder.path().join(format!("store-{exists}.db"));
        if exists {
            load_devices(&path, &[]);
        }
        let first = writer(&path);
        let second = StoreWriter::create_or_open(&path, &catalogue(), short).unwrap_err();
        assert!(matches!(second, WriteError::Busy { .. }), "{second:?}");
        assert!(second.to_string().contains("another load into"), "{second}");
        // A load that waits longer succeeds, also if the store is created during the wait.
        let waiting = thread::spawn({
            let path = path.clone();
            move || load_devices(&path, &[devices("b", "20260101", ints([1, 1, 1]))])
        });
        first.commit().unwrap();
        assert_eq!(waiting.join().unwrap(), ["unique-devices-daily"]);
    }
}

#[test]
fn a_new_store_does_not_replace_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[]);
    let refused = StoreWriter::create(&path, &catalogue(), WriterOptions::default());
    assert!(matches!(refused, Err(WriteError::Exists { .. })), "{refused:?}");
}

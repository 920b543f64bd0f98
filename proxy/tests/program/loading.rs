//! Loads before and while a process serves.

use super::*;

#[test]
fn a_load_is_served_and_a_later_one_is_seen() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("my store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    let load = |directory: &Path| {
        run(aqs(home.path()).arg("load").arg(directory).arg("--store").arg(&store))
    };
    let loaded = load(&directory);
    assert!(loaded.status.success(), "{}", output_text(&loaded));
    assert!(output_text(&loaded).contains("1 rows loaded"), "{}", output_text(&loaded));

    let running = Running::start(home.path(), &store);
    assert!(running.printed.contains("unique-devices-daily"), "{}", running.printed);
    let target = |end: u32| {
        format!("/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/2026100{end}")
    };
    assert!(running.get(&target(1)).contains("\"devices\":10,"));
    rows(home.path(), "unique_devices", &devices(2, 20));
    assert!(load(&directory).status.success());
    // A range that was not requested before is read from the store.
    let mut end = 2;
    eventually("the new row is served", Duration::from_secs(5), || {
        end = if end < 9 { end + 1 } else { 3 };
        running.get(&target(end)).contains("\"devices\":20,")
    });
}

#[test]
fn bad_rows_are_named_and_strict_loads_nothing() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let lines = devices(1, 10) + "{\"project\":\"x\"}\nnonsense\n" + &devices(2, 20);
    let directory = rows(home.path(), "unique_devices", &lines);
    let mut strict = aqs(home.path());
    let strict = run(strict.arg("load").arg(&directory).arg("--store").arg(&store).arg("--strict"));
    assert!(!strict.status.success());
    assert!(output_text(&strict).contains("unique_devices.ndjson"), "{}", output_text(&strict));
    assert!(!store.exists(), "a strict load that failed left a store");
    let lenient = run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    assert_eq!(lenient.status.code(), Some(1), "{}", output_text(&lenient));
    let text = output_text(&lenient);
    assert!(text.contains("2 rows loaded") && text.contains("2 bad rows"), "{text}");
    for place in ["line 2", "line 3"] {
        assert!(text.contains(place) || text.contains(&place.replace("line ", ":")), "{text}");
    }
}

#[test]
fn a_missing_store_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let missing = home.path().join("missing.sqlite");
    let mut command = aqs(home.path());
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store"]);
    let ended = run(command.arg(&missing));
    assert!(!ended.status.success());
    assert!(
        output_text(&ended).contains("missing.sqlite") && output_text(&ended).contains("aqs load")
    );
    assert!(!missing.exists());
}

#[test]
fn a_replaced_store_is_served() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let load = |store: &Path, count: u32| {
        let directory = rows(home.path(), "unique_devices", &devices(1, count));
        let loaded = run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(store));
        assert!(loaded.status.success(), "{}", output_text(&loaded));
    };
    load(&store, 10);
    let running = Running::start(home.path(), &store);
    let target = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261001";
    assert!(running.get(target).contains("\"devices\":10,"));
    let other = home.path().join("other.sqlite");
    load(&other, 20);
    fs::rename(&other, &store).unwrap();
    // What is cached of the old file is stale.
    eventually("the new file is served", Duration::from_secs(10), || {
        running.get(target).contains("\"devices\":20,")
    });
}

#[test]
fn the_schema_is_printed_without_a_configuration() {
    let home = tempfile::tempdir().unwrap();
    let plain = run(aqs(home.path()).arg("schema"));
    let named = run(aqs(home.path()).args(["schema", "--config", "/no/such/file"]));
    assert_eq!(named.status.code(), Some(0), "{}", output_text(&named));
    assert_eq!(named.stdout, plain.stdout);
}

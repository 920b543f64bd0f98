//! What is loaded, before and while it is served.

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
    assert!(loaded.status.success(), "{}", said(&loaded));
    assert!(said(&loaded).contains("1 rows loaded"), "{}", said(&loaded));

    let running = Running::start(home.path(), &store);
    assert!(running.printed.contains("unique-devices-daily"), "{}", running.printed);
    let target = |end: u32| {
        format!("/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/2026100{end}")
    };
    assert!(running.get(&target(1)).contains("\"devices\":10,"));
    rows(home.path(), "unique_devices", &devices(2, 20));
    assert!(load(&directory).status.success());
    // Each spelling of the range that was not asked before is asked of the store.
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
    assert!(said(&strict).contains("unique_devices.ndjson"), "{}", said(&strict));
    assert!(!store.exists(), "a strict load that failed left a store");
    let lenient = run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    assert_eq!(lenient.status.code(), Some(1), "{}", said(&lenient));
    let said = said(&lenient);
    assert!(said.contains("2 rows loaded") && said.contains("2 bad rows"), "{said}");
    for place in ["line 2", "line 3"] {
        assert!(said.contains(place) || said.contains(&place.replace("line ", ":")), "{said}");
    }
}

#[test]
fn a_store_that_is_not_there_is_an_error_and_no_sample() {
    let home = tempfile::tempdir().unwrap();
    let missing = home.path().join("missing.sqlite");
    let mut command = aqs(home.path());
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store"]);
    let ended = run(command.arg(&missing));
    assert!(!ended.status.success());
    assert!(said(&ended).contains("missing.sqlite") && said(&ended).contains("aqs load"));
    assert!(!missing.exists());
}

#[test]
fn a_replaced_store_is_noticed() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    let load =
        |store: &Path| run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(store));
    load(&store);
    let mut running = Running::start(home.path(), &store);
    let other = home.path().join("other.sqlite");
    load(&other);
    fs::rename(&other, &store).unwrap();
    let log = running.child.stderr.take().unwrap();
    let told =
        BufReader::new(log).lines().map_while(Result::ok).any(|line| line.contains("was replaced"));
    assert!(told, "nothing was said");
}

#[test]
fn a_schema_is_printed_whatever_configuration_is_named() {
    let home = tempfile::tempdir().unwrap();
    let plain = run(aqs(home.path()).arg("schema"));
    let named = run(aqs(home.path()).args(["schema", "--config", "/no/such/file"]));
    assert_eq!(named.status.code(), Some(0), "{}", said(&named));
    assert_eq!(named.stdout, plain.stdout);
}

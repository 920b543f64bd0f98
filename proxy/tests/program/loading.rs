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

#[test]
fn rows_of_the_future_need_a_flag() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10).replace("2026", "2096"));
    let load = |flags: &[&str]| {
        let mut command = aqs(home.path());
        run(command.arg("load").arg(&directory).args(flags).arg("--store").arg(&store))
    };
    let refused = load(&[]);
    assert_eq!(refused.status.code(), Some(1));
    let text = output_text(&refused);
    assert!(text.contains("the period 20961001 is in the future; --allow-future"), "{text}");
    assert!(!store.exists());
    assert_eq!(load(&["--allow-future"]).status.code(), Some(0));
}

#[test]
fn an_interrupted_load_says_so_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = home.path().join("rows");
    fs::create_dir(&directory).unwrap();
    // Enough for seconds.
    let file = directory.join("unique_devices.ndjson");
    fs::write(&file, devices(1, 10).repeat(1_000_000)).unwrap();
    let mut command = aqs(home.path());
    let mut child = command.arg("load").arg(&directory).arg("--store").arg(&store).spawn().unwrap();
    let building = home.path().join("store.sqlite.building");
    eventually("it has begun", Duration::from_secs(60), || building.exists());
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let text = output_text(&child.wait_with_output().unwrap());
    assert!(text.contains("Interrupted: nothing was loaded into "), "{text}");
    let left: Vec<_> =
        fs::read_dir(home.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("store")), "{left:?}");
}

#[test]
fn a_load_says_that_it_waits_for_another() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    let lock = fs::File::create(home.path().join("store.sqlite.building")).unwrap();
    lock.lock().unwrap();
    let mut command = aqs(home.path());
    let mut child = command.arg("load").arg(&directory).arg("--store").arg(&store).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("waiting for another load into ")));
    drop(lock);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn rows_of(days: std::ops::RangeInclusive<u32>) -> String {
    days.map(|day| devices(day, day)).collect()
}

#[test]
fn rows_are_removed_and_a_running_server_notices() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let lines = rows_of(1..=9) + &rows_of(1..=5).replace("en.wikipedia", "de.wikipedia");
    let directory = rows(home.path(), "unique_devices", &lines);
    let loaded = run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    assert!(loaded.status.success(), "{}", output_text(&loaded));
    let unload = |args: &[&str]| {
        let ended = run(aqs(home.path()).arg("unload").args(args).arg("--store").arg(&store));
        (ended.status.code(), output_text(&ended))
    };
    let running = Running::start(home.path(), &store);
    let series = |project: &str| {
        let path = format!("/metrics/unique-devices/{project}/all-sites/daily/20261001/20261009");
        running.get(&path).matches("\"devices\":").count()
    };
    assert_eq!((series("en.wikipedia"), series("de.wikipedia")), (9, 5));

    // A dry run, mistakes and selections without rows change nothing.
    let (code, text) = unload(&["--from", "2026-10-08", "--dry-run"]);
    assert!(code == Some(0) && text.contains("unique-devices-daily  2"), "{code:?} {text}");
    for (args, code, expected) in [
        (&["--dataset", "unique-device-daily"][..], 1, "did you mean unique-devices-daily?"),
        (&["projct=en.wikipedia"], 1, "did you mean project?"),
        (&["project=en.wikipedia", "referer=internal"], 1, "referer"),
        (&["access-site=mobile"], 1, "access-site must be all-sites, desktop-site, mobile-site"),
        (&["project=fr.wikipedia"], 1, "no row of"),
        (&["--from", "20261301"], 2, "write a day as"),
        (&["project"], 2, "COLUMN=VALUE"),
        (&[], 2, "required"),
    ] {
        let (found, text) = unload(args);
        assert!(found == Some(code) && text.contains(expected), "{args:?}: {found:?} {text}");
    }
    assert_eq!((series("en.wikipedia"), series("de.wikipedia")), (9, 5));

    // The project is normalised as in a request.
    let (code, text) = unload(&["project=DE.wikipedia.org"]);
    assert!(code == Some(0) && text.contains("unique-devices-daily  5"), "{code:?} {text}");
    eventually("the project is gone", Duration::from_secs(10), || series("de.wikipedia") == 0);
    let (code, text) = unload(&["--dataset", "unique-devices-daily", "--from", "20261007"]);
    assert!(code == Some(0) && text.contains("unique-devices-daily  3"), "{code:?} {text}");
    eventually("the days are gone", Duration::from_secs(10), || series("en.wikipedia") == 6);
    eventually("the last day is known", Duration::from_secs(10), || {
        running.get("/metrics/datasets").contains(r#""last":"2026-10-06""#)
    });
    let (code, _) = unload(&["project=en.wikipedia", "--to", "20261231"]);
    assert_eq!(code, Some(0));
    eventually("all is gone", Duration::from_secs(10), || {
        !running.get("/metrics/datasets").contains("2026-10")
    });
}

#[test]
fn standard_input_is_loaded() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let csv = "project,access-site,granularity,timestamp,devices\n\
               en.wikipedia,all-sites,daily,20261001,5\n";
    for text in [devices(1, 5), csv.to_owned()] {
        let mut command = aqs(home.path());
        command.args(["load", "-", "--table", "unique_devices", "--store"]).arg(&store);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let ended = child.wait_with_output().unwrap();
        let text = output_text(&ended);
        assert!(ended.status.success() && text.contains("1 rows loaded"), "{text}");
    }
}

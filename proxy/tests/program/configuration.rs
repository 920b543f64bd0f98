//! What it says of itself, and how it is configured.

use super::*;

#[test]
fn it_says_what_it_is() {
    let home = tempfile::tempdir().unwrap();
    let version = run(aqs(home.path()).arg("--version"));
    assert_eq!(said(&version).trim(), format!("aqs {}", env!("CARGO_PKG_VERSION")));
    assert_eq!(run(aqs(home.path()).arg("--no-such-flag")).status.code(), Some(2));
}

#[test]
fn todays_configuration_of_an_upstream_service_starts_it_without_its_cassandra() {
    let home = tempfile::tempdir().unwrap();
    let file = upstream(home.path());
    let mut command = aqs(home.path());
    command.env("AQS_ADMIN_LISTEN", "127.0.0.1:0").env("AQS_LOG_FORMAT", "readable");
    let mut running = Running::spawn(command.arg("-config").arg(&file));
    assert!(running.get("/healthz").contains("\r\n\r\n{\n  \"version\": \""));
    let devices = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261001";
    assert!(running.get(devices).starts_with("HTTP/1.1 503"));
    // That nothing is known is not that there is nothing.
    assert!(running.get("/metrics/datasets").starts_with("HTTP/1.1 503"));
    assert!(running.get("/admin/metrics").contains("\nhttp_requests_total{"));
    running.signal("TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    let mut logged = String::new();
    running.child.stderr.take().unwrap().read_to_string(&mut logged).unwrap();
    let unset = "CASSANDRA_USERNAME and CASSANDRA_PASSWORD env vars unset, \
                 using values from configuration file";
    assert!(logged.contains(unset), "{logged}");
    assert!(
        logged.contains("127.0.0.1:1: connection refused; does Cassandra run there"),
        "{logged}"
    );
    assert!(!logged.contains("geheim") && !logged.contains("INFO"), "{logged}");
}

#[test]
fn a_bad_configuration_ends_it_before_anything_starts() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("aqs.yaml");
    fs::write(&file, "limits:\n  haed: 10s\n").unwrap();
    for words in [&["--config"][..], &["check-config", "--config"], &["serve", "-config"]] {
        let ended = run(aqs(home.path()).args(words).arg(&file));
        assert_eq!(ended.status.code(), Some(64), "{}", said(&ended));
        let refusal = "aqs.yaml:2:3: there is no key `haed` in limits; the nearest is `head`\n";
        assert!(said(&ended).ends_with(refusal), "{}", said(&ended));
    }
    let missing = run(aqs(home.path()).env("AQS_CONFIG", home.path().join("missing.yaml")));
    assert_eq!(missing.status.code(), Some(64), "{}", said(&missing));
    assert_eq!(run(aqs(home.path()).env("AQS_MEMORY", "much")).status.code(), Some(64));
    for words in
        [["--memory", "much"], ["--listen", "here"], ["--admin-listen", "x"], ["--state", ""]]
    {
        let ended = run(aqs(home.path()).args(words));
        assert_eq!(ended.status.code(), Some(64), "{}", said(&ended));
    }
    assert!(!home.path().join("cache").exists(), "a sample was built");
}

#[test]
fn a_ca_file_that_is_none_ends_it_before_anything_starts() {
    let home = tempfile::tempdir().unwrap();
    let file = upstream(home.path());
    fs::write(home.path().join("ca.pem"), "").unwrap();
    for command in ["check-config", "serve"] {
        let ended = run(aqs(home.path()).args([command, "--config"]).arg(&file));
        assert_eq!(ended.status.code(), Some(64), "{}", said(&ended));
        assert!(said(&ended).contains("cassandra.tls.ca: the CA file "), "{}", said(&ended));
        assert!(said(&ended).contains("ca.pem holds no certificate"), "{}", said(&ended));
    }
}

#[test]
fn a_ca_file_may_have_an_odd_certificate_beside_a_good_one() {
    let home = tempfile::tempdir().unwrap();
    let file = upstream(home.path());
    let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(home.path().join("ca.pem"), format!("{odd}{CA}")).unwrap();
    let checked = run(aqs(home.path()).args(["check-config", "--config"]).arg(&file));
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    fs::write(home.path().join("ca.pem"), odd).unwrap();
    let checked = run(aqs(home.path()).args(["check-config", "--config"]).arg(&file));
    assert_eq!(checked.status.code(), Some(64), "{}", said(&checked));
}

#[test]
fn it_prints_what_holds_without_secrets() {
    let home = tempfile::tempdir().unwrap();
    let file = upstream(home.path());
    let mut command = aqs(home.path());
    command.env("CASSANDRA_PASSWORD", "geheimer").env("AQS_MEMORY", "32MiB");
    let printed = run(command.args(["check-config", "--memory", "64MiB", "--config"]).arg(&file));
    assert_eq!(printed.status.code(), Some(0), "{}", said(&printed));
    let said = said(&printed);
    for line in ["memory: 64MiB", "- 127.0.0.1:0", "username: device_analytics", "***"] {
        assert!(said.contains(line), "{line} in {said}");
    }
    assert!(!said.contains("geheim"), "{said}");
    let page = run(aqs(home.path()).arg("config-docs"));
    assert!(String::from_utf8_lossy(&page.stdout).contains("| `limits.head` |"));
}

#[test]
fn what_is_hardly_meant_is_said_when_it_is_checked() {
    let home = tempfile::tempdir().unwrap();
    let mut command = aqs(home.path());
    command.arg("check-config").env("AQS_LISTN", "127.0.0.1:1").args(["--store", "/no/store"]);
    let checked = run(&mut command);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    let warnings = String::from_utf8(checked.stderr).unwrap();
    for warning in [
        "aqs: the variable AQS_LISTN is not known and does nothing; the nearest is AQS_LISTEN",
        "aqs: store.path: /no/store is not there",
    ] {
        assert!(warnings.lines().any(|line| line == warning), "{warnings}");
    }
}

#[test]
fn a_state_directory_that_can_not_be_had_is_called_one() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    for (state, fault) in [
        ("/proc/x".to_owned(), "can't be made: "),
        (file.display().to_string(), "is no directory; "),
        ("/proc".to_owned(), "can't be used: "),
    ] {
        let mut command = aqs(home.path());
        command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store"]);
        let ended = run(command.arg(&store).args(["--state", &state]));
        assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
        let begin = format!("aqs: the state directory {state} {fault}");
        let end = "choose another with --state or the key state";
        let named = |line: &str| line.starts_with(&begin) && line.ends_with(end);
        assert!(said(&ended).lines().any(named), "{}", said(&ended));
    }
}

/// The page for operators shows how plans are written.
#[test]
fn the_plans_that_operators_are_shown_can_be_had() {
    let page = include_str!("../../../config/OPERATING.md");
    let from = page.find("    hot_set:\n").unwrap();
    let block = page[from..].lines().take_while(|line| line.starts_with("    "));
    let example: String = block.map(|line| line[4..].to_owned() + "\n").collect();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("aqs.yaml");
    fs::write(&file, &example).unwrap();
    let checked = run(aqs(home.path()).arg("check-config").arg("--config").arg(&file));
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    assert!(said(&checked).contains("country-lists"), "{}", said(&checked));
    for (right, wrong, said_of_it) in [
        ("newest 7 days", "last 7 days", "does not fit"),
        ("access: all", "access: desktop", "as a list"),
        ("top_articles_of: newest day", "top_articles_of: newest week", "is no window"),
    ] {
        fs::write(&file, example.replace(right, wrong)).unwrap();
        let refused = run(aqs(home.path()).arg("check-config").arg("--config").arg(&file));
        assert_eq!(refused.status.code(), Some(64), "{wrong}");
        assert!(said(&refused).contains(said_of_it), "{wrong}: {}", said(&refused));
    }
}

//! The program as it is started by hand: its words, its exit codes, its signals.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end where it fails"
)]

mod drain;
mod logs;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// `aqs` with a home of its own.
fn aqs(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aqs"));
    command.env("HOME", home).env("XDG_CACHE_HOME", home.join("cache")).env_remove("AQS_LOG");
    for name in ["LOG_FORMAT", "CONFIG", "LISTEN", "ADMIN_LISTEN", "STORE", "STATE", "MEMORY"] {
        command.env_remove(format!("AQS_{name}"));
    }
    command.env_remove("CASSANDRA_USERNAME").env_remove("CASSANDRA_PASSWORD");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A directory with one file of rows.
fn rows(home: &Path, table: &str, lines: &str) -> std::path::PathBuf {
    let directory = home.join("rows");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join(format!("{table}.ndjson")), lines).unwrap();
    directory
}

fn devices(day: u32, count: u32) -> String {
    format!(
        r#"{{"project":"en.wikipedia","access-site":"all-sites","granularity":"daily","timestamp":"2026100{day}","devices":{count},"offset":1,"underestimate":2}}"#
    ) + "\n"
}

/// A program that serves, ended when dropped.
struct Running {
    child: Child,
    address: SocketAddr,
    printed: String,
}

impl Running {
    fn start(home: &Path, store: &Path) -> Self {
        Self::start_with(home, store, &[])
    }

    fn start_with(home: &Path, store: &Path, more: &[&str]) -> Self {
        let mut command = aqs(home);
        command.args(more);
        command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store"]);
        Self::spawn(command.arg(store))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut printed = String::new();
        let mut address = None;
        for line in &mut lines {
            let line = line.unwrap();
            printed.push_str(&line);
            printed.push('\n');
            if let (None, Some(found)) = (address, line.trim().strip_prefix("http://")) {
                address = Some(found.parse().unwrap());
            }
            // What it holds is printed after where it listens.
            if line.starts_with("  curl") || line.contains("nothing yet") {
                break;
            }
        }
        let address = address.unwrap_or_else(|| panic!("no address in {printed}"));
        Self { child, address, printed }
    }

    fn get(&self, target: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again until something holds.
fn eventually(what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < within, "not within {within:?}: {what}");
        std::thread::yield_now();
    }
}

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
fn a_busy_port_ends_it_at_once() {
    let home = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run(aqs(home.path()).args(["--listen", &address, "--admin-listen", "127.0.0.1:0"]));
    assert!(!ended.status.success());
    assert!(said(&ended).contains(&address) && said(&ended).contains("in use"), "{}", said(&ended));
    // The sample was not even begun.
    assert!(!home.path().join("cache").exists());
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
fn a_signal_drains_and_ends_with_success() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    for name in ["TERM", "INT"] {
        let mut running = Running::start(home.path(), &store);
        running.get("/healthz");
        running.signal(name);
        assert_eq!(running.child.wait().unwrap().code(), Some(0), "{name}");
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    let mut running = Running::start(home.path(), &store);
    // A head that does not end keeps the drain waiting.
    let mut stream = TcpStream::connect(running.address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    running.get("/healthz");
    running.signal("TERM");
    let address = running.address;
    eventually("it stops accepting", Duration::from_secs(5), || {
        TcpStream::connect(address).is_err()
    });
    assert!(running.child.try_wait().unwrap().is_none(), "it did not wait for the request");
    running.signal("TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(1));
}

#[test]
fn it_says_what_it_is() {
    let home = tempfile::tempdir().unwrap();
    let version = run(aqs(home.path()).arg("--version"));
    assert_eq!(said(&version).trim(), format!("aqs {}", env!("CARGO_PKG_VERSION")));
    assert_eq!(run(aqs(home.path()).arg("--no-such-flag")).status.code(), Some(2));
}

/// As production's chart fills it, but for the address.
const UPSTREAM: &str = "\
service_name: device-analytics
listen_address: 127.0.0.1
listen_port: 0
log_level: WARNING
context_timeout: 40
cassandra:
  port: 9042
  consistency: localQuorum
  hosts:
    - aqs1010-a.eqiad.wmnet
  local_dc: eqiad
  config_table: aqs.config
  authentication:
    username: device_analytics
    password: geheim
  tls:
    ca: /etc/ssl/certs/wmf-ca-certificates.crt
";

#[test]
fn todays_configuration_of_an_upstream_service_starts_it() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    let file = home.path().join("config.yaml");
    fs::write(&file, UPSTREAM).unwrap();
    let mut command = aqs(home.path());
    command.env("AQS_ADMIN_LISTEN", "127.0.0.1:0").env("AQS_STORE", &store);
    command.env("AQS_LOG_FORMAT", "readable");
    let mut running = Running::spawn(command.arg("-config").arg(&file));
    assert!(running.get("/healthz").contains("\r\n\r\n{\n  \"version\": \""));
    assert!(running.get("/admin/metrics").contains("\nhttp_requests_total{"));
    running.signal("TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    let mut logged = String::new();
    running.child.stderr.take().unwrap().read_to_string(&mut logged).unwrap();
    let unset = "CASSANDRA_USERNAME and CASSANDRA_PASSWORD env vars unset, \
                 using values from configuration file";
    assert!(logged.contains(unset), "{logged}");
    assert!(logged.contains("Cassandra (aqs1010-a.eqiad.wmnet), which this version does not read"));
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
    assert!(!home.path().join("cache").exists(), "a sample was built");
}

#[test]
fn it_prints_what_holds_without_secrets() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.yaml");
    fs::write(&file, UPSTREAM).unwrap();
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
fn a_purge_finds_the_server_by_its_state_directory() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    let state = home.path().join("state");
    let purge =
        |words: &[&str]| run(aqs(home.path()).env("AQS_STATE", &state).arg("purge").args(words));
    assert!(said(&purge(&["--all"])).contains("name it with --admin"), "no server runs yet");
    let running = Running::start_with(home.path(), &store, &["--state", state.to_str().unwrap()]);
    let target = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261001";
    for words in [
        ["--all", "--hard"].as_slice(),
        &["--hard", "--project", "en.wikipedia"],
        &["--hard", "--endpoint", "unique-devices"],
        &["--hard", "--dataset", "unique-devices-daily"],
        &[
            "--hard",
            target,
            "/api/rest_v1/metrics/unique-devices/de.wikipedia/all-sites/daily/20261001/20261001",
        ],
    ] {
        running.get(target);
        let purged = purge(words);
        assert!(purged.status.success(), "{words:?}: {}", said(&purged));
        assert!(running.get(target).contains("detail=purged"), "{words:?}");
    }
    let mistaken = purge(&["--dataset", "unique-devices-weekly"]);
    assert!(!mistaken.status.success());
    assert!(said(&mistaken).contains("did you mean"), "{}", said(&mistaken));
    assert_eq!(purge(&[]).status.code(), Some(2), "nothing to purge was named");
}

#[test]
fn a_purge_goes_by_a_socket_file_that_the_configuration_names() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    let (socket, state) = (home.path().join("admin"), home.path().join("state"));
    let file = home.path().join("aqs.yaml");
    let keys = format!(
        "listen: ['127.0.0.1:0']\nadmin: {{listen: ['unix:{}']}}\nstate: {}\nstore: {{path: {}}}\n",
        socket.display(),
        state.display(),
        store.display()
    );
    fs::write(&file, keys).unwrap();
    let mut running = Running::spawn(aqs(home.path()).arg("--config").arg(&file));
    assert!(running.printed.contains(&format!("curl --unix-socket {}", socket.display())));
    let target = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261001";
    let token = state.join("admin-token");
    let by_hand = format!("--admin unix:{} --token-file {}", socket.display(), token.display());
    let by_hand: Vec<&str> = by_hand.split(' ').collect();
    let config = file.to_str().unwrap();
    for words in [&["--config", config][..], &by_hand] {
        running.get(target);
        let purged = run(aqs(home.path()).args(["purge", "--all", "--hard"]).args(words));
        assert!(purged.status.success(), "{words:?}: {}", said(&purged));
        assert!(running.get(target).contains("detail=purged"), "{words:?}");
    }
    let purged = run(aqs(home.path()).env("AQS_CONFIG", &file).args(["purge", "--all"]));
    assert!(purged.status.success(), "{}", said(&purged));
    let other = home.path().join("other-token");
    fs::write(&other, "a token that is long enough".replace(' ', "-")).unwrap();
    let mut mistaken = aqs(home.path());
    mistaken.args(["purge", "--all", "--config", config, "--token-file"]).arg(&other);
    for (mode, refusal) in [("644", "chmod 600"), ("600", "refused with 401")] {
        assert!(Command::new("chmod").arg(mode).arg(&other).status().unwrap().success());
        let refused = run(&mut mistaken);
        assert!(
            !refused.status.success() && said(&refused).contains(refusal),
            "{}",
            said(&refused)
        );
    }
    running.signal("TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    assert!(!socket.exists(), "the socket's file stays");
    let silent = run(aqs(home.path()).args(["purge", "--all", "--config", config]));
    assert!(said(&silent).contains("no server answers at unix:/"), "{}", said(&silent));
    fs::write(&file, "stat: x\n").unwrap();
    let bad = run(aqs(home.path()).args(["purge", "--all", "--config", config]));
    assert_eq!(bad.status.code(), Some(64), "{}", said(&bad));
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

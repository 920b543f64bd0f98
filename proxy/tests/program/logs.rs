//! The log: where it is written, and that a slow reader delays nothing.

use super::*;
use serde_json::Value;
use std::process::ChildStdout;

const TARGET: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261001";

/// A process that logs for a collector.
struct Collected {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// The lines that were read.
    read: Vec<String>,
    address: SocketAddr,
    admin: SocketAddr,
    state: std::path::PathBuf,
}

impl Collected {
    /// Starts a process with the upstream configuration and further keys.
    fn start(home: &Path, keys: &str) -> Self {
        let store = home.join("store.sqlite");
        let directory = rows(home, "unique_devices", &devices(1, 10));
        run(aqs(home).arg("load").arg(&directory).arg("--store").arg(&store));
        let (file, state) = (home.join("config.yaml"), home.join("state"));
        fs::write(&file, format!("{}{keys}", upstream_without_cassandra())).unwrap();
        let mut command = aqs(home);
        command.env("AQS_ADMIN_LISTEN", "127.0.0.1:0").env("AQS_STORE", &store);
        command.env("AQS_STATE", &state).env("AQS_LOG", "info").arg("-config").arg(&file);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let (mut read, mut address, mut admin) = (Vec::new(), None, None);
        let (address, admin) = loop {
            if let (Some(address), Some(admin)) = (address, admin) {
                break (address, admin);
            }
            let mut text = String::new();
            assert!(lines.read_line(&mut text).unwrap() > 0, "it ended: {read:?}");
            let line: Value = serde_json::from_str(&text).unwrap();
            let found = line["aqs"]["address"].as_str().map(|found| found.parse().unwrap());
            match line["message"].as_str() {
                Some("serving clients") => address = found,
                Some("serving operators") => admin = found,
                _ => {}
            }
            read.push(text);
        };
        Self { child, lines, read, address, admin, state }
    }

    fn request(address: SocketAddr, text: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "{text}host: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn terminate(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    /// All lines, after the end of the process.
    fn lines(&mut self) -> Vec<String> {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        self.read.extend(rest.lines().map(|line| format!("{line}\n")));
        self.read.clone()
    }
}

impl Drop for Collected {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_line_of_standard_output_is_json() {
    let home = tempfile::tempdir().unwrap();
    let mut running = Collected::start(home.path(), "log: {access: full}\n");
    let request = format!("GET {TARGET} HTTP/1.1\r\nx-request-id: mine\r\n");
    assert!(Collected::request(running.address, &request).starts_with("HTTP/1.1 200"));
    assert_eq!(running.terminate(), Some(0));
    let lines = running.lines();
    for line in &lines {
        // In the order of the contract.
        let mut rest = line.as_str();
        for key in [
            "{\"@timestamp\":\"",
            ",\"message\":\"",
            ",\"log\":{\"level\":\"",
            ",\"service\":{\"name\":\"device-analytics\"}",
        ] {
            let at = rest.find(key).unwrap_or_else(|| panic!("{key} in {line}"));
            assert!(key != "{\"@timestamp\":\"" || at == 0, "{line}");
            rest = &rest[at + key.len()..];
        }
        let parsed: Value = serde_json::from_str(line).unwrap();
        let time = parsed["@timestamp"].as_str().unwrap();
        assert!(time.len() == 20 && time.ends_with('Z'), "{line}");
        assert!(!line.contains("geheim"), "{line}");
    }
    let with = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert!(lines[0].contains("\"initializing service device-analytics (Rust version 1."));
    assert!(lines[0].contains(", Build host ") && lines[0].contains(", Timestamp "));
    assert_eq!(with("\"id\":\"mine\""), 1, "{lines:?}");
    assert_eq!(with("draining"), 1, "{lines:?}");
    let mut elsewhere = String::new();
    running.child.stderr.take().unwrap().read_to_string(&mut elsewhere).unwrap();
    assert_eq!(elsewhere, "");
}

#[test]
fn a_program_that_fails_ends_with_a_fatal_line() {
    let home = tempfile::tempdir().unwrap();
    let mut command = aqs(home.path());
    command.env("AQS_LOG_FORMAT", "ecs").args(["--listen", "127.0.0.1:0", "--store"]);
    command.args(["/missing.sqlite", "--admin-listen", "127.0.0.1:0"]);
    let ended = run(&mut command);
    assert_eq!(ended.status.code(), Some(1));
    let text = String::from_utf8(ended.stdout).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["log"]["level"], "FATAL", "{text}");
    assert!(last["message"].as_str().unwrap().contains("missing.sqlite"), "{text}");
}

/// More lines than fit into a pipe and the queue in front of it.
const MANY: usize = 9500;

#[test]
fn a_blocked_collector_delays_no_request() {
    let home = tempfile::tempdir().unwrap();
    let mut running = Collected::start(home.path(), "log: {access: full}\n");
    let mut stream = TcpStream::connect(running.address).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let sender = std::thread::spawn(move || {
        let request = format!("HEAD {TARGET} HTTP/1.1\r\nhost: x\r\n\r\n");
        for _ in 0..MANY {
            stream.write_all(request.as_bytes()).unwrap();
        }
    });
    let mut answers = 0;
    let mut line = String::new();
    while answers < MANY {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0, "{answers} answers");
        answers += usize::from(line == "HTTP/1.1 200 OK\r\n");
    }
    sender.join().unwrap();
    let metrics = Collected::request(running.admin, "GET /metrics HTTP/1.1\r\n");
    let lost = metrics.lines().find_map(|line| line.strip_prefix("aqs_log_lines_lost_total "));
    assert!(lost.unwrap().parse::<u64>().unwrap() > 0, "{lost:?}");
    // Nor does it delay the end.
    assert_eq!(running.terminate(), Some(0));
}

#[test]
fn lost_lines_are_counted_and_reported_once() {
    let home = tempfile::tempdir().unwrap();
    let (store, state) = (home.path().join("store.sqlite"), home.path().join("state"));
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = aqs(home.path());
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store"]);
    command.arg(&store).arg("--state").arg(&state).env("AQS_LOG_FORMAT", "ecs").stdout(full);
    let mut child = command.spawn().unwrap();
    let lost = || {
        let address = fs::read_to_string(state.join("admin-address")).unwrap_or_default();
        let address: SocketAddr = address.trim().parse().ok()?;
        let mut stream = TcpStream::connect(address).ok()?;
        write!(stream, "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .ok()?;
        let mut metrics = String::new();
        stream.read_to_string(&mut metrics).ok()?;
        let lost = metrics.lines().find_map(|line| line.strip_prefix("aqs_log_lines_lost_total "));
        lost?.parse::<u64>().ok()
    };
    let mut counted = false;
    eventually("what it could not write is counted", Duration::from_secs(60), || {
        counted = lost().is_some_and(|lost| lost > 2);
        counted || child.try_wait().unwrap().is_some()
    });
    let _ = child.kill();
    let text = output_text(&child.wait_with_output().unwrap());
    assert!(counted, "{text}");
    assert_eq!(text.matches("the log can't be written (No space left").count(), 1, "{text}");
}

#[test]
fn the_level_is_changed_while_it_runs() {
    let home = tempfile::tempdir().unwrap();
    let mut running = Collected::start(home.path(), "");
    let level = |args: &[&str]| {
        let mut command = aqs(home.path());
        run(command.env("AQS_STATE", home.path().join("state")).arg("log-level").args(args))
    };
    let json = |args: &[&str]| -> Value {
        let output = level(&[args, &["--json"]].concat());
        assert!(output.status.success(), "{}", output_text(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let shown = |filter: &str, then: Option<&str>| serde_json::json!({"filter": filter, "falls_back_to": then});
    assert_eq!(json(&[]), shown("info", None));
    let change = json(&["warning"]);
    assert_eq!((&change["old"], &change["new"]), (&"info".into(), &"warn".into()));
    assert_eq!(json(&[]), shown("warn", None));
    let change = json(&["aqs_origin=debug,info", "--for", "1h"]);
    assert_eq!(change["for_seconds"], 3600.0);
    assert_eq!(json(&[]), shown("aqs_origin=debug,info", Some("warn")));
    assert_eq!(output_text(&level(&[])), "aqs_origin=debug,info, later again warn\n");
    json(&["error", "--for", "1ms"]);
    eventually("it falls back", Duration::from_secs(60), || json(&[]) == shown("warn", None));
    for (args, refusal) in
        [(&["a=b=c"][..], "`a=b=c` is no filter"), (&["debug", "--for", "soon"], "is no duration")]
    {
        let refused = level(args);
        assert!(!refused.status.success());
        assert!(output_text(&refused).contains("refused with 400"), "{}", output_text(&refused));
        assert!(output_text(&refused).contains(refusal), "{}", output_text(&refused));
    }
    assert_eq!(json(&[]), shown("warn", None));
    // Writes need the token.
    let post = "POST /admin/log-level?level=debug HTTP/1.1\r\ncontent-length: 0\r\n";
    assert!(Collected::request(running.admin, post).starts_with("HTTP/1.1 401"));
    let put = "PUT /admin/log-level HTTP/1.1\r\n";
    assert!(Collected::request(running.admin, put).starts_with("HTTP/1.1 405"));
    assert!(running.state.join("admin-token").exists());
    assert_eq!(running.terminate(), Some(0));
    let lines = running.lines();
    let change = |line: &&String| line.contains("log level set by an operator");
    // Each change is logged, although two of the levels exclude it.
    assert_eq!(lines.iter().filter(change).count(), 3, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("\"filter\":\"warn\"")), "{lines:?}");
    // Lines below the level are not logged.
    assert!(!lines.iter().any(|line| line.contains("draining")), "{lines:?}");
}

//! Admin commands: what is logged, and where the token is sent.

use super::*;

const TARGET: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261001";
const OTHER: &str = "/metrics/unique-devices/en.wikipedia/mobile-site/daily/20261001/20261001";

/// A process with a state directory in a temporary home.
struct Served {
    running: Running,
    home: tempfile::TempDir,
}

impl Served {
    fn start(log: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = home.path().join("store.sqlite");
        let directory = rows(home.path(), "unique_devices", &devices(1, 10));
        run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
        // A purge would start builds, whose answers hide it.
        let config = home.path().join("aqs.yaml");
        fs::write(&config, "hot_set: {enabled: false}\n").unwrap();
        let mut command = aqs(home.path());
        command.arg("--config").arg(config);
        command.env("AQS_LOG", log).arg("--state").arg(home.path().join("state"));
        command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store"]);
        let running = Running::spawn(command.arg(store));
        Self { running, home }
    }

    fn state(&self, file: &str) -> std::path::PathBuf {
        self.home.path().join("state").join(file)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = aqs(self.home.path());
        command.args(args).arg("--state").arg(self.state(""));
        command
    }

    /// Ends the process and returns its log.
    fn log(mut self) -> String {
        self.running.signal("TERM");
        let mut log = String::new();
        self.running.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

#[test]
fn writes_are_logged_at_any_level() {
    let served = Served::start("warn");
    for args in
        [&["purge", "--project", "en.wikipedia"][..], &["log-level", "error"], &["purge", "--all"]]
    {
        let done = run(&mut served.command(args));
        assert!(done.status.success(), "{}", output_text(&done));
    }
    let log = served.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("operator")).collect();
    assert_eq!(lines.len(), 3, "{log}");
    for (line, parts) in lines.iter().zip([
        ["purged by an operator", "en.wikipedia", "soft", "http.request.id"],
        ["log level set by an operator", "old=\"warn\"", "filter=\"error\"", "http.request.id"],
        ["purged by an operator", "everything", "soft", "http.request.id"],
    ]) {
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    }
    assert!(!log.contains("draining"), "the level was not set: {log}");
}

#[test]
fn reads_need_no_token_and_a_wrong_token_file_is_named() {
    let served = Served::start("info");
    let address = fs::read_to_string(served.state("admin-address")).unwrap();
    let url = format!("http://{}", address.trim());
    let state = served.home.path().join("other");
    let output = |args: &[&str]| {
        let mut command = aqs(served.home.path());
        command.args(args).args(["--admin", &url, "--state"]).arg(&state);
        let done = run(&mut command);
        (done.status.code(), output_text(&done))
    };
    let file = state.join("admin-token");
    for args in [&["jobs"][..], &["hot-set"], &["log-level"]] {
        let (code, text) = output(args);
        assert_eq!(code, Some(0), "{args:?}: {text}");
    }
    for args in [&["purge", "--all"][..], &["log-level", "error"], &["hot-set", "verify"]] {
        let (code, text) = output(args);
        assert!(code == Some(1) && text.contains(file.to_str().unwrap()), "{args:?}: {text}");
    }
    fs::create_dir(&state).unwrap();
    fs::write(&file, "a-token-of-another-server").unwrap();
    assert!(Command::new("chmod").arg("600").arg(&file).status().unwrap().success());
    let (code, text) = output(&["purge", "--all"]);
    let note = format!("the token of {} was sent", file.display());
    assert!(code == Some(1) && text.contains("refused with 401"), "{text}");
    assert!(text.contains(&note) && text.contains("--token-file"), "{text}");
}

#[test]
fn another_machine_needs_a_token_file() {
    let served = Served::start("info");
    for args in [&["purge", "--all"][..], &["log-level"], &["jobs"], &["warm", "aggregates"]] {
        // An address for documentation (RFC 5737): nothing answers there.
        for elsewhere in ["http://192.0.2.1:8081", "192.0.2.1:8081"] {
            let refused = run(served.command(args).args(["--admin", elsewhere]));
            assert_eq!(refused.status.code(), Some(2), "{args:?}: {}", output_text(&refused));
            let message = format!("aqs: {elsewhere} is not on this machine");
            assert!(output_text(&refused).starts_with(&message), "{}", output_text(&refused));
            assert!(output_text(&refused).contains("--token-file"), "{}", output_text(&refused));
        }
    }
}

#[test]
fn purge_all_excludes_other_scopes() {
    let home = tempfile::tempdir().unwrap();
    for more in [&["--project", "en.wikipedia"][..], &["--dataset", "x"], &["/metrics/x"]] {
        let refused = run(aqs(home.path()).args(["purge", "--all"]).args(more));
        assert_eq!(refused.status.code(), Some(2), "{more:?}: {}", output_text(&refused));
    }
}

#[test]
fn the_address_file_is_removed_at_a_clean_exit() {
    let mut served = Served::start("info");
    assert!(served.state("admin-address").exists());
    served.running.signal("TERM");
    assert_eq!(served.running.child.wait().unwrap().code(), Some(0));
    assert!(!served.state("admin-address").exists());
}

#[test]
fn the_address_file_is_removed_after_a_second_signal() {
    let mut served = Served::start("info");
    // A head that is not complete keeps the drain going.
    let mut unfinished = TcpStream::connect(served.running.address).unwrap();
    unfinished.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
    let status = loop {
        served.running.signal("TERM");
        std::thread::sleep(Duration::from_millis(20));
        if let Some(status) = served.running.child.try_wait().unwrap() {
            break status;
        }
    };
    assert_eq!(status.code(), Some(1));
    assert!(!served.state("admin-address").exists());
}

#[test]
fn the_token_is_not_sent_to_the_address_of_a_crashed_server() {
    let mut served = Served::start("info");
    served.running.child.kill().unwrap();
    served.running.child.wait().unwrap();
    let address = fs::read_to_string(served.state("admin-address")).unwrap();
    let other_server = TcpListener::bind(address.trim()).unwrap();
    other_server.set_nonblocking(true).unwrap();
    for args in [&["purge", "--all"][..], &["log-level"]] {
        let refused = run(&mut served.command(args));
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            output_text(&refused).contains("found no running server"),
            "{}",
            output_text(&refused)
        );
    }
    let error = other_server.accept().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_closed_output_does_not_stop_a_purge() {
    let served = Served::start("info");
    for args in [&["purge", "--hard", TARGET, OTHER][..], &["log-level"]] {
        served.running.get(TARGET);
        served.running.get(OTHER);
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        let ended = served.command(args).stdout(write).output().unwrap();
        let text = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), text.as_ref()), (Some(0), ""));
        for target in [TARGET, OTHER] {
            let purged = served.running.get(target).contains("detail=purged");
            assert_eq!(purged, args[0] == "purge", "{target}");
        }
    }
}

#[test]
fn a_purge_that_is_not_persisted_fails() {
    let served = Served::start("info");
    let (address, token) = (served.state("admin-address"), served.home.path().join("token"));
    let url = format!("http://{}", fs::read_to_string(address).unwrap().trim());
    fs::rename(served.state("admin-token"), &token).unwrap();
    fs::remove_dir_all(served.state("")).unwrap();
    let mut command = aqs(served.home.path());
    command.args(["purge", "--all", "--admin", &url, "--token-file"]).arg(&token);
    let purged = run(&mut command);
    assert_eq!(purged.status.code(), Some(1));
    assert!(
        output_text(&purged).contains("refused with 500: purged until this server ends"),
        "{}",
        output_text(&purged)
    );
    let log = served.log();
    assert!(log.contains("purged by an operator, but the purge was not persisted"), "{log}");
}

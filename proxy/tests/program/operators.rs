//! What operators do from outside: what the log tells of it, and where the token goes.

use super::*;

const TARGET: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261001";
const OTHER: &str = "/metrics/unique-devices/de.wikipedia/all-sites/daily/20261001/20261001";

/// A program with a state directory, in a home that ends with it.
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

    fn command(&self, words: &[&str]) -> Command {
        let mut command = aqs(self.home.path());
        command.args(words).arg("--state").arg(self.state(""));
        command
    }

    /// What it logged; it ends.
    fn log(mut self) -> String {
        self.running.signal("TERM");
        let mut log = String::new();
        self.running.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

#[test]
fn writes_are_told_of_at_any_level() {
    let served = Served::start("warn");
    for words in
        [&["purge", "--project", "en.wikipedia"][..], &["log-level", "error"], &["purge", "--all"]]
    {
        let done = run(&mut served.command(words));
        assert!(done.status.success(), "{}", said(&done));
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
fn who_only_looks_needs_no_token_and_a_wrong_one_is_named() {
    let served = Served::start("info");
    let address = fs::read_to_string(served.state("admin-address")).unwrap();
    let place = format!("http://{}", address.trim());
    let state = served.home.path().join("other");
    let asked = |words: &[&str]| {
        let mut command = aqs(served.home.path());
        command.args(words).args(["--admin", &place, "--state"]).arg(&state);
        let output = run(&mut command);
        (output.status.code(), said(&output))
    };
    let file = state.join("admin-token");
    for words in [&["jobs"][..], &["hot-set"], &["log-level"]] {
        let (code, told) = asked(words);
        assert_eq!(code, Some(0), "{words:?}: {told}");
    }
    for words in [&["purge", "--all"][..], &["log-level", "error"], &["hot-set", "verify"]] {
        let (code, told) = asked(words);
        assert!(code == Some(1) && told.contains(file.to_str().unwrap()), "{words:?}: {told}");
    }
    fs::create_dir(&state).unwrap();
    fs::write(&file, "a-token-of-another-server").unwrap();
    assert!(Command::new("chmod").arg("600").arg(&file).status().unwrap().success());
    let (code, told) = asked(&["purge", "--all"]);
    let named = format!("the token of {} was sent", file.display());
    assert!(code == Some(1) && told.contains("refused with 401"), "{told}");
    assert!(told.contains(&named) && told.contains("--token-file"), "{told}");
}

#[test]
fn another_machine_needs_a_token_file() {
    let served = Served::start("info");
    for words in [&["purge", "--all"][..], &["log-level"], &["jobs"], &["warm", "aggregates"]] {
        // An address for documentation (RFC 5737): nothing answers there.
        for elsewhere in ["http://192.0.2.1:8081", "192.0.2.1:8081"] {
            let refused = run(served.command(words).args(["--admin", elsewhere]));
            assert_eq!(refused.status.code(), Some(2), "{words:?}: {}", said(&refused));
            let message = format!("aqs: {elsewhere} is not on this machine");
            assert!(said(&refused).starts_with(&message), "{}", said(&refused));
            assert!(said(&refused).contains("--token-file"), "{}", said(&refused));
        }
    }
}

#[test]
fn everything_is_purged_by_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    for more in [&["--project", "en.wikipedia"][..], &["--dataset", "x"], &["/metrics/x"]] {
        let refused = run(aqs(home.path()).args(["purge", "--all"]).args(more));
        assert_eq!(refused.status.code(), Some(2), "{more:?}: {}", said(&refused));
    }
}

#[test]
fn a_clean_end_takes_back_where_it_was() {
    let mut served = Served::start("info");
    assert!(served.state("admin-address").exists());
    served.running.signal("TERM");
    assert_eq!(served.running.child.wait().unwrap().code(), Some(0));
    assert!(!served.state("admin-address").exists());
}

#[test]
fn an_end_at_once_takes_it_back_too() {
    let mut served = Served::start("info");
    // A head that is not complete keeps the drain going.
    let mut halfway = TcpStream::connect(served.running.address).unwrap();
    halfway.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
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
fn the_token_is_shown_to_nobody_in_a_crashed_ones_place() {
    let mut served = Served::start("info");
    served.running.child.kill().unwrap();
    served.running.child.wait().unwrap();
    let address = fs::read_to_string(served.state("admin-address")).unwrap();
    let stranger = TcpListener::bind(address.trim()).unwrap();
    stranger.set_nonblocking(true).unwrap();
    for words in [&["purge", "--all"][..], &["log-level"]] {
        let refused = run(&mut served.command(words));
        assert_eq!(refused.status.code(), Some(1));
        assert!(said(&refused).contains("no aqs seems to run here"), "{}", said(&refused));
    }
    let nobody = stranger.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn whoever_reads_nothing_has_purged_all_the_same() {
    let served = Served::start("info");
    for words in [&["purge", "--hard", TARGET, OTHER][..], &["log-level"]] {
        served.running.get(TARGET);
        served.running.get(OTHER);
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        let ended = served.command(words).stdout(write).output().unwrap();
        let text = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{text}");
        assert!(text.starts_with("aqs: ") && !text.contains("panicked"), "{text}");
        for target in [TARGET, OTHER] {
            let purged = served.running.get(target).contains("detail=purged");
            assert_eq!(purged, words[0] == "purge", "{target}");
        }
    }
}

#[test]
fn a_purge_that_can_not_be_remembered_fails() {
    let served = Served::start("info");
    let (address, token) = (served.state("admin-address"), served.home.path().join("token"));
    let place = format!("http://{}", fs::read_to_string(address).unwrap().trim());
    fs::rename(served.state("admin-token"), &token).unwrap();
    fs::remove_dir_all(served.state("")).unwrap();
    let mut command = aqs(served.home.path());
    command.args(["purge", "--all", "--admin", &place, "--token-file"]).arg(&token);
    let purged = run(&mut command);
    assert_eq!(purged.status.code(), Some(1));
    assert!(said(&purged).contains("refused with 500: purged as long as"), "{}", said(&purged));
    let log = served.log();
    assert!(log.contains("purged by an operator, but not after a restart"), "{log}");
}

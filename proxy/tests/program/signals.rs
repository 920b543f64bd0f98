//! Signals before the process serves, SIGHUP and SIGQUIT.

use super::*;

/// Lines of standard error, read on a thread, so that waiting for one can time out.
fn lines_of(child: &mut Child) -> std::sync::mpsc::Receiver<String> {
    let (sender, lines) = std::sync::mpsc::channel();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn await_line(lines: &std::sync::mpsc::Receiver<String>, part: &str) {
    let mut read = Vec::new();
    while let Ok(line) = lines.recv_timeout(Duration::from_secs(60)) {
        if line.contains(part) {
            return;
        }
        read.push(line);
    }
    panic!("no {part:?} in {read:#?}");
}

#[test]
fn sighup_is_ignored_and_sigquit_drains() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    let mut running = Running::start(home.path(), &store);
    let lines = lines_of(&mut running.child);
    running.signal("HUP");
    await_line(&lines, "ignored SIGHUP");
    assert!(running.get("/healthz").starts_with("HTTP/1.1 200"));
    running.signal("QUIT");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    await_line(&lines, "drained: every connection has ended");
}

#[test]
fn a_signal_during_the_sample_build_leaves_no_files() {
    let home = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = aqs(home.path());
    command.args(["--listen", &free.to_string(), "--admin-listen", "127.0.0.1:0"]);
    command.env("TMPDIR", home.path()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let lines = lines_of(&mut child);
    await_line(&lines, "Building the sample data in ");
    // No client connects before the server can answer.
    let refused = TcpStream::connect(free).unwrap_err();
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    await_line(&lines, "ended before the sample data was built");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let left: Vec<_> = fs::read_dir(home.path().join("cache/aqs")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

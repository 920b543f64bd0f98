//! How the process ends.

use super::*;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

#[test]
fn a_busy_port_is_refused_at_once() {
    let home = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run(aqs(home.path()).args(["--listen", &address, "--admin-listen", "127.0.0.1:0"]));
    assert!(!ended.status.success());
    assert!(
        output_text(&ended).contains(&address) && output_text(&ended).contains("in use"),
        "{}",
        output_text(&ended)
    );
    // No sample data was built.
    assert!(!home.path().join("cache").exists());
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
    // Timeouts so long that only the signal ends the process.
    let file = home.path().join("aqs.yaml");
    fs::write(&file, "limits: {head: 1h, drain: 1h}\n").unwrap();
    let mut running =
        Running::start_with(home.path(), &store, &["--config", file.to_str().unwrap()]);
    // A head that does not end keeps the drain waiting.
    let mut stream = TcpStream::connect(running.address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    running.get("/healthz");
    running.signal("TERM");
    // One right after the first is the same one: supervisors send it twice.
    std::thread::sleep(Duration::from_millis(50));
    running.signal("TERM");
    let address = running.address;
    eventually("it stops accepting", Duration::from_secs(60), || {
        TcpStream::connect(address).is_err()
    });
    assert!(running.child.try_wait().unwrap().is_none(), "it did not wait for the request");
    std::thread::sleep(Duration::from_millis(1200));
    assert!(running.child.try_wait().unwrap().is_none(), "a doubled signal cut the drain");
    running.signal("TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_blocked_output_does_not_delay_the_end() {
    let home = tempfile::tempdir().unwrap();
    let (store, state) = (home.path().join("store.sqlite"), home.path().join("state"));
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    // Full, and never read from.
    let (mut full, _unread) = UnixStream::pair().unwrap();
    full.set_nonblocking(true).unwrap();
    while full.write(&[b'.'; 4096]).is_ok() {}
    while full.write(b".").is_ok() {}
    full.set_nonblocking(false).unwrap();
    let mut command = aqs(home.path());
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store"]);
    command.arg(&store).arg("--state").arg(&state).stderr(Stdio::null());
    let child = command.env("AQS_LOG_FORMAT", "readable").stdout(OwnedFd::from(full)).spawn();
    let mut child = KillOnDrop(child.unwrap());
    let ready = || {
        let address = fs::read_to_string(state.join("admin-address")).unwrap_or_default();
        let address = address.lines().next().and_then(|line| line.parse::<SocketAddr>().ok());
        let Some(mut stream) = address.and_then(|address| TcpStream::connect(address).ok()) else {
            return false;
        };
        let sent = write!(stream, "GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let mut text = String::new();
        sent.is_ok() && stream.read_to_string(&mut text).is_ok() && text.contains(" 200 ")
    };
    let minute = Duration::from_secs(60);
    eventually("it is ready", minute, ready);
    let id = child.0.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
    let mut code = None;
    eventually("it ends", minute, || {
        code = child.0.try_wait().unwrap();
        code.is_some()
    });
    assert_eq!(code.unwrap().code(), Some(0));
}

/// A process that is killed when dropped.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

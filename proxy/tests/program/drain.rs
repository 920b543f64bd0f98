//! Shutdown under load, as by a service manager.

use super::{Running, aqs, devices, eventually, rows, run};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const CLIENTS: usize = 200;
const DATA: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261001";

/// Sends a request and reads the answer: status, whether the connection closes, and body.
fn request(stream: &mut BufReader<TcpStream>, target: &str) -> (u16, bool, String) {
    let head = format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.get_mut().write_all(head.as_bytes()).expect("the connection closed without notice");
    let (mut status, mut closes, mut length) = (None, false, 0);
    loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).unwrap() > 0, "no answer to {target}");
        let line = line.trim_end().to_ascii_lowercase();
        match line.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("connection", value)) => closes = value == "close",
            None if line.is_empty() => break,
            None => status = line.split(' ').nth(1).and_then(|word| word.parse().ok()),
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("half an answer");
    (status.unwrap(), closes, String::from_utf8(body).unwrap())
}

/// Sends requests until an answer closes the connection; every request must be answered.
fn request_until_closed(address: SocketAddr, client: usize, answered: &AtomicUsize) {
    let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
    for number in 0.. {
        let (target, status, holds) = match (client + number) % 3 {
            0 => (format!("/metrics/nothing/{client}/{number}"), 404, "invalid route"),
            // New each time, so that the store is read.
            1 => (DATA.replace("en.", &format!("p{client}n{number}.")), 404, "we either do not"),
            _ => (DATA.to_owned(), 200, "\"devices\":10,"),
        };
        let (got, closes, body) = request(&mut stream, &target);
        assert_eq!((got, body.contains(holds)), (status, true), "{target}: {body}");
        answered.fetch_add(1, Ordering::Relaxed);
        if closes {
            assert_eq!(stream.read(&mut [0]).unwrap(), 0, "more than an answer");
            return;
        }
        thread::sleep(Duration::from_millis(client as u64 % 20));
    }
}

#[test]
fn a_signal_under_load_fails_no_request_and_ends_with_0() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    let file = home.path().join("aqs.yaml");
    // Timeouts so long that only a drain ends a connection.
    fs::write(&file, "limits: {head: 1h, drain_idle: 1h, drain: 2h}\n").unwrap();
    let mut running =
        Running::start_with(home.path(), &store, &["--config", file.to_str().unwrap()]);
    let address = running.address;
    let mut addresses =
        running.printed.lines().filter_map(|line| line.trim().strip_prefix("http://"));
    let admin = addresses.nth(1).unwrap().split(' ').next().unwrap();
    let admin: SocketAddr = admin.parse().unwrap();
    let ready = || request(&mut BufReader::new(TcpStream::connect(admin).unwrap()), "/readyz").0;
    assert_eq!(ready(), 200);

    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let answered = Arc::clone(&answered);
            thread::spawn(move || request_until_closed(address, client, &answered))
        })
        .collect();
    let forever = Duration::from_secs(60);
    eventually("load", forever, || answered.load(Ordering::Relaxed) > CLIENTS * 5);
    // An unfinished request delays the shutdown.
    let mut held = TcpStream::connect(address).unwrap();
    held.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
    running.signal("TERM");
    eventually("readiness falls", forever, || ready() == 503);
    held.write_all(b"host: x\r\n\r\n").unwrap();
    let mut last = String::new();
    held.read_to_string(&mut last).unwrap();
    assert!(last.starts_with("HTTP/1.1 200") && last.contains("\r\nconnection: close"), "{last}");
    let failed = clients.into_iter().filter_map(|client| client.join().err()).count();
    assert_eq!(failed, 0, "clients whose requests failed, of {CLIENTS}");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    assert!(TcpStream::connect(address).is_err(), "the listener is still open");
}

#[test]
fn a_request_beyond_the_drain_timeout_is_cut_and_the_exit_code_is_0() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    let file = home.path().join("aqs.yaml");
    fs::write(&file, "limits: {drain: 200ms}\n").unwrap();
    let mut running =
        Running::start_with(home.path(), &store, &["--config", file.to_str().unwrap()]);
    // The beginning of a request that never ends.
    let mut unfinished = TcpStream::connect(running.address).unwrap();
    unfinished.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    // Answered after it, so that it was accepted.
    assert!(running.get(DATA).contains("\"devices\":10,"));
    running.signal("TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    let mut logged = String::new();
    running.child.stderr.take().unwrap().read_to_string(&mut logged).unwrap();
    assert!(logged.contains("some connections did not end in time and were cut"), "{logged}");
}

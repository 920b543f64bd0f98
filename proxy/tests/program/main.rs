//! The program as a process: its output, exit codes and signals.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end where it fails"
)]

mod configuration;
mod drain;
mod ending;
mod hot_set;
mod loading;
mod logs;
mod operators;
mod output;
mod purging;
mod signals;
mod stores;
mod warming;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// `aqs` with its own home directory.
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

fn output_text(output: &Output) -> String {
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

/// A serving process, killed when dropped.
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
            // The coverage is printed after the addresses.
            let ends = ["nothing yet", "not known yet"].iter().any(|end| line.contains(end));
            if ends || line.starts_with("  curl") {
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

/// Polls until something holds.
fn eventually(what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < within, "not within {within:?}: {what}");
        std::thread::yield_now();
    }
}

/// The configuration of the production chart, with another address.
const UPSTREAM: &str = include_str!("../fixtures/production.yaml");

/// The certificate of an authority that signs nothing.
const CA: &str = include_str!("../fixtures/ca.pem");

/// Writes the upstream configuration and its CA file. No Cassandra listens on the address in it.
fn upstream(home: &Path) -> PathBuf {
    let (file, ca) = (home.join("config.yaml"), home.join("ca.pem"));
    fs::write(&ca, CA).unwrap();
    let text = UPSTREAM
        .replace("/etc/ssl/certs/wmf-ca-certificates.crt", ca.to_str().unwrap())
        .replace("aqs1010-a.eqiad.wmnet", "127.0.0.1:1");
    fs::write(&file, text).unwrap();
    file
}

/// The upstream configuration without Cassandra, for a process with an embedded store.
fn upstream_without_cassandra() -> &'static str {
    UPSTREAM.split("cassandra:").next().unwrap()
}

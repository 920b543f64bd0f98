//! A service over Cassandra, in this process or as the program, and helpers that wait for it.

use crate::support::client::{Client, Response};
use crate::support::{catalogue, config, server};
use aqs_origin::Clock;
use aqs_origin::epochs::{PurgeMode, Scope};
use aqs_origin::store::cassandra::{CassandraStore, Options};
use aqs_proxy::config::Config;
use aqs_proxy::server::Server;
use std::fs::File;
use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// A server over a cluster, not ready yet.
pub(crate) async fn start(options: Options) -> Server {
    let config = Config { cassandra: Some(options.clone()), ..config() };
    let store = CassandraStore::new(options, catalogue().datasets(), Clock::System).unwrap();
    server(config, Arc::new(store)).await
}

/// A server over a cluster, once it is ready.
pub(crate) async fn start_ready(options: Options) -> Server {
    let server = start(options).await;
    wait_for_status(server.admin_addresses[0], "/readyz", 200).await;
    server
}

/// Sends a request on a connection of its own.
pub(crate) async fn get(address: SocketAddr, target: &str) -> Response {
    Client::connect(address).await.get(target).await
}

/// Repeats a request for up to a minute, until the answer has a status.
pub(crate) async fn wait_for_status(address: SocketAddr, target: &str, status: u16) -> Response {
    wait_for(address, target, |response| response.status == status).await
}

/// Repeats a request for up to a minute, until the answer is right.
pub(crate) async fn wait_for(
    address: SocketAddr,
    target: &str,
    is_right: impl Fn(&Response) -> bool,
) -> Response {
    poll(address, target, || {}, is_right).await
}

/// The same for answers of the store: the cache is purged before each request.
pub(crate) async fn wait_for_uncached(
    server: &Server,
    target: &str,
    is_right: impl Fn(&Response) -> bool,
) -> Response {
    let purge = || {
        server.components.origin.purge(Scope::Everything, PurgeMode::Hard).unwrap();
    };
    poll(server.addresses[0], target, purge, is_right).await
}

async fn poll(
    address: SocketAddr,
    target: &str,
    before: impl Fn(),
    is_right: impl Fn(&Response) -> bool,
) -> Response {
    let mut last = None;
    let polling = async {
        loop {
            before();
            let response = get(address, target).await;
            if is_right(&response) {
                return response;
            }
            last = Some(response);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(60), polling).await {
        Ok(response) => response,
        Err(_) => panic!("{target}: {:?} to the end", last.map(|last| (last.status, last.body))),
    }
}

/// The program `aqs`, killed when dropped.
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
    /// Kept open, since the program goes on writing to it.
    _stdout: Lines<BufReader<ChildStdout>>,
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts it as upstream's services are started, with one of their configuration files.
    pub(crate) fn start(home: &Path, config: &str) -> Self {
        let file = home.join("config.yaml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_aqs"));
        for name in ["CONFIG", "LISTEN", "STORE", "STATE", "MEMORY", "LOG"] {
            command.env_remove(format!("AQS_{name}"));
        }
        command.env_remove("CASSANDRA_USERNAME").env_remove("CASSANDRA_PASSWORD");
        command.env("HOME", home).env("XDG_CACHE_HOME", home.join("cache"));
        command.env("AQS_LOG_FORMAT", "readable");
        command.env("AQS_ADMIN_LISTEN", "127.0.0.1:0").arg("-config").arg(&file);
        let log = home.join("log");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.trim().strip_prefix("http://").map(|it| it.parse().unwrap()));
        Self { child, log, _stdout: lines, address: address.expect("it ended before it listened") }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

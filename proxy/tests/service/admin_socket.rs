//! The admin listener on a socket file.

use crate::support::client::Client;
use crate::support::scripted::Scripted;
use crate::support::{config, eventually, server};
use aqs_proxy::config::{Admin, Config, StateDir};
use aqs_proxy::listen::ListenAddr;
use aqs_proxy::listen::ListenError;
use aqs_proxy::server::{ADDRESS_FILE, Server, TOKEN_FILE};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

const DATA: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240131";
const PURGE: &str = "/admin/purge?scope=everything&depth=hard";

fn admin(address: ListenAddr) -> Admin {
    Admin { listen: vec![address], ..Admin::default() }
}

/// A configuration with one admin listener: the socket file `admin` in a folder.
fn on_socket_file(folder: &Path) -> Config {
    Config {
        admin: admin(ListenAddr::Unix(folder.join("admin"))),
        state: StateDir::At(folder.join("state")),
        ..config()
    }
}

#[tokio::test]
async fn reads_are_open_and_writes_need_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin");
    let server = server(on_socket_file(folder.path()), Scripted::open()).await;
    assert_eq!(server.admin_sockets, std::slice::from_ref(&path));
    assert!(server.admin_addresses.is_empty());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let address = fs::read_to_string(folder.path().join("state").join(ADDRESS_FILE)).unwrap();
    assert_eq!(address, format!("unix:{}\n", path.display()));
    let token = fs::read_to_string(folder.path().join("state").join(TOKEN_FILE)).unwrap();
    let bearer = format!("Bearer {}", token.trim());

    let mut public = Client::connect(server.addresses[0]).await;
    public.get(DATA).await;
    let mut admin = Client::connect_to_file(&path).await;
    assert_eq!(admin.get("/healthz").await.status, 200);
    assert!(admin.get("/metrics").await.text().contains("aqs_connections{listener=\"admin\"} 1"));
    assert_eq!(admin.get("/admin/metrics").await.status, 200);
    let epoch = server.components.origin.epochs.current();
    for (headers, status) in [
        ("host: localhost\r\n", 401),
        ("host: localhost\r\nauthorization: Bearer wrong\r\n", 401),
        (&format!("host: evil.example\r\nauthorization: {bearer}\r\n"), 403),
        (&format!("host: localhost\r\norigin: null\r\nauthorization: {bearer}\r\n"), 403),
    ] {
        admin.send(format!("POST {PURGE} HTTP/1.1\r\n{headers}\r\n").as_bytes()).await;
        assert_eq!(admin.response(false).await.unwrap().status, status, "{headers}");
    }
    assert_eq!(server.components.origin.epochs.current(), epoch, "something was purged");
    let headers = format!("host: localhost\r\nauthorization: {bearer}\r\n");
    admin.send(format!("POST {PURGE} HTTP/1.1\r\n{headers}\r\n").as_bytes()).await;
    assert_eq!(admin.response(false).await.unwrap().status, 200);
    assert!(public.get(DATA).await.header("cache-status").unwrap().ends_with("detail=purged"));
}

#[tokio::test]
async fn the_socket_file_is_removed_after_the_drain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin");
    let server = server(on_socket_file(folder.path()), Scripted::open()).await;
    // A head that is not complete keeps the drain going.
    let mut unfinished = Client::connect(server.addresses[0]).await;
    unfinished.send(b"GET /healthz HTTP/1.1\r\n").await;
    let ready = server.components.readiness.clone();
    let drained = tokio::spawn(server.drain());
    eventually(|| !ready.missing().is_empty()).await;
    assert_eq!(Client::connect_to_file(&path).await.get("/readyz").await.status, 503);
    unfinished.send(b"host: x\r\n\r\n").await;
    assert_eq!(unfinished.response(false).await.unwrap().status, 200);
    drop(unfinished);
    assert!(drained.await.unwrap());
    assert!(!path.exists(), "the file was not removed");
}

#[tokio::test]
async fn a_stale_socket_file_is_replaced_and_another_file_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let config = on_socket_file(folder.path());
    let path = folder.path().join("admin");
    drop(UnixListener::bind(&path).unwrap());
    let server = server(config.clone(), Scripted::open()).await;
    assert_eq!(Client::connect_to_file(&path).await.get("/healthz").await.status, 200);

    let busy = Server::bind(&config).unwrap_err();
    assert!(matches!(&busy, ListenError::Busy(..)), "{busy}");
    assert!(busy.to_string().starts_with(&format!("unix:{} is in use", path.display())), "{busy}");
    assert_eq!(Client::connect_to_file(&path).await.get("/healthz").await.status, 200);
    assert!(server.drain().await);

    fs::write(&path, "mine").unwrap();
    let refused = Server::bind(&config).unwrap_err().to_string();
    assert!(refused.contains("admin: there is a file that is no socket"), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[tokio::test]
async fn a_missing_folder_and_a_long_path_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["missing/admin".to_owned(), "x".repeat(120)] {
        let address = ListenAddr::Unix(folder.path().join(&name));
        let config = Config { admin: admin(address), ..config() };
        let refused = Server::bind(&config).unwrap_err().to_string();
        assert!(refused.starts_with("can't listen on unix:/"), "{refused}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

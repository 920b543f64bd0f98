//! The start of a server: work that waits for the disk, and what is left when a start fails.

use crate::support::scripted::Scripted;
use crate::support::{catalogue, config, eventually, server};
use aqs_proxy::config::{Config, StateDir};
use aqs_proxy::listen::ListenError;
use aqs_proxy::server::{Parts, Server, StartError};
use socket2::{Domain, Socket, Type};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;

/// The one thread that may block is taken: a start that does not use it would go on.
#[test]
fn the_state_directory_is_opened_on_a_thread_that_may_block() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let config = Config { state: StateDir::At(state.clone()), ..config() };
        let (release, released) = channel::<()>();
        let (taken, is_taken) = tokio::sync::oneshot::channel();
        let blocked = tokio::task::spawn_blocking(move || {
            taken.send(()).unwrap();
            released.recv().unwrap();
        });
        is_taken.await.unwrap();
        let starting = tokio::spawn(server(config, Scripted::open()));
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert!(!state.exists());
        release.send(()).unwrap();
        blocked.await.unwrap();
        let server = starting.await.unwrap();
        assert!(state.exists());
        assert!(server.drain().await);
    });
}

#[tokio::test]
async fn a_failed_start_ends_its_background_tasks() {
    // Bound and not listening, so that both servers can bind it. Only the first can listen.
    let reserved = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    reserved.set_reuse_address(true).unwrap();
    reserved.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = reserved.local_addr().unwrap().as_socket().unwrap();
    let config = Config { listen: Some(vec![address]), ..config() };
    let sockets = Server::bind(&config).unwrap();
    let first = server(config.clone(), Scripted::open()).await;
    let store = Scripted::open();
    let failed = Server::start(
        sockets,
        &config,
        Parts::new(aqs_origin::stores::StoreName::Embedded, catalogue(), store.clone()),
    )
    .await;
    assert!(matches!(failed, Err(StartError::Listen(ListenError::Busy(..)))));
    eventually(|| Arc::strong_count(&store) == 1).await;
    assert!(first.drain().await);
}

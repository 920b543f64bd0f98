//! Shared helpers: a server on free ports over a store of the test's rows, and a client that
//! returns every byte.

pub(crate) mod captured_log;
pub(crate) mod client;
mod config;
pub(crate) mod counting_store;
pub(crate) mod scenario;
pub(crate) mod scripted;

pub(crate) use config::config;

use aqs_api::Catalogue;
use aqs_origin::Clock;
use aqs_origin::store::Store;
use aqs_origin::store::embedded::{EmbeddedStore, Options};
use aqs_proxy::config::Config;
use aqs_proxy::server::{Parts, Server};
use aqs_scenarios::load_rows;
use std::path::Path;
use std::sync::Arc;

/// The standard catalogue.
pub(crate) fn catalogue() -> Arc<Catalogue> {
    Arc::new(Catalogue::standard().unwrap())
}

/// A server over any store.
pub(crate) async fn server(config: Config, store: Arc<dyn Store>) -> Server {
    server_at(config, store, Clock::System).await
}

/// A server over any store, with a clock.
pub(crate) async fn server_at(config: Config, store: Arc<dyn Store>, clock: Clock) -> Server {
    let sockets = Server::bind(&config).unwrap();
    let name = config.stores(&catalogue())[0].0;
    let parts = Parts { clock, ..Parts::new(name, catalogue(), store) };
    Server::start(sockets, &config, parts).await.unwrap()
}

/// An embedded store of the rows in a directory.
pub(crate) fn store_of(rows: &Path, folder: &Path) -> Arc<EmbeddedStore> {
    let catalogue = catalogue();
    let path = folder.join("store.sqlite");
    load_rows(rows, &path, &catalogue);
    Arc::new(EmbeddedStore::open(&path, &catalogue, Options::default()).unwrap())
}

/// Waits until a condition holds, for a minute at most.
pub(crate) async fn eventually(mut holds: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        while !holds() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    });
    waited.await.expect("it never came to hold");
}

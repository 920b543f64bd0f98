//! Runs every scenario file over a real socket: each topic's rows in an embedded store of their own.

use crate::support::scenario::run;
use crate::support::{catalogue, config, server};
use aqs_scenarios::{Outcome, topics, topics_in};
use std::path::Path;
use std::sync::Arc;

#[tokio::test]
async fn every_scenario_passes() {
    let mut outcome = Outcome::default();
    // What only HTTP shows is a matter of the proxy.
    let http = topics_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios"));
    for topic in topics().into_iter().chain(http) {
        let folder = tempfile::tempdir().unwrap();
        let store = topic.store(folder.path(), &catalogue());
        let server = server(config(), Arc::new(store)).await;
        run(&topic.scenarios, server.addresses[0], &mut outcome).await;
        assert!(server.drain().await, "connections were left");
    }
    outcome.assert(400);
}

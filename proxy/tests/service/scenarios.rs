//! Runs every scenario file over a real socket: each folder's rows in an embedded store of their
//! own.

use crate::support::scenario::{Outcome, topics};
use crate::support::{config, server, store_of};

#[tokio::test]
async fn every_scenario_passes() {
    let mut outcome = Outcome::default();
    for topic in topics() {
        let folder = tempfile::tempdir().unwrap();
        let store = store_of(&topic.rows, folder.path());
        let server = server(config(), store).await;
        outcome.add(&topic.scenarios, server.addresses[0]).await;
        assert!(server.drain().await, "connections were left");
    }
    outcome.assert(400);
}

//! The metrics of store reads.

use crate::support::client::Client;
use crate::support::scripted::{Behaviour, Scripted};
use crate::support::{config, server};

#[tokio::test]
async fn reads_are_counted_by_outcome() {
    let store = Scripted::open();
    let server = server(config(), store.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    // Different numbers, so that outcomes can't be mixed up.
    let cases =
        [(Behaviour::Answers, 200, 1), (Behaviour::IsEmpty, 404, 2), (Behaviour::Fails, 503, 3)];
    for (behaviour, status, times) in cases {
        store.set_behaviour(behaviour);
        for day in 1..=times {
            let target = format!(
                "/metrics/unique-devices/{behaviour:?}.wikipedia/all-sites/daily/2024010{day}/20240131"
            );
            assert_eq!(client.get(&target).await.status, status, "{target}");
        }
    }
    let mut admin = Client::connect(server.admin_addresses[0]).await;
    let page = admin.get("/metrics").await.text().to_owned();
    let dataset = "dataset=\"unique-devices-daily\"";
    for line in [
        format!("aqs_store_reads_total{{{dataset},outcome=\"rows\",store=\"embedded\"}} 1"),
        format!("aqs_store_reads_total{{{dataset},outcome=\"empty\",store=\"embedded\"}} 2"),
        format!("aqs_store_reads_total{{{dataset},outcome=\"error\",store=\"embedded\"}} 3"),
        format!("aqs_store_read_seconds_count{{{dataset},store=\"embedded\"}} 6"),
    ] {
        assert!(page.lines().any(|held| held == line), "{line} is not in\n{page}");
    }
}

//! What is counted of reads.

use crate::support::client::Client;
use crate::support::scripted::{Mood, Scripted};
use crate::support::{config, server};

#[tokio::test]
async fn what_becomes_of_a_read_is_counted_apart() {
    let store = Scripted::open();
    let server = server(config(), store.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    // Of each another number, so that none can stand for another.
    let cases = [(Mood::Answers, 200, 1), (Mood::IsEmpty, 404, 2), (Mood::Fails, 503, 3)];
    for (mood, status, times) in cases {
        store.be(mood);
        for day in 1..=times {
            let target = format!(
                "/metrics/unique-devices/{mood:?}.wikipedia/all-sites/daily/2024010{day}/20240131"
            );
            assert_eq!(client.get(&target).await.status, status, "{target}");
        }
    }
    let mut admin = Client::connect(server.admin_addresses[0]).await;
    let page = admin.get("/metrics").await.text().to_owned();
    let dataset = "dataset=\"unique-devices-daily\"";
    for line in [
        format!("aqs_store_reads_total{{{dataset},outcome=\"rows\"}} 1"),
        format!("aqs_store_reads_total{{{dataset},outcome=\"empty\"}} 2"),
        format!("aqs_store_reads_total{{{dataset},outcome=\"error\"}} 3"),
        format!("aqs_store_read_seconds_count{{{dataset}}} 6"),
    ] {
        assert!(page.lines().any(|held| held == line), "{line} is not in\n{page}");
    }
}

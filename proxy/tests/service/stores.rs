//! Two stores behind one server.

use crate::support::client::{Client, Response};
use crate::support::scripted::{Behaviour, Scripted};
use crate::support::{catalogue, config, eventually};
use aqs_origin::store::Store;
use aqs_origin::store::cassandra::Options as CassandraOptions;
use aqs_origin::store::embedded::{EmbeddedStore, Options};
use aqs_origin::stores::StoreName;
use aqs_proxy::config::Config;
use aqs_proxy::server::{Parts, Server};
use aqs_scenarios::load_rows;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DEVICES: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240131";
const TOP: &str = "/metrics/pageviews/top/en.wikipedia/all-access/2024/01/01";

/// A server that reads page analytics from the second store, and all else from the first.
pub(crate) async fn server_over(
    config: Config,
    first: Arc<dyn Store>,
    second: Arc<dyn Store>,
) -> Server {
    let routes = [
        ("device-analytics".to_owned(), StoreName::Embedded),
        ("page-analytics".to_owned(), StoreName::Cassandra),
    ];
    let config = Config { routes: routes.into(), ..config };
    let sockets = Server::bind(&config).unwrap();
    let stores = vec![(StoreName::Embedded, first), (StoreName::Cassandra, second)];
    let parts = Parts { stores, ..Parts::new(StoreName::Embedded, catalogue(), Scripted::open()) };
    Server::start(sockets, &config, parts).await.unwrap()
}

/// An embedded store that has both services' rows of a project, with this number in each.
struct Rows {
    folder: tempfile::TempDir,
    project: &'static str,
}

impl Rows {
    fn of(project: &'static str, number: u64) -> Self {
        let rows = Self { folder: tempfile::tempdir().unwrap(), project };
        rows.load(number, "20240101");
        rows
    }

    /// Loads both services' rows of a day.
    fn load(&self, number: u64, date: &str) {
        let (project, rows) = (self.project, self.folder.path().join("rows"));
        std::fs::create_dir_all(&rows).unwrap();
        let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
        let devices = format!(
            r#"{{"project":"{project}","access-site":"all-sites","granularity":"daily","timestamp":"{date}","devices":{number},"offset":0,"underestimate":0}}"#
        );
        let top = format!(
            r#"{{"project":"{project}","access":"all-access","year":"{year}","month":"{month}","day":"{day}","articlesJSON":"[{{\"article\":\"A\",\"views\":{number},\"rank\":1}}]"}}"#
        );
        std::fs::write(rows.join("unique_devices.ndjson"), devices).unwrap();
        std::fs::write(rows.join("top_pageviews.ndjson"), top).unwrap();
        load_rows(&rows, &self.path(), &catalogue());
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.sqlite")
    }

    fn open(&self) -> Arc<dyn Store> {
        let path: &Path = &self.path();
        Arc::new(EmbeddedStore::open(path, &catalogue(), Options::default()).unwrap())
    }
}

fn status(response: &Response) -> &str {
    response.header("cache-status").unwrap()
}

async fn metrics(server: &Server) -> String {
    let mut admin = Client::connect(server.admin_addresses[0]).await;
    admin.get("/metrics").await.text().to_owned()
}

#[tokio::test]
async fn each_dataset_is_read_from_its_store() {
    let (first, second) = (Rows::of("en.wikipedia", 1), Rows::of("en.wikipedia", 2));
    // Only the store that is not asked for it has this project.
    first.load(1, "20240103");
    let server = server_over(config(), first.open(), second.open()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    assert_eq!(client.get(DEVICES).await.json()["items"][0]["devices"], 1);
    assert_eq!(client.get(TOP).await.json()["items"][0]["articles"][0]["views"], 2);
    let other_day = TOP.replace("/01/01", "/01/03");
    assert_eq!(client.get(&other_day).await.status, 404, "the first store has it");

    let datasets = client.get("/metrics/datasets").await.json();
    let datasets = datasets["items"].as_array().unwrap().iter();
    let last = |item: &serde_json::Value| {
        (item["dataset"].as_str().unwrap().to_owned(), item["last"].as_str().unwrap().to_owned())
    };
    let expected = [("unique-devices-daily", "2024-01-03"), ("pageviews-top-daily", "2024-01-01")]
        .map(|(dataset, last)| (dataset.to_owned(), last.to_owned()));
    let found: Vec<_> = datasets.map(last).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(expected.iter().all(|one| found.contains(one)), "{found:?}");

    let page = metrics(&server).await;
    for (dataset, store, outcome, count) in [
        ("unique-devices-daily", "embedded", "rows", 1),
        ("pageviews-top-daily", "cassandra", "rows", 1),
    ] {
        let line = format!(
            "aqs_store_reads_total{{dataset=\"{dataset}\",outcome=\"{outcome}\",store=\"{store}\"}} \
             {count}"
        );
        assert!(page.lines().any(|held| held == line), "{line} is not in\n{page}");
    }
    let foreign = "dataset=\"unique-devices-daily\",outcome=\"rows\",store=\"cassandra\"";
    assert!(!page.contains(foreign), "{page}");
}

#[tokio::test]
async fn a_load_purges_only_the_datasets_of_its_store() {
    let (first, second) = (Rows::of("en.wikipedia", 1), Rows::of("en.wikipedia", 2));
    let server = server_over(config(), first.open(), second.open()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    for target in [DEVICES, TOP] {
        assert_eq!(client.get(target).await.status, 200);
    }
    // Rows of both services, of which the server reads one from this store.
    second.load(3, "20240101");
    let mut top = client.get(TOP).await;
    while status(&top).starts_with("aqs; hit; ttl=2") {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        top = client.get(TOP).await;
    }
    while client.get(TOP).await.json()["items"][0]["articles"][0]["views"] != 3 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let devices = client.get(DEVICES).await;
    assert!(status(&devices).starts_with("aqs; hit; ttl=2"), "{}", status(&devices));
    assert_eq!(devices.json()["items"][0]["devices"], 1);
}

#[tokio::test]
async fn a_store_that_fails_leaves_the_other_one_alone() {
    let rows = Rows::of("en.wikipedia", 1);
    let failing = Scripted::open();
    failing.set_behaviour(Behaviour::Fails);
    let server = server_over(config(), rows.open(), failing.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    let mut admin = Client::connect(server.admin_addresses[0]).await;
    assert_eq!(client.get(TOP).await.status, 503);
    assert_eq!(client.get(DEVICES).await.status, 200);
    let not_ready = admin.get("/readyz").await;
    assert_eq!(not_ready.status, 503);
    let text = not_ready.text();
    assert!(text.contains("not ready: what the store cassandra holds\""), "{text}");
    assert_eq!(admin.get("/healthz").await.status, 200);
    // The store that works is polled all the while.
    rows.load(2, "20240102");
    let newest = DEVICES.replace("20240101/20240131", "20240102/20240102");
    while client.get(&newest).await.status != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    failing.set_coverage("pageviews-top-daily", "20240101", "20240102");
    failing.set_behaviour(Behaviour::Answers);
    eventually(|| server.components.readiness.missing().is_empty()).await;
    assert_eq!(client.get(TOP).await.status, 200);
    // It keeps what was known of it.
    failing.set_behaviour(Behaviour::Fails);
    rows.load(3, "20240103");
    let covers = |day: &str| {
        let coverage = server.components.origin.coverage();
        let catalogue = catalogue();
        let last = catalogue.datasets().iter().filter_map(|dataset| coverage.get(dataset));
        last.filter(|extent| extent.last.as_str() == day).count()
    };
    eventually(|| covers("20240103") == 1).await;
    assert_eq!(covers("20240102"), 1);
}

#[tokio::test]
async fn a_full_queue_rejects_no_reads_of_another_store() {
    let rows = Rows::of("en.wikipedia", 1);
    let full = Scripted::gated();
    let options =
        CassandraOptions { reads: Some(1), queue: Some(0), ..CassandraOptions::default() };
    let config = Config { cassandra: Some(options), ..config() };
    let server = server_over(config, rows.open(), full.clone()).await;
    let address = server.addresses[0];
    let held = tokio::spawn(async move { Client::connect(address).await.get(TOP).await.status });
    eventually(|| full.reads() == 1).await;
    let mut client = Client::connect(address).await;
    let another = TOP.replace("/01/01", "/01/02");
    assert_eq!(client.get(&another).await.status, 503);
    assert_eq!(client.get(DEVICES).await.status, 200);
    let page = metrics(&server).await;
    for (store, count) in [("cassandra", 1), ("embedded", 0)] {
        let line = format!(
            "aqs_store_reads_shed_total{{reason=\"queue-full\",store=\"{store}\"}} {count}"
        );
        assert!(page.lines().any(|held| held == line), "{line} is not in\n{page}");
    }
    full.let_all_pass();
    assert_eq!(held.await.unwrap(), 200);
}

//! An aqs server on a store that succeeds, fails or blocks by the name of the project.

#[path = "../../../../proxy/tests/service/support/config.rs"]
mod config;

use aqs_api::calendar::Digits;
use aqs_api::table::ColumnType;
use aqs_api::{Catalogue, Coverage, Extent, Lookup, Rows};
use aqs_origin::store::{Store, StoreError};
use aqs_origin::{Clock, Moment, RequestContext};
use aqs_proxy::server::{Parts, Server};
use async_trait::async_trait;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;

/// The one target of the plan.
pub(crate) const HOT: &str =
    "/metrics/pageviews/aggregate/en.wikipedia/all-access/user/daily/20240125/20240131";
/// The ends of the daily (2024-02-01) and monthly (2024-01-01) data, in seconds since 1970.
pub(crate) const DAYS_END: f64 = 1_706_745_600.0;
pub(crate) const MONTHS_END: f64 = 1_704_067_200.0;
/// The name of the only plan.
pub(crate) const PLAN: &str = "one";

/// Returns one row for each read, none for projects that begin with `empty`, and an error for those
/// that begin with `fails`. Reads of projects that begin with `gated` block until [`Self::release`].
pub(crate) struct TestStore {
    catalogue: Arc<Catalogue>,
    gate: Semaphore,
    /// Makes all reads fail.
    pub(crate) down: AtomicBool,
}

impl TestStore {
    /// Releases this number of blocked reads.
    pub(crate) fn release(&self, reads: usize) {
        self.gate.add_permits(reads);
    }
}

#[async_trait]
impl Store for TestStore {
    async fn read(&self, lookup: &Lookup, _: &RequestContext) -> Result<Rows, StoreError> {
        let Lookup::Points(read) = lookup else { panic!("no table has events") };
        let project_is = |prefix: &str| read.partition.iter().any(|part| part.starts_with(prefix));
        if project_is("gated") {
            self.gate.acquire().await.unwrap().forget();
        }
        if project_is("fails") || self.down.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable {
                store: "test",
                reason: "injected failure".into(),
            });
        }
        let table = read.table;
        let mut rows = Rows::of(table);
        if project_is("empty") {
            return Ok(rows.finish());
        }
        let first = read.range.map_or("2024010100".to_owned(), |(first, _)| first.as_str().into());
        for (index, column) in table.read_columns().enumerate() {
            match column.kind {
                ColumnType::Int | ColumnType::BigInt => rows.int(index, Some(1)).unwrap(),
                ColumnType::Double => rows.double(index, Some(1.0)).unwrap(),
                ColumnType::Text | ColumnType::Timestamp | ColumnType::Date => {
                    rows.text(index, Some(&first)).unwrap();
                }
                ColumnType::Json => panic!("unexpected read: {lookup:?}"),
            }
        }
        rows.end_row().unwrap();
        Ok(rows.finish())
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        let mut coverage = Coverage::default();
        for (name, last) in [
            ("pageviews-aggregate-daily", "2024013100"),
            ("pageviews-aggregate-monthly", "2023120100"),
        ] {
            let datasets = self.catalogue.datasets().iter();
            let dataset = datasets.copied().find(|dataset| dataset.name == name).unwrap();
            let digits = |text| Digits::from_text(text).unwrap();
            let (first, last) = (digits("2015070100"), digits(last));
            coverage.insert(dataset, Extent { first, last, series: None, exact: true });
        }
        Ok(coverage)
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        Ok(1)
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        Ok(BTreeMap::new())
    }
}

/// A server with its published hot set, its store, and a clock that only the test advances.
pub(crate) struct Proxy {
    pub(crate) server: Server,
    pub(crate) store: Arc<TestStore>,
    pub(crate) clock: Clock,
    /// The time of the start, in seconds since 1970.
    pub(crate) started: f64,
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        let catalogue = Arc::new(Catalogue::standard().unwrap());
        let store = Arc::new(TestStore {
            catalogue: Arc::clone(&catalogue),
            gate: Semaphore::new(0),
            down: AtomicBool::new(false),
        });
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        // The load advances the clock by hours, and must not reach the future.
        let started = now - Duration::from_secs(6 * 3600);
        let clock = Clock::set(Moment(u64::try_from(started.as_millis()).unwrap()));
        let plan = json!({
            "name": PLAN,
            "items": [{
                "endpoint": "pageviews/aggregate",
                "values": {
                    "project": ["en.wikipedia"],
                    "access": ["all-access"],
                    "agent": ["user"],
                    "granularity": ["daily"],
                },
                "windows": ["last 7 days"],
            }],
        });
        let mut config = config::config();
        config.hot_set.plans = vec![serde_json::from_value(plan).unwrap()];
        let sockets = Server::bind(&config).unwrap();
        let parts = Parts {
            clock: clock.clone(),
            ..Parts::new(aqs_origin::stores::StoreName::Embedded, catalogue, store.clone())
        };
        let server = Server::start(sockets, &config, parts).await.unwrap();
        let proxy = Self { server, store, clock, started: started.as_secs() as f64 };
        let jobs = &proxy.server.components.jobs;
        eventually(|| jobs.list().iter().any(|job| job.ended.is_some())).await;
        assert!(
            proxy.server.components.service.lookup.hot_set.live().is_some(),
            "{:?}",
            jobs.list()
        );
        proxy
    }

    /// The value of the series of a gauge that has a label with this value.
    pub(crate) fn gauge(&self, name: &str, label: &str) -> f64 {
        let families = self.server.components.registry.gather();
        let family = families.iter().find(|family| family.name() == name).unwrap();
        let labelled = |metric: &&prometheus::proto::Metric| {
            metric.get_label().iter().any(|pair| pair.value() == label)
        };
        family.get_metric().iter().find(labelled).unwrap().get_gauge().get_value()
    }

    /// Waits until no background task and no read is running.
    pub(crate) async fn idle(&self) {
        let parts = &self.server.components;
        eventually(|| parts.tasks.is_empty() && parts.service.misses.responses.under_way() == 0)
            .await;
    }
}

/// Waits until the condition holds, for at most a minute.
pub(crate) async fn eventually(mut condition: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    waited.await.expect("the condition did not hold within a minute");
}

//! A house over a store that does as the names of projects say.

use aqs_api::calendar::Digits;
use aqs_api::table::Kind;
use aqs_api::{Catalogue, Coverage, Extent, Lookup, Rows};
use aqs_origin::store::{Store, StoreError};
use aqs_origin::{Clock, Moment, RequestContext};
use aqs_proxy::server::{Server, Settings};
use async_trait::async_trait;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;

/// The plan's one answer.
pub(crate) const HOT: &str =
    "/metrics/pageviews/aggregate/en.wikipedia/all-access/user/daily/20240125/20240131";
/// Up to when there are days, 2024-02-01, and months, 2024-01-01, in seconds since 1970.
pub(crate) const DAYS_END: f64 = 1_706_745_600.0;
pub(crate) const MONTHS_END: f64 = 1_704_067_200.0;
/// The only plan's name.
pub(crate) const PLAN: &str = "one";

/// One row a read, but for projects that begin with `empty` or `fails`; those that begin with
/// `gated` wait.
pub(crate) struct Obedient {
    catalogue: Arc<Catalogue>,
    gate: Semaphore,
    /// All reads fail.
    pub(crate) down: AtomicBool,
}

impl Obedient {
    /// Lets so many reads pass that wait.
    pub(crate) fn let_pass(&self, reads: usize) {
        self.gate.add_permits(reads);
    }
}

#[async_trait]
impl Store for Obedient {
    async fn read(&self, lookup: &Lookup, _: &RequestContext) -> Result<Rows, StoreError> {
        let Lookup::Points(read) = lookup else { panic!("not to be asked: {lookup:?}") };
        let about = |word: &str| read.partition.iter().any(|part| part.starts_with(word));
        if about("gated") {
            self.gate.acquire().await.unwrap().forget();
        }
        if about("fails") || self.down.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable { store: "obedient", reason: "told to".into() });
        }
        let table = read.dataset.table;
        let mut rows = Rows::of(table);
        if about("empty") {
            return Ok(rows.finish());
        }
        let first = read.range.map_or("2024010100".to_owned(), |(first, _)| first.as_str().into());
        for (index, column) in table.read_columns().enumerate() {
            match column.kind {
                Kind::Int | Kind::BigInt => rows.int(index, Some(1)).unwrap(),
                Kind::Text => rows.text(index, Some(&first)).unwrap(),
                Kind::Json => panic!("not to be asked: {lookup:?}"),
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

/// A house that has its hot set, its store, and its time, which stands.
pub(crate) struct Stage {
    pub(crate) house: Server,
    pub(crate) store: Arc<Obedient>,
    pub(crate) clock: Clock,
    /// When it was started, in seconds since 1970.
    pub(crate) started: f64,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let catalogue = Arc::new(Catalogue::standard().unwrap());
        let store = Arc::new(Obedient {
            catalogue: Arc::clone(&catalogue),
            gate: Semaphore::new(0),
            down: AtomicBool::new(false),
        });
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        // The script moves it on by hours, and nothing is to lie in the future then.
        let begun = now - Duration::from_secs(6 * 3600);
        let clock = Clock::set(Moment(u64::try_from(begun.as_millis()).unwrap()));
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
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
        let mut settings = Settings {
            listen: vec![free],
            admin_listen: vec![free.into()],
            clock: clock.clone(),
            ..Settings::default()
        };
        settings.hot_set.plans = vec![serde_json::from_value(plan).unwrap()];
        let sockets = Server::bind(&settings).unwrap();
        let house = Server::start(sockets, settings, catalogue, store.clone()).await.unwrap();
        let stage = Self { house, store, clock, started: begun.as_secs() as f64 };
        let jobs = &stage.house.service.jobs;
        eventually(|| jobs.list().iter().any(|job| job.ended.is_some())).await;
        assert!(stage.house.service.hot_set.live().is_some(), "{:?}", jobs.list());
        stage
    }

    /// The value of a gauge that has such a label.
    pub(crate) fn gauge(&self, name: &str, label: &str) -> f64 {
        let families = self.house.service.registry.gather();
        let family = families.iter().find(|family| family.name() == name).unwrap();
        let labelled = |metric: &&prometheus::proto::Metric| {
            metric.get_label().iter().any(|pair| pair.value() == label)
        };
        family.get_metric().iter().find(labelled).unwrap().get_gauge().get_value()
    }

    /// Waits until nothing is under way that somebody began.
    pub(crate) async fn rest(&self) {
        let service = &self.house.service;
        eventually(|| service.tasks.is_empty() && service.flights.under_way() == 0).await;
    }
}

/// Waits until something holds; a minute is for ever.
pub(crate) async fn eventually(mut holds: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    waited.await.expect("it never came to hold");
}

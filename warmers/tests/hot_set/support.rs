//! A fixture of a few rows, whose store can be made to fail.

use aqs_api::lifetimes::Times;
use aqs_api::{Catalogue, Coverage, Dialect, Key, Lookup, Representation, Rows};
use aqs_origin::epochs::StateDirectory;
use aqs_origin::limiter::ConcurrencyLimits;
use aqs_origin::load::{self, Progress as LoadProgress};
use aqs_origin::memory_budget::Budget;
use aqs_origin::metric_declarations::Declarations;
use aqs_origin::singleflight::SingleflightLimits;
use aqs_origin::store::embedded::{EmbeddedStore, Options};
use aqs_origin::store::{Store, StoreError};
use aqs_origin::stores::StoreParts;
use aqs_origin::{Clock, Epochs, Metrics as OriginMetrics, Moment, Origin, Parts, RequestContext};
use aqs_warmers::Settings;
use aqs_warmers::artefact::{ArtefactDirectory, Identity, StoreIdentity};
use aqs_warmers::build::{BuildError, BuildOptions, Builder, Built, Progress};
use aqs_warmers::hot_set::{HotFreshness, HotSet};
use aqs_warmers::metrics::Metrics;
use aqs_warmers::plan::{Overrides, Plan};
use async_trait::async_trait;
use prometheus::Registry;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const NOON: Moment = Moment(1_770_000_000_000);

/// A store that counts reads, fails and waits on demand.
pub(crate) struct FaultyStore {
    store: EmbeddedStore,
    pub(crate) reads: AtomicUsize,
    /// All reads fail.
    pub(crate) down: AtomicBool,
    /// Reads of partitions with this key fail.
    pub(crate) poison: std::sync::Mutex<Option<&'static str>>,
    /// The versions of datasets are unknown.
    pub(crate) forgetful: AtomicBool,
    /// The coverage is unknown, after this delay.
    pub(crate) away: std::sync::Mutex<Option<Duration>>,
    /// Permits of reads, which wait for one each.
    pub(crate) allowed: Semaphore,
}

#[async_trait]
impl Store for FaultyStore {
    async fn read(&self, lookup: &Lookup, ctx: &RequestContext) -> Result<Rows, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if let Ok(permit) = self.allowed.acquire().await {
            permit.forget();
        }
        let gone =
            |reason: &str| StoreError::Unavailable { store: "test", reason: reason.to_owned() };
        if self.down.load(Ordering::SeqCst) {
            return Err(gone("down"));
        }
        let Lookup::Points(read) = lookup else { panic!("no table has events") };
        let poison = *self.poison.lock().unwrap();
        if poison.is_some_and(|poison| read.partition.iter().any(|part| part == poison)) {
            return Err(gone("poisoned"));
        }
        self.store.read(lookup, ctx).await
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        self.store.coverage().await
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        let away = *self.away.lock().unwrap();
        if let Some(after) = away {
            tokio::time::sleep(after).await;
            return Err(StoreError::Unavailable { store: "test", reason: "away".to_owned() });
        }
        self.store.change_token().await
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        if self.forgetful.load(Ordering::SeqCst) {
            return Ok(BTreeMap::new());
        }
        self.store.versions().await
    }
}

/// The files that survive a restart.
pub(crate) struct TestDir {
    pub(crate) folder: TempDir,
}

/// A running fixture.
pub(crate) struct Fixture {
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) origin: Arc<Origin>,
    pub(crate) hot_set: Arc<HotSet>,
    pub(crate) builder: Arc<Builder>,
    pub(crate) tasks: TaskTracker,
    pub(crate) registry: Registry,
}

struct Silent;

impl LoadProgress for Silent {}

#[derive(Clone)]
pub(crate) struct FixtureSettings {
    pub(crate) settings: Settings,
    pub(crate) limiter: ConcurrencyLimits,
    pub(crate) memory: u64,
}

impl Default for FixtureSettings {
    fn default() -> Self {
        let settings =
            Settings { backoff: Duration::from_millis(1), attempts: 2, ..Settings::default() };
        Self { settings, limiter: ConcurrencyLimits::default(), memory: 1 << 30 }
    }
}

/// The views of an article on the first days of January.
pub(crate) fn views(project: &str, article: &str, day: u32, user: u32, spider: u32) -> String {
    let all = user + spider;
    format!(
        r#"{{"project":"{project}","article":"{article}","granularity":"daily","timestamp":"202601{day:02}00","aa":{all},"au":{user},"as":{spider},"da":{all},"du":{user}}}"#
    )
}

/// The list of a day in 2026.
pub(crate) fn top(project: &str, month: &str, day: &str, articles: &[&str]) -> String {
    let ranked = articles.iter().zip(1..).map(|(article, rank)| {
        let views = 100 - rank;
        format!(r#"{{\"article\":\"{article}\",\"views\":{views},\"rank\":{rank}}}"#)
    });
    let list = ranked.collect::<Vec<_>>().join(",");
    format!(
        r#"{{"project":"{project}","access":"all-access","year":"2026","month":"{month}","day":"{day}","articlesJSON":"[{list}]"}}"#
    )
}

impl TestDir {
    pub(crate) fn new() -> Self {
        let dir = Self { folder: tempfile::tempdir().unwrap() };
        let days = || 29..=31;
        let mut articles = Vec::new();
        for (project, article) in
            [("en.wikipedia", "X"), ("en.wikipedia", "Y/Z"), ("wikidata", "Q1")]
        {
            articles.extend(days().map(|day| views(project, article, day, day, 1)));
        }
        dir.load("pageviews_per_article_flat", &articles);
        dir.load(
            "top_pageviews",
            &[
                top("en.wikipedia", "01", "31", &["X", "Y/Z"]),
                top("en.wikipedia", "01", "all-days", &["X", "Q"]),
                top("wikidata", "01", "31", &["Q1"]),
            ],
        );
        let devices = |granularity: &str, timestamp: &str, devices: u32| {
            format!(
                r#"{{"project":"en.wikipedia","access-site":"all-sites","granularity":"{granularity}","timestamp":"{timestamp}","devices":{devices},"offset":1,"underestimate":2}}"#
            )
        };
        dir.load(
            "unique_devices",
            &[
                devices("daily", "20260130", 30),
                devices("daily", "20260131", 31),
                devices("monthly", "20260101", 61),
            ],
        );
        dir
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    /// Loads rows into a table.
    pub(crate) fn load(&self, table: &str, rows: &[String]) {
        let directory = tempfile::tempdir_in(self.folder.path()).unwrap();
        let file = directory.path().join(format!("{table}.ndjson"));
        std::fs::write(file, rows.join("\n") + "\n").unwrap();
        let (catalogue, options) = (Catalogue::standard().unwrap(), load::Options::default());
        let loaded = load::into_store(
            &directory.path().into(),
            &self.store(),
            &catalogue,
            options,
            &mut Silent,
        )
        .unwrap();
        assert_eq!(loaded.bad(), 0, "{loaded:?}");
    }

    pub(crate) async fn fixture(&self, plans: &str) -> Fixture {
        self.start_with(plans, FixtureSettings::default()).await
    }

    /// A fixture with known coverage.
    pub(crate) async fn start_with(
        &self,
        plans: &str,
        fixture_settings: FixtureSettings,
    ) -> Fixture {
        let fixture = self.start(plans, fixture_settings);
        fixture.origin.refresh_coverage().await.unwrap();
        fixture
    }

    /// A fixture that has just been started.
    pub(crate) fn start(&self, plans: &str, fixture_settings: FixtureSettings) -> Fixture {
        let catalogue = Arc::new(Catalogue::standard().unwrap());
        let plans: Vec<Plan> = serde_saphyr::from_str(plans).unwrap();
        Plan::check_all(&plans, &catalogue).unwrap();
        let store = EmbeddedStore::open(&self.store(), &catalogue, Options::default()).unwrap();
        let store = Arc::new(FaultyStore {
            store,
            reads: AtomicUsize::new(0),
            down: AtomicBool::new(false),
            poison: std::sync::Mutex::new(None),
            forgetful: AtomicBool::new(false),
            away: std::sync::Mutex::new(None),
            allowed: Semaphore::new(1_000_000),
        });
        let registry = Registry::new();
        let mut declarations = Declarations::of(&registry);
        let clock = Clock::set(NOON);
        let (state, saved) = StateDirectory::open(&self.folder.path().join("state")).unwrap();
        let epochs = Arc::new(Epochs::remembered(state, &saved, clock.now(), &catalogue).unwrap());
        let budget = Arc::new(Budget::new(fixture_settings.memory));
        let tasks = TaskTracker::new();
        let dyn_store = Arc::clone(&store) as Arc<dyn Store>;
        let stores = vec![StoreParts::only(
            aqs_origin::stores::StoreName::Embedded,
            dyn_store,
            fixture_settings.limiter,
            &catalogue,
        )];
        let origin = Parts {
            catalogue,
            stores,
            epochs,
            budget: Arc::clone(&budget),
            times: Times::default(),
            limits: SingleflightLimits::default(),
            clock,
            metrics: OriginMetrics::declare(&mut declarations).unwrap(),
            tasks: tasks.clone(),
        };
        let origin = Arc::new(Origin::new(origin).unwrap());
        let state = origin.epochs.identity().unwrap();
        let stores = origin.stores().iter().map(|store| StoreIdentity::of(store)).collect();
        let identity = Identity::new(state, stores, origin.catalogue());
        let hot_set = Arc::new(HotSet::new(budget, 26 * HOUR));
        let artefacts = ArtefactDirectory::open(&self.artefacts(), identity, 3).unwrap();
        let metrics = Metrics::declare(&mut declarations).unwrap();
        let builder = Builder::new(
            Arc::clone(&origin),
            Arc::clone(&hot_set),
            Some(artefacts),
            Settings { plans, built_in: Vec::new(), ..fixture_settings.settings },
            metrics,
        );
        Fixture { store, origin, hot_set, builder: Arc::new(builder), tasks, registry }
    }

    pub(crate) fn artefacts(&self) -> PathBuf {
        self.folder.path().join("hot-set")
    }
}

/// A served answer: its generation, its freshness and its content.
#[derive(Debug, PartialEq)]
pub(crate) struct Served {
    pub(crate) generation: u64,
    pub(crate) freshness: HotFreshness,
    pub(crate) says: String,
}

impl Fixture {
    pub(crate) fn get(&self, path: &str) -> Option<Served> {
        let key = Key::new(Dialect::V2, path);
        let now = self.origin.clock().now();
        let hot = self.hot_set.get(key.as_ref(), now, &self.origin.epochs)?;
        let says = says(&hot.entry.representation);
        Some(Served { generation: hot.generation, freshness: hot.freshness, says })
    }

    /// Builds the plan called `plan`.
    pub(crate) async fn build_as(
        &self,
        plan: &str,
        options: &BuildOptions,
    ) -> Result<Built, BuildError> {
        let plan = self.builder.plans().iter().find(|one| one.name == plan).unwrap();
        let (progress, cancel) = (Arc::new(Progress::default()), CancellationToken::new());
        self.builder.build(plan, options, &progress, &cancel).await
    }

    pub(crate) async fn build(&self, plan: &str) -> Built {
        self.build_as(plan, &BuildOptions::default()).await.unwrap()
    }

    pub(crate) fn reads(&self) -> usize {
        self.store.reads.load(Ordering::SeqCst)
    }

    /// The value of a metric, all series together.
    pub(crate) fn metric(&self, name: &str, label: (&str, &str)) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name).unwrap();
        let has = |metric: &&prometheus::proto::Metric| {
            let mut labels = metric.get_label().iter();
            labels.any(|pair| (pair.name(), pair.value()) == label)
        };
        let value = |metric: &prometheus::proto::Metric| {
            metric.get_counter().get_value() + metric.get_gauge().get_value()
        };
        family.get_metric().iter().filter(has).map(value).sum()
    }
}

pub(crate) fn says(representation: &Representation) -> String {
    match representation {
        Representation::Body(body) => String::from_utf8(body.identity.to_vec()).unwrap(),
        Representation::NoData(no_data) => format!("{:?}", Some(no_data.reason)),
    }
}

pub(crate) fn forced() -> BuildOptions {
    BuildOptions { force: true, ..BuildOptions::default() }
}

pub(crate) fn full() -> BuildOptions {
    BuildOptions { full: true, ..BuildOptions::default() }
}

pub(crate) fn only(project: &str) -> BuildOptions {
    let overrides = Overrides { projects: vec![project.to_owned()], last: None };
    BuildOptions { overrides, ..BuildOptions::default() }
}

/// Waits until a condition holds.
pub(crate) async fn eventually(mut holds: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the condition never held");
}

/// The names in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "lock" && name != "next");
    names.sort_unstable();
    names
}

/// Two plans over the rows above.
pub(crate) const PLANS: &str = "
- name: articles
  items:
    - endpoint: pageviews/top
      values: { project: [en.wikipedia], access: [all-access] }
      windows: [newest 1 day, newest 1 month]
    - endpoint: pageviews/per-article
      values:
        project: [en.wikipedia]
        access: [all-access, desktop]
        agent: all
        article: { top_articles_of: newest day, first: 10 }
        granularity: [daily, monthly]
      windows: [last 1 day, last 2 days, last 3 days, everything]
- name: devices
  items:
    - endpoint: unique-devices
      values: { project: [en.wikipedia], access-site: [all-sites], granularity: all }
      windows: [last 1 day, everything]
";

/// An address of each plan, and its body (contract §1.4, §1.7).
pub(crate) const ARTICLE: &str =
    "/pageviews/per-article/en.wikipedia/desktop/user/Y%2FZ/daily/20260130/20260131";
pub(crate) const ARTICLE_SAYS: &str = concat!(
    r#"{"items":[{"project":"en.wikipedia","article":"Y/Z","granularity":"daily","#,
    r#""timestamp":"2026013000","access":"desktop","agent":"user","views":30},"#,
    r#"{"project":"en.wikipedia","article":"Y/Z","granularity":"daily","#,
    r#""timestamp":"2026013100","access":"desktop","agent":"user","views":31}]}"#
);
pub(crate) const DEVICES: &str = "/unique-devices/en.wikipedia/all-sites/monthly/20260101/20260131";
pub(crate) const DEVICES_SAYS: &str = concat!(
    r#"{"items":[{"project":"en.wikipedia","access-site":"all-sites","granularity":"monthly","#,
    r#""timestamp":"20260101","devices":61,"offset":1,"underestimate":2}]}"#
);

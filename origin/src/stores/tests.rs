//! Routes, deadlines, health issues and waits of two stores.

use super::*;
use crate::metric_declarations::Declarations;
use crate::request_context::Priority;
use crate::store::StoreError;
use aqs_api::Target;
use async_trait::async_trait;
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::sync::Mutex;

const DEVICES: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240131";
const TOP: &str = "/metrics/pageviews/top/en.wikipedia/all-access/2024/01/01";

/// Notes the deadline of its last read.
#[derive(Default)]
struct Noting(Mutex<Option<Instant>>);

#[async_trait]
impl Store for Noting {
    async fn read(&self, lookup: &Lookup, ctx: &RequestContext) -> Result<Rows, StoreError> {
        *self.0.lock().unwrap() = Some(ctx.deadline);
        Ok(lookup.rows().finish())
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        Ok(Coverage::default())
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        Ok(1)
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        Ok(BTreeMap::new())
    }

    fn health_issues(&self) -> Vec<String> {
        vec!["a node is down".to_owned()]
    }
}

/// One read at a time of each store; `Embedded` has the devices, `Cassandra` the rest.
fn parts(catalogue: &Catalogue) -> Vec<StoreParts> {
    let (devices, rest): (Vec<_>, Vec<_>) =
        catalogue.datasets().iter().partition(|dataset| dataset.name.starts_with("unique-devices"));
    let part = |name, datasets| StoreParts {
        name,
        store: Arc::new(Noting::default()),
        limits: ConcurrencyLimits { reads: 1, ..ConcurrencyLimits::default() },
        timeout: None,
        datasets,
    };
    vec![part(StoreName::Embedded, devices), part(StoreName::Cassandra, rest)]
}

fn stores(parts: Vec<StoreParts>) -> Result<Stores, RouteError> {
    let catalogue = Arc::new(Catalogue::standard().unwrap());
    let registry = prometheus::Registry::new();
    let metrics = Metrics::declare(&mut Declarations::of(&registry)).unwrap();
    let epochs = Arc::new(Epochs::starting_at(1, &catalogue));
    Stores::new(parts, &catalogue, &epochs, &metrics)
}

fn query(target: &str) -> Query {
    let catalogue = Catalogue::standard().unwrap();
    catalogue.resolve(Target::parse(target).unwrap()).unwrap()
}

fn ctx(priority: Priority) -> RequestContext {
    RequestContext::new(Instant::now() + Duration::from_secs(60), priority, 0)
}

#[test]
fn each_dataset_needs_exactly_one_store() {
    let catalogue = Catalogue::standard().unwrap();
    assert!(stores(parts(&catalogue)).is_ok());
    let mut missing = parts(&catalogue);
    let left_out = missing[1].datasets.pop().unwrap();
    assert_eq!(stores(missing).err(), Some(RouteError::Missing(left_out.name)));
    let mut twice = parts(&catalogue);
    let devices = twice[0].datasets[0];
    twice[1].datasets.push(devices);
    let (first, second) = (StoreName::Embedded, StoreName::Cassandra);
    let dataset = devices.name;
    assert_eq!(stores(twice).err(), Some(RouteError::Twice { dataset, first, second }));
}

#[tokio::test]
async fn the_earlier_deadline_holds() {
    let catalogue = Catalogue::standard().unwrap();
    let noting = Arc::new(Noting::default());
    let only = |timeout| {
        let store = Arc::clone(&noting) as Arc<dyn Store>;
        let only =
            StoreParts::only(StoreName::Embedded, store, ConcurrencyLimits::default(), &catalogue);
        stores(vec![StoreParts { timeout, ..only }]).unwrap()
    };
    let lookup = query(DEVICES).lookup();
    for (timeout, is_shorter) in [
        (None, false),
        (Some(Duration::from_secs(1)), true),
        (Some(Duration::from_secs(99)), false),
    ] {
        let (stores, ctx) = (only(timeout), ctx(Priority::Live));
        let route = stores.route(lookup.dataset()).unwrap();
        route.read(&lookup, ctx.clone(), &Clock::System).await.unwrap();
        let deadline = noting.0.lock().unwrap().take().unwrap();
        match is_shorter {
            true => assert!(deadline < ctx.deadline - Duration::from_secs(50), "{timeout:?}"),
            false => assert_eq!(deadline, ctx.deadline, "{timeout:?}"),
        }
    }
}

#[test]
fn health_issues_of_several_stores_name_them() {
    let catalogue = Catalogue::standard().unwrap();
    let only = StoreParts::only(
        StoreName::Embedded,
        Arc::new(Noting::default()),
        ConcurrencyLimits::default(),
        &catalogue,
    );
    assert_eq!(stores(vec![only]).unwrap().health_issues(), ["a node is down"]);
    assert_eq!(
        stores(parts(&catalogue)).unwrap().health_issues(),
        ["embedded: a node is down", "cassandra: a node is down"]
    );
}

#[tokio::test]
async fn warming_yields_to_clients_of_its_own_store_only() {
    let stores = stores(parts(&Catalogue::standard().unwrap())).unwrap();
    let store = &stores.stores[1];
    let held = store.limiter.acquire(&ctx(Priority::Live)).await.ok();
    let live = ctx(Priority::Live);
    let mut waiting = Box::pin(store.limiter.acquire(&live));
    assert!(waiting.as_mut().now_or_never().is_none());
    assert_eq!(stores.live_waiting(), 1);
    let warm = ctx(Priority::Warm);
    let is_free = |target| stores.no_live_waits(&[query(target)], &warm).now_or_never().is_some();
    assert!(is_free(DEVICES));
    assert!(!is_free(TOP));
    drop(held);
    assert!(waiting.await.is_ok());
    assert!(is_free(TOP));
}

#[test]
fn a_name_with_a_typo_is_refused_with_the_nearest() {
    assert_eq!("cassandra".parse(), Ok(StoreName::Cassandra));
    for (text, error) in [
        ("cassanda", "there is no store `cassanda`; the nearest is cassandra"),
        ("mysql", "there is no store `mysql`; there are embedded and cassandra"),
    ] {
        assert_eq!(text.parse::<StoreName>(), Err(error.to_owned()));
    }
}

//! Answers every scenario from an embedded store of its topic's rows, without HTTP.

use aqs_api::lifetimes::Times;
use aqs_api::target::Uri;
use aqs_api::{Catalogue, Dialect, Fault, Representation, Target};
use aqs_origin::memory_budget::Budget;
use aqs_origin::metric_declarations::Declarations;
use aqs_origin::stores::StoreParts;
use aqs_origin::{Clock, Epochs, Metrics, Origin, OriginError, Parts, Priority, RequestContext};
use aqs_scenarios::{Outcome, topics};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::task::TaskTracker;

#[tokio::test]
async fn every_scenario_is_answered_from_the_embedded_store() {
    let catalogue = Arc::new(Catalogue::standard().unwrap());
    let mut outcome = Outcome::default();
    for topic in topics() {
        let folder = tempfile::tempdir().unwrap();
        let store = topic.store(folder.path(), &catalogue);
        let registry = prometheus::Registry::new();
        let origin = Origin::new(Parts {
            catalogue: Arc::clone(&catalogue),
            stores: vec![StoreParts::only(
                aqs_origin::stores::StoreName::Embedded,
                Arc::new(store),
                Default::default(),
                &catalogue,
            )],
            epochs: Arc::new(Epochs::starting_at(1, &catalogue)),
            budget: Arc::new(Budget::new(64 << 20)),
            times: Times::default(),
            limits: Default::default(),
            clock: Clock::System,
            metrics: Metrics::declare(&mut Declarations::of(&registry)).unwrap(),
            tasks: TaskTracker::new(),
        })
        .unwrap();
        origin.refresh_coverage().await.unwrap();
        for scenario in &topic.scenarios {
            outcome.begin();
            for target in scenario.targets() {
                let (status, body) = answer(&origin, target).await;
                outcome.add(scenario, target, &scenario.differences(status, &body));
            }
        }
    }
    outcome.assert(380);
}

/// Status and body of the response to a target.
async fn answer(origin: &Origin, target: &str) -> (u16, Vec<u8>) {
    let parsed = Target::parse(target);
    let catalogue = origin.catalogue();
    let dialect = parsed.map_or(Dialect::V2, |parsed| catalogue.fault_dialect(parsed));
    let refuse = |fault: &Fault| {
        let mut body = Vec::new();
        fault.render(dialect, "get", Uri::of(target), &mut body);
        (fault.status(), body)
    };
    let query = match parsed.map(|parsed| catalogue.resolve(parsed)) {
        None => return refuse(&Fault::InvalidRoute),
        Some(Err(fault)) => return refuse(&fault),
        Some(Ok(query)) => query,
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    let ctx = RequestContext::new(deadline, Priority::Live, target);
    match origin.answer(&query, &ctx).await {
        Ok(entry) => match &entry.representation {
            Representation::Body(body) => (200, body.identity.to_vec()),
            Representation::NoData(no_data) => refuse(&no_data.fault()),
        },
        Err(failure) => {
            let broken = matches!(*failure.error, OriginError::Shape { .. });
            assert!(broken, "{target}: {}", failure.error);
            refuse(&Fault::BrokenData)
        }
    }
}

use super::*;
use crate::declare::Declarations;
use crate::metrics::Metrics;
use std::future::{Ready, pending};
use std::sync::mpsc;

const SOON: Duration = Duration::from_secs(60);

fn flights(within: Duration) -> Arc<Singleflight<u8, u8>> {
    let registry = prometheus::Registry::new();
    let metrics = Metrics::declare(&mut Declarations::of(&registry)).unwrap();
    let limits = SingleflightLimits { within, ..SingleflightLimits::default() };
    Arc::new(Singleflight::new(limits, TaskTracker::new(), metrics.flights("test")))
}

fn ctx() -> RequestContext {
    RequestContext::new(Instant::now() + SOON, Priority::Live, 0)
}

#[tokio::test]
async fn who_can_not_even_begin_leaves_no_flight() {
    let flights = flights(SOON);
    let leader = tokio::spawn({
        let flights = Arc::clone(&flights);
        async move {
            let fetch = |_, _| -> Ready<Outcome<u8>> { panic!("before there is any work") };
            let epochs = Epochs::of_one_endpoint();
            flights.run(1, &epochs, &PurgeTags::any(), &ctx(), fetch).await.map(|_| ())
        }
    });
    assert!(leader.await.is_err_and(|error| error.is_panic()));
    assert_eq!(flights.under_way(), 0);
    let epochs = Epochs::of_one_endpoint();
    let again = flights.run(1, &epochs, &PurgeTags::any(), &ctx(), |_, _| async { Ok(7) }).await;
    assert_eq!(again.unwrap().value, 7);
}

/// Tells how many flights are under way when it goes.
struct Tells(Arc<Singleflight<u8, u8>>, mpsc::Sender<usize>);

impl Drop for Tells {
    fn drop(&mut self) {
        let _ = self.1.send(self.0.under_way());
    }
}

#[tokio::test]
async fn work_that_is_cut_off_goes_before_its_flight_ends() {
    let flights = flights(Duration::ZERO);
    let (told, tells) = mpsc::channel();
    let held = Tells(Arc::clone(&flights), told);
    let epochs = Epochs::of_one_endpoint();
    let tags = PurgeTags::any();
    let ctx = ctx();
    let fetch = |_, _| async move {
        let _held = held;
        pending().await
    };
    let outcome = flights.run(1, &epochs, &tags, &ctx, fetch).await;
    assert!(matches!(*outcome.unwrap_err().error, OriginError::Deadline));
    assert_eq!((tells.recv().unwrap(), flights.under_way()), (1, 0));
}

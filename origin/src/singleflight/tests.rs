use super::*;
use crate::metric_declarations::Declarations;
use crate::metrics::Metrics;
use futures_util::poll;
use std::future::{Ready, pending};
use std::pin::pin;
use std::sync::mpsc;
use tokio::sync::Notify;

const SOON: Duration = Duration::from_secs(60);

fn flights(limits: SingleflightLimits) -> Arc<Singleflight<u8, u8>> {
    let registry = prometheus::Registry::new();
    let metrics = Metrics::declare(&mut Declarations::of(&registry)).unwrap();
    Arc::new(Singleflight::new(limits, TaskTracker::new(), metrics.singleflight("test")))
}

fn ctx() -> RequestContext {
    RequestContext::new(Instant::now() + SOON, Priority::Live, 0)
}

#[tokio::test]
async fn a_panic_before_any_work_leaves_no_flight() {
    let flights = flights(SingleflightLimits::default());
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

/// Sends the number of flights when it is dropped.
struct SendsCount(Arc<Singleflight<u8, u8>>, mpsc::Sender<usize>);

impl Drop for SendsCount {
    fn drop(&mut self) {
        let _ = self.1.send(self.0.under_way());
    }
}

#[tokio::test]
async fn work_that_is_cut_off_is_dropped_before_its_flight_ends() {
    let timeout = Duration::ZERO;
    let flights = flights(SingleflightLimits { timeout, ..SingleflightLimits::default() });
    let (counts, received) = mpsc::channel();
    let held = SendsCount(Arc::clone(&flights), counts);
    let (epochs, tags, ctx) = (Epochs::of_one_endpoint(), PurgeTags::any(), ctx());
    let fetch = |_, _| async move {
        let _held = held;
        pending().await
    };
    let outcome = flights.run(1, &epochs, &tags, &ctx, fetch).await;
    assert!(matches!(*outcome.unwrap_err().error, OriginError::Deadline));
    assert_eq!((received.recv().unwrap(), flights.under_way()), (1, 0));
}

/// A client that disconnects drops the future of its request.
#[tokio::test]
async fn a_dropped_leader_or_waiter_frees_its_places_at_once() {
    let limits = SingleflightLimits { waiters_per_flight: 2, ..SingleflightLimits::default() };
    let flights = flights(limits);
    let (epochs, tags, ctx) = (Epochs::of_one_endpoint(), PurgeTags::any(), ctx());
    let go = Arc::new(Notify::new());
    let run = || {
        let go = Arc::clone(&go);
        flights.run(1, &epochs, &tags, &ctx, move |_, _| async move {
            go.notified().await;
            Ok(7)
        })
    };
    let rejected = |polled| match polled {
        Poll::Ready(Err(Failure { error, .. })) => matches!(*error, OriginError::Rejected),
        Poll::Ready(Ok(_)) | Poll::Pending => false,
    };
    let mut leader = Box::pin(run());
    let mut waiter = Box::pin(run());
    assert!(poll!(&mut leader).is_pending() && poll!(&mut waiter).is_pending());
    assert_eq!(flights.waiting(), 2);
    assert!(rejected(poll!(pin!(run()))));

    drop(waiter);
    assert_eq!(flights.waiting(), 1);
    let mut second = Box::pin(run());
    assert!(poll!(&mut second).is_pending());

    // The leader's place is free, too, and its work goes on.
    drop(leader);
    assert_eq!((flights.waiting(), flights.under_way(), flights.tasks.len()), (1, 1, 1));
    let mut third = Box::pin(run());
    assert!(poll!(&mut third).is_pending());
    assert!(rejected(poll!(pin!(run()))));
    go.notify_one();
    for waiter in [second, third] {
        let joined = waiter.await.unwrap();
        assert_eq!((joined.value, joined.joined), (7, true));
    }
    assert_eq!((flights.waiting(), flights.under_way()), (0, 0));
}

/// A read that is cheap goes on without any waiter: its rows are soon wanted again.
#[tokio::test]
async fn a_flight_without_waiters_goes_on() {
    let flights = flights(SingleflightLimits::default());
    let (epochs, tags, ctx) = (Epochs::of_one_endpoint(), PurgeTags::any(), ctx());
    let (go, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let fetch = {
        let (go, done) = (Arc::clone(&go), Arc::clone(&done));
        move |_, _| async move {
            go.notified().await;
            done.notify_one();
            Ok(7)
        }
    };
    let mut leader = Box::pin(flights.run(1, &epochs, &tags, &ctx, fetch));
    assert!(poll!(&mut leader).is_pending());
    drop(leader);
    assert_eq!((flights.waiting(), flights.under_way()), (0, 1));
    go.notify_one();
    done.notified().await;
    flights.tasks.close();
    flights.tasks.wait().await;
    assert_eq!(flights.under_way(), 0);
}

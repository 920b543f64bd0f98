//! How many reads a store is asked for at once, and who waits for how long.
//!
//! Beyond what the store takes, live reads wait in a bounded queue and not for long; whoever finds
//! it full is told at once. What no client waits for has a part of the places only, and never
//! stands in the queue before a client; what is built ahead of any client takes no place at all
//! while a client waits for one.

use crate::cx::{Cx, Priority};
use crate::error::OriginError;
use crate::metrics::GateMetrics;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, watch};

/// How much a store is asked at once.
#[derive(Clone, Copy, Debug)]
pub struct GateLimits {
    /// Reads at once.
    pub reads: usize,
    /// Live reads that may wait for their turn.
    pub queue: usize,
    /// How long one may wait for its turn.
    pub wait: Duration,
}

impl Default for GateLimits {
    fn default() -> Self {
        Self { reads: 256, queue: 4096, wait: Duration::from_secs(2) }
    }
}

/// The way to a store.
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    /// Half of the places: what refreshes and warmers may take of them.
    background: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// How many of those who wait are live.
    live: watch::Sender<usize>,
    limits: GateLimits,
    metrics: GateMetrics,
}

/// A place at the store, given up when dropped.
pub(crate) struct Place {
    _permits: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

impl Gate {
    pub(crate) fn new(limits: GateLimits, metrics: GateMetrics) -> Self {
        let reads = limits.reads.max(1);
        Self {
            places: Arc::new(Semaphore::new(reads)),
            background: Arc::new(Semaphore::new(reads.div_ceil(2))),
            waiting: AtomicUsize::new(0),
            live: watch::Sender::new(0),
            limits,
            metrics,
        }
    }

    /// Waits for a place, as long as that makes sense.
    pub(crate) async fn enter(&self, cx: &Cx) -> Result<Place, OriginError> {
        if cx.priority() == Priority::Live
            && let Ok(place) = Arc::clone(&self.places).try_acquire_owned()
        {
            return Ok(Place { _permits: (place, None) });
        }
        let Some(turn) = Turn::take(self) else {
            self.metrics.full.inc();
            return Err(OriginError::Overloaded);
        };
        // In a box, so that reads which get their place at once carry no room for waiting.
        Box::pin(self.queue(turn, cx)).await
    }

    /// Waits for a place.
    async fn queue(&self, _turn: Turn<'_>, cx: &Cx) -> Result<Place, OriginError> {
        let _live = (cx.priority() == Priority::Live).then(|| LiveTurn::take(self));
        let until = match cx.priority() {
            // It may take as long as clients keep coming.
            Priority::Warm => cx.deadline,
            _ => cx.deadline.min(Instant::now() + self.limits.wait),
        };
        let place = async {
            let background = match cx.priority() {
                Priority::Live => None,
                Priority::Refresh | Priority::Warm => tokio::select! {
                    permit = Arc::clone(&self.background).acquire_owned() => Some(permit),
                    () = cx.urgency.reaches(Priority::Live) => None,
                },
            };
            let place = self.place(cx).await;
            // The semaphores are never closed.
            Ok((
                place.map_err(|_| OriginError::Lost)?,
                background.transpose().map_err(|_| OriginError::Lost)?,
            ))
        };
        match tokio::time::timeout_at(until.into(), place).await {
            Ok(permits) => permits.map(|permits| Place { _permits: permits }),
            Err(_) => {
                self.metrics.late.inc();
                Err(OriginError::Overloaded)
            }
        }
    }
}

impl Gate {
    /// A place of all: for what is built ahead only once no client waits for one.
    async fn place(&self, cx: &Cx) -> Result<OwnedSemaphorePermit, AcquireError> {
        let place = || Arc::clone(&self.places).acquire_owned();
        while cx.priority() == Priority::Warm {
            self.no_live_waits(cx).await;
            tokio::select! {
                biased;
                () = self.live_waits() => {}
                () = cx.urgency.reaches(Priority::Refresh) => {}
                place = place() => return place,
            }
        }
        place().await
    }

    /// How many live reads wait for a place.
    pub(crate) fn live_waiting(&self) -> usize {
        *self.live.borrow()
    }

    /// Ends when no live read waits for a place, or when somebody more urgent than a warmer
    /// wants what is asked here.
    pub(crate) async fn no_live_waits(&self, cx: &Cx) {
        let mut live = self.live.subscribe();
        tokio::select! {
            // The sender lives as long as this does.
            _ = live.wait_for(|waiting| *waiting == 0) => {}
            () = cx.urgency.reaches(Priority::Refresh) => {}
        }
    }

    async fn live_waits(&self) {
        let _ = self.live.subscribe().wait_for(|waiting| *waiting > 0).await;
    }
}

/// A live read's turn in the queue, which warmers see.
struct LiveTurn<'a>(&'a Gate);

impl<'a> LiveTurn<'a> {
    fn take(gate: &'a Gate) -> Self {
        gate.live.send_modify(|waiting| *waiting += 1);
        Self(gate)
    }
}

impl Drop for LiveTurn<'_> {
    fn drop(&mut self) {
        self.0.live.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }
}

/// A turn in the queue.
struct Turn<'a>(&'a Gate);

impl<'a> Turn<'a> {
    fn take(gate: &'a Gate) -> Option<Self> {
        let before = gate.waiting.fetch_add(1, Ordering::SeqCst);
        gate.metrics.waiting.inc();
        let turn = Self(gate);
        (before < gate.limits.queue).then_some(turn)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
        self.0.metrics.waiting.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::Declarations;
    use crate::metrics::Metrics;

    fn gate(reads: usize, queue: usize, wait: Duration) -> Arc<Gate> {
        let registry = prometheus::Registry::new();
        let metrics = Metrics::declare(&mut Declarations::of(&registry)).unwrap();
        Arc::new(Gate::new(GateLimits { reads, queue, wait }, metrics.gate()))
    }

    fn cx(priority: Priority) -> Cx {
        Cx::new(Instant::now() + Duration::from_secs(60), priority, 0)
    }

    #[tokio::test]
    async fn a_full_queue_turns_away_at_once_and_a_long_one_in_time() {
        let gate = gate(1, 1, Duration::from_millis(20));
        let held = gate.enter(&cx(Priority::Live)).await.ok();
        assert!(held.is_some());
        let queued = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter(&cx(Priority::Live)).await.is_err() }
        });
        while gate.waiting.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(gate.enter(&cx(Priority::Live)).await, Err(OriginError::Overloaded)));
        assert_eq!(gate.metrics.full.get(), 1);
        assert!(queued.await.unwrap(), "it waited on");
        assert_eq!((gate.metrics.late.get(), gate.metrics.waiting.get()), (1, 0));
        drop(held);
        assert!(gate.enter(&cx(Priority::Live)).await.is_ok());
    }

    #[tokio::test]
    async fn what_no_client_waits_for_leaves_places_free_until_one_does() {
        let gate = gate(2, 10, Duration::from_secs(60));
        let _warm = gate.enter(&cx(Priority::Warm)).await.ok().unwrap();
        let second = cx(Priority::Refresh);
        let urgency = Arc::clone(&second.urgency);
        let waits = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter(&second).await.is_ok() }
        });
        while gate.waiting.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        // A place is free for a client all the while.
        drop(gate.enter(&cx(Priority::Live)).await.ok().unwrap());
        assert!(!waits.is_finished());
        urgency.raise(Priority::Live);
        assert!(waits.await.unwrap());
    }

    #[tokio::test]
    async fn what_is_built_ahead_takes_no_place_while_a_client_waits() {
        let gate = gate(1, 10, Duration::from_secs(60));
        let enter = |priority| {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move { gate.enter(&cx(priority)).await.ok() })
        };
        let queue_of = async |length: usize| {
            while gate.waiting.load(Ordering::SeqCst) < length {
                tokio::task::yield_now().await;
            }
        };
        let held = gate.enter(&cx(Priority::Live)).await.ok();
        // The warmer comes first, and the client goes first.
        let warm = enter(Priority::Warm);
        queue_of(1).await;
        let live = enter(Priority::Live);
        queue_of(2).await;
        while gate.live_waiting() == 0 {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        drop(held);
        let live = live.await.unwrap();
        assert!(live.is_some() && !warm.is_finished());
        assert_eq!(gate.live_waiting(), 0);
        drop(live);
        assert!(warm.await.unwrap().is_some());
    }
}

//! How many reads a store is asked for at once, and who waits for how long.
//!
//! Beyond what the store takes, live reads wait in a bounded queue and not for long; whoever finds
//! it full is told at once. What no client waits for has a part of the places only, and never
//! stands in the queue before a client; what is built ahead of any client takes no place at all
//! while a client waits for one.

use crate::error::OriginError;
use crate::metrics::LimiterMetrics;
use crate::request_context::{Priority, RequestContext};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, watch};

/// How much a store is asked at once.
#[derive(Clone, Copy, Debug)]
pub struct ConcurrencyLimits {
    /// Reads at once.
    pub reads: usize,
    /// Live reads that may wait for their turn.
    pub queue: usize,
    /// How long one may wait for its turn.
    pub wait: Duration,
}

impl Default for ConcurrencyLimits {
    fn default() -> Self {
        Self { reads: 256, queue: 4096, wait: Duration::from_secs(2) }
    }
}

/// The way to a store.
pub(crate) struct ConcurrencyLimiter {
    places: Arc<Semaphore>,
    /// Half of the places: what refreshes and warmers may take of them.
    background: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// How many of those who wait are live.
    live: watch::Sender<usize>,
    limits: ConcurrencyLimits,
    metrics: LimiterMetrics,
}

/// A place at the store, given up when dropped.
pub(crate) struct Place {
    _permits: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

impl ConcurrencyLimiter {
    pub(crate) fn new(limits: ConcurrencyLimits, metrics: LimiterMetrics) -> Self {
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
    pub(crate) async fn enter(&self, ctx: &RequestContext) -> Result<Place, OriginError> {
        if ctx.priority() == Priority::Live
            && let Ok(place) = Arc::clone(&self.places).try_acquire_owned()
        {
            return Ok(Place { _permits: (place, None) });
        }
        let Some(turn) = Turn::take(self) else {
            self.metrics.full.inc();
            return Err(OriginError::Overloaded);
        };
        // In a box, so that reads which get their place at once carry no room for waiting.
        Box::pin(self.queue(turn, ctx)).await
    }

    /// Waits for a place.
    async fn queue(&self, _turn: Turn<'_>, ctx: &RequestContext) -> Result<Place, OriginError> {
        let _live = (ctx.priority() == Priority::Live).then(|| LiveTurn::take(self));
        let until = match ctx.priority() {
            // It may take as long as clients keep coming.
            Priority::Warm => ctx.deadline,
            _ => ctx.deadline.min(Instant::now() + self.limits.wait),
        };
        let place = async {
            let background = match ctx.priority() {
                Priority::Live => None,
                Priority::Refresh | Priority::Warm => tokio::select! {
                    permit = Arc::clone(&self.background).acquire_owned() => Some(permit),
                    () = ctx.priority.reaches(Priority::Live) => None,
                },
            };
            let place = self.place(ctx).await;
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

impl ConcurrencyLimiter {
    /// A place of all: for what is built ahead only once no client waits for one.
    async fn place(&self, ctx: &RequestContext) -> Result<OwnedSemaphorePermit, AcquireError> {
        let place = || Arc::clone(&self.places).acquire_owned();
        while ctx.priority() == Priority::Warm {
            self.no_live_waits(ctx).await;
            tokio::select! {
                biased;
                () = self.live_waits() => {}
                () = ctx.priority.reaches(Priority::Refresh) => {}
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
    pub(crate) async fn no_live_waits(&self, ctx: &RequestContext) {
        let mut live = self.live.subscribe();
        tokio::select! {
            // The sender lives as long as this does.
            _ = live.wait_for(|waiting| *waiting == 0) => {}
            () = ctx.priority.reaches(Priority::Refresh) => {}
        }
    }

    async fn live_waits(&self) {
        let _ = self.live.subscribe().wait_for(|waiting| *waiting > 0).await;
    }
}

/// A live read's turn in the queue, which warmers see.
struct LiveTurn<'a>(&'a ConcurrencyLimiter);

impl<'a> LiveTurn<'a> {
    fn take(limiter: &'a ConcurrencyLimiter) -> Self {
        limiter.live.send_modify(|waiting| *waiting += 1);
        Self(limiter)
    }
}

impl Drop for LiveTurn<'_> {
    fn drop(&mut self) {
        self.0.live.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }
}

/// A turn in the queue.
struct Turn<'a>(&'a ConcurrencyLimiter);

impl<'a> Turn<'a> {
    fn take(limiter: &'a ConcurrencyLimiter) -> Option<Self> {
        let before = limiter.waiting.fetch_add(1, Ordering::SeqCst);
        limiter.metrics.waiting.inc();
        let turn = Self(limiter);
        (before < limiter.limits.queue).then_some(turn)
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

    fn limiter(reads: usize, queue: usize, wait: Duration) -> Arc<ConcurrencyLimiter> {
        let registry = prometheus::Registry::new();
        let metrics = Metrics::declare(&mut Declarations::of(&registry)).unwrap();
        Arc::new(ConcurrencyLimiter::new(
            ConcurrencyLimits { reads, queue, wait },
            metrics.limiter(),
        ))
    }

    fn ctx(priority: Priority) -> RequestContext {
        RequestContext::new(Instant::now() + Duration::from_secs(60), priority, 0)
    }

    #[tokio::test]
    async fn a_full_queue_turns_away_at_once_and_a_long_one_in_time() {
        let limiter = limiter(1, 1, Duration::from_millis(20));
        let held = limiter.enter(&ctx(Priority::Live)).await.ok();
        assert!(held.is_some());
        let queued = tokio::spawn({
            let limiter = Arc::clone(&limiter);
            async move { limiter.enter(&ctx(Priority::Live)).await.is_err() }
        });
        while limiter.waiting.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(limiter.enter(&ctx(Priority::Live)).await, Err(OriginError::Overloaded)));
        assert_eq!(limiter.metrics.full.get(), 1);
        assert!(queued.await.unwrap(), "it waited on");
        assert_eq!((limiter.metrics.late.get(), limiter.metrics.waiting.get()), (1, 0));
        drop(held);
        assert!(limiter.enter(&ctx(Priority::Live)).await.is_ok());
    }

    #[tokio::test]
    async fn what_no_client_waits_for_leaves_places_free_until_one_does() {
        let limiter = limiter(2, 10, Duration::from_secs(60));
        let _warm = limiter.enter(&ctx(Priority::Warm)).await.ok().unwrap();
        let second = ctx(Priority::Refresh);
        let priority = Arc::clone(&second.priority);
        let waits = tokio::spawn({
            let limiter = Arc::clone(&limiter);
            async move { limiter.enter(&second).await.is_ok() }
        });
        while limiter.waiting.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        // A place is free for a client all the while.
        drop(limiter.enter(&ctx(Priority::Live)).await.ok().unwrap());
        assert!(!waits.is_finished());
        priority.raise(Priority::Live);
        assert!(waits.await.unwrap());
    }

    #[tokio::test]
    async fn what_is_built_ahead_takes_no_place_while_a_client_waits() {
        let limiter = limiter(1, 10, Duration::from_secs(60));
        let enter = |priority| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move { limiter.enter(&ctx(priority)).await.ok() })
        };
        let queue_of = async |length: usize| {
            while limiter.waiting.load(Ordering::SeqCst) < length {
                tokio::task::yield_now().await;
            }
        };
        let held = limiter.enter(&ctx(Priority::Live)).await.ok();
        // The warmer comes first, and the client goes first.
        let warm = enter(Priority::Warm);
        queue_of(1).await;
        let live = enter(Priority::Live);
        queue_of(2).await;
        while limiter.live_waiting() == 0 {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        drop(held);
        let live = live.await.unwrap();
        assert!(live.is_some() && !warm.is_finished());
        assert_eq!(limiter.live_waiting(), 0);
        drop(live);
        assert!(warm.await.unwrap().is_some());
    }
}

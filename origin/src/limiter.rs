//! A concurrency limit in front of a store, with a bounded queue and priorities.
//!
//! Beyond what the store takes, live reads wait in the queue for a limited time; a full queue
//! rejects at once. Reads that no client waits for get half of the permits only. Warming gets no
//! permit while a client waits for one.

use crate::error::OriginError;
use crate::metrics::LimiterMetrics;
use crate::request_context::{Priority, RequestContext};
use crate::waiters::WaiterGuard;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, watch};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcurrencyLimits {
    /// Reads at once.
    pub reads: usize,
    /// Reads that may wait for a permit.
    pub queue: usize,
    /// How long a read may wait for a permit.
    pub wait: Duration,
}

impl Default for ConcurrencyLimits {
    fn default() -> Self {
        Self { reads: 256, queue: 4096, wait: Duration::from_secs(2) }
    }
}

pub(crate) struct ConcurrencyLimiter {
    permits: Arc<Semaphore>,
    /// Half of the permits: what refreshes and warmers may hold of them.
    background: Arc<Semaphore>,
    waiting: AtomicUsize,
    live: watch::Sender<usize>,
    limits: ConcurrencyLimits,
    metrics: LimiterMetrics,
}

/// The right to read, given up when it is dropped.
pub(crate) struct Permit {
    _permits: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

impl ConcurrencyLimiter {
    pub(crate) fn new(limits: ConcurrencyLimits, metrics: LimiterMetrics) -> Self {
        let reads = limits.reads.max(1);
        Self {
            permits: Arc::new(Semaphore::new(reads)),
            background: Arc::new(Semaphore::new(reads.div_ceil(2))),
            waiting: AtomicUsize::new(0),
            live: watch::Sender::new(0),
            limits,
            metrics,
        }
    }

    /// Waits for a permit, as long as the limits and the deadline allow.
    pub(crate) async fn acquire(&self, ctx: &RequestContext) -> Result<Permit, OriginError> {
        if ctx.priority() == Priority::Live
            && let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned()
        {
            return Ok(Permit { _permits: (permit, None) });
        }
        let gauge = Some(&self.metrics.waiting);
        let Some(queued) = WaiterGuard::acquire(&self.waiting, self.limits.queue, gauge) else {
            self.metrics.full.inc();
            return Err(OriginError::Overloaded);
        };
        // Boxed, so that reads which get their permit at once carry no room for waiting.
        Box::pin(self.wait(queued, ctx)).await
    }

    async fn wait(
        &self,
        _queued: WaiterGuard<'_>,
        ctx: &RequestContext,
    ) -> Result<Permit, OriginError> {
        let _live = (ctx.priority() == Priority::Live).then(|| LiveWaiter::new(&self.live));
        let until = match ctx.priority() {
            // It may take as long as clients keep coming.
            Priority::Warm => ctx.deadline,
            Priority::Refresh | Priority::Live => {
                ctx.deadline.min(Instant::now() + self.limits.wait)
            }
        };
        let permits = async {
            let background = match ctx.priority() {
                Priority::Live => None,
                Priority::Refresh | Priority::Warm => tokio::select! {
                    permit = Arc::clone(&self.background).acquire_owned() => Some(permit?),
                    () = ctx.priority.reaches(Priority::Live) => None,
                },
            };
            Ok::<_, AcquireError>((self.permit(ctx).await?, background))
        };
        match tokio::time::timeout_at(until.into(), permits).await {
            Ok(Ok(permits)) => Ok(Permit { _permits: permits }),
            // The semaphores are never closed.
            Ok(Err(_)) => Err(OriginError::Lost),
            Err(_) => {
                self.metrics.late.inc();
                Err(OriginError::Overloaded)
            }
        }
    }

    /// Waits for one of all permits; for warming only while no client waits for one.
    async fn permit(&self, ctx: &RequestContext) -> Result<OwnedSemaphorePermit, AcquireError> {
        let permit = || Arc::clone(&self.permits).acquire_owned();
        while ctx.priority() == Priority::Warm {
            self.no_live_waits(ctx).await;
            tokio::select! {
                biased;
                () = self.live_waits() => {}
                () = ctx.priority.reaches(Priority::Refresh) => {}
                permit = permit() => return permit,
            }
        }
        permit().await
    }

    pub(crate) fn live_waiting(&self) -> usize {
        *self.live.borrow()
    }

    /// Ends when no live read waits, or when the priority has risen above warming.
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

/// A live read in the queue, which warmers watch.
struct LiveWaiter<'a>(&'a watch::Sender<usize>);

impl<'a> LiveWaiter<'a> {
    fn new(live: &'a watch::Sender<usize>) -> Self {
        live.send_modify(|waiting| *waiting += 1);
        Self(live)
    }
}

impl Drop for LiveWaiter<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric_declarations::Declarations;
    use crate::metrics::Metrics;
    use std::sync::atomic::Ordering;

    fn limiter(reads: usize, queue: usize, wait: Duration) -> Arc<ConcurrencyLimiter> {
        let registry = prometheus::Registry::new();
        let metrics = Metrics::declare(&mut Declarations::of(&registry)).unwrap();
        Arc::new(ConcurrencyLimiter::new(
            ConcurrencyLimits { reads, queue, wait },
            metrics.limiter("embedded"),
        ))
    }

    fn ctx(priority: Priority) -> RequestContext {
        RequestContext::new(Instant::now() + Duration::from_secs(60), priority, 0)
    }

    #[tokio::test]
    async fn a_full_queue_rejects_at_once_and_a_slow_one_in_time() {
        let limiter = limiter(1, 1, Duration::from_millis(20));
        let held = limiter.acquire(&ctx(Priority::Live)).await.ok();
        assert!(held.is_some());
        let queued = tokio::spawn({
            let limiter = Arc::clone(&limiter);
            async move { limiter.acquire(&ctx(Priority::Live)).await.is_err() }
        });
        while limiter.waiting.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(
            limiter.acquire(&ctx(Priority::Live)).await,
            Err(OriginError::Overloaded)
        ));
        assert_eq!(limiter.metrics.full.get(), 1);
        assert!(queued.await.unwrap(), "it waited on");
        assert_eq!((limiter.metrics.late.get(), limiter.metrics.waiting.get()), (1, 0));
        drop(held);
        assert!(limiter.acquire(&ctx(Priority::Live)).await.is_ok());
    }

    #[tokio::test]
    async fn background_reads_leave_permits_free_until_a_client_waits() {
        let limiter = limiter(2, 10, Duration::from_secs(60));
        let _warm = limiter.acquire(&ctx(Priority::Warm)).await.ok().unwrap();
        let second = ctx(Priority::Refresh);
        let priority = Arc::clone(&second.priority);
        let waits = tokio::spawn({
            let limiter = Arc::clone(&limiter);
            async move { limiter.acquire(&second).await.is_ok() }
        });
        while limiter.waiting.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        // A permit is free for a client all the while.
        drop(limiter.acquire(&ctx(Priority::Live)).await.ok().unwrap());
        assert!(!waits.is_finished());
        priority.raise(Priority::Live);
        assert!(waits.await.unwrap());
    }

    #[tokio::test]
    async fn warming_gets_no_permit_while_a_client_waits() {
        let limiter = limiter(1, 10, Duration::from_secs(60));
        let acquire = |priority| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move { limiter.acquire(&ctx(priority)).await.ok() })
        };
        let queue_of = async |length: usize| {
            while limiter.waiting.load(Ordering::SeqCst) < length {
                tokio::task::yield_now().await;
            }
        };
        let held = limiter.acquire(&ctx(Priority::Live)).await.ok();
        // The warmer comes first, and the client is served first.
        let warm = acquire(Priority::Warm);
        queue_of(1).await;
        let live = acquire(Priority::Live);
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

//! Singleflight: requests for the same key share one call.
//!
//! It is used twice: by lookup, so that a partition is read once however many answers come from
//! it; by key, so that an answer is made and cached once. The first request of a flight leads it
//! and polls its work; when the leader disconnects, the work goes on in a task of its own. Its
//! outcome is shared, failures too.

mod detached;
mod in_flight;
#[cfg(test)]
#[cfg(feature = "model")]
#[path = "tests/model.rs"]
mod model;

pub(crate) use in_flight::{InFlight, Join};

use crate::epochs::{Epoch, Epochs, PurgeTags};
use crate::error::OriginError;
use crate::metrics::SingleflightMetrics;
use crate::rate_limiter::RateLimiter;
use crate::request_context::{Priority, RequestContext, RequestId, SharedPriority};
use crate::waiters::WaiterGuard;
use aqs_api::units::{Count, Span};
use detached::Detached;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SingleflightLimits {
    /// Requests that may wait for one read, the first included.
    #[serde(with = "Count::<1, 10_000_000>")]
    pub waiters_per_flight: usize,
    /// Requests that may wait for all reads together.
    #[serde(with = "Count::<1, 10_000_000>")]
    pub waiters: usize,
    /// Reads in flight, with or without waiting requests.
    #[serde(with = "Count::<1, 10_000_000>")]
    pub flights: usize,
    /// Deadline of a read.
    #[serde(rename = "within", with = "Span")]
    pub timeout: Duration,
}

impl Default for SingleflightLimits {
    fn default() -> Self {
        Self {
            waiters_per_flight: 1000,
            waiters: 10_000,
            flights: 10_000,
            timeout: Duration::from_secs(10),
        }
    }
}

/// The flights by one kind of key.
pub struct Singleflight<K, V> {
    in_flight: InFlight<K, Arc<Flight<V>>>,
    limits: SingleflightLimits,
    tasks: TaskTracker,
    waiting: AtomicUsize,
    metrics: SingleflightMetrics,
    /// Limits the lines about failures that no request waits for.
    log_limit: RateLimiter,
}

/// How long after its deadline a flight is cut off. A store that heeds the deadline by itself
/// reports a better error.
const CUT_OFF_DELAY: Duration = Duration::from_millis(250);

pub type Outcome<V> = Result<V, Failure>;

/// Why a flight failed, for all its waiters.
#[derive(Clone, Debug)]
pub struct Failure {
    pub error: Arc<OriginError>,
    /// The request that led the flight, as the log names it; `None` if no flight was started.
    pub request_id: Option<RequestId>,
}

impl From<OriginError> for Failure {
    fn from(error: OriginError) -> Self {
        Self { error: Arc::new(error), request_id: None }
    }
}

/// The state that the leader and the waiters of a flight share.
pub struct Flight<V> {
    /// The epoch at which it began, before the store was read.
    epoch: Epoch,
    priority: Arc<SharedPriority>,
    /// The request that started it.
    leader: RequestId,
    waiters: AtomicUsize,
    /// Whether a request was failed because its deadline passed, which is logged with the request.
    timed_out: AtomicBool,
    outcome: OnceLock<Outcome<V>>,
    finished: Notify,
}

impl<V: Clone> Flight<V> {
    /// The failure of a request whose deadline passes before the end.
    fn timed_out(&self) -> Failure {
        self.timed_out.store(true, Ordering::SeqCst);
        OriginError::Deadline.into()
    }

    async fn outcome(&self) -> Outcome<V> {
        loop {
            // Registered first: an outcome that is set in between still wakes this.
            let finished = self.finished.notified();
            if let Some(outcome) = self.outcome.get() {
                return outcome.clone();
            }
            finished.await;
        }
    }
}

/// What one waiter of a flight gets.
#[derive(Debug)]
pub struct Joined<V> {
    pub value: V,
    /// Whether another request had started the flight.
    pub joined: bool,
    /// The request that had started the flight.
    pub leader: RequestId,
}

impl<K, V> Singleflight<K, V>
where
    K: Hash + Eq + Clone + Unpin + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Starts without flights. `tasks` awaits the flights whose leaders disconnect.
    pub fn new(
        limits: SingleflightLimits,
        tasks: TaskTracker,
        metrics: SingleflightMetrics,
    ) -> Self {
        let (in_flight, waiting) = (InFlight::new(), AtomicUsize::new(0));
        Self { in_flight, limits, tasks, waiting, metrics, log_limit: RateLimiter::default() }
    }

    /// Joins the flight of a key, or starts it with the future of `fetch`, and waits for it.
    ///
    /// `fetch` gets the flight's epoch and a context with the flight's own deadline and the highest
    /// priority of its waiters. Dropping the returned future frees its places at once; the work
    /// of a leader that is dropped goes on.
    pub async fn run<F, Fut>(
        self: &Arc<Self>,
        key: K,
        epochs: &Epochs,
        tags: &PurgeTags,
        ctx: &RequestContext,
        fetch: F,
    ) -> Outcome<Joined<V>>
    where
        F: FnOnce(Epoch, RequestContext) -> Fut,
        Fut: Future<Output = Outcome<V>> + Send + 'static,
    {
        let start = |epoch| {
            // A live flight can't rise, and one within another shares its priority: neither
            // follows its leader.
            let priority = match ctx.in_flight || ctx.priority() == Priority::Live {
                true => Arc::clone(&ctx.priority),
                false => Arc::new(SharedPriority::new(ctx.priority.get())),
            };
            // The leader is the first waiter.
            let (leader, waiters) = (ctx.request_id.clone(), AtomicUsize::new(1));
            let (outcome, finished) = (OnceLock::new(), Notify::new());
            let timed_out = AtomicBool::new(false);
            Arc::new(Flight { epoch, priority, leader, waiters, timed_out, outcome, finished })
        };
        // A place first: a request that may not wait must not start a flight either.
        let gauge = Some(&self.metrics.waiting);
        let _place = WaiterGuard::acquire(&self.waiting, self.limits.waiters, gauge)
            .ok_or_else(|| self.rejected())?;
        match self.in_flight.join(&key, epochs, tags, self.limits.flights, start) {
            Join::Full => Err(self.rejected()),
            Join::Joined(flight) => {
                let value = self.wait(&flight, ctx).await?;
                self.metrics.joined.inc();
                Ok(Joined { value, joined: true, leader: flight.leader.clone() })
            }
            Join::Started(flight, id) => {
                let _place = WaiterGuard::adopt(&flight.waiters);
                self.metrics.started.inc();
                self.metrics.in_flight.inc();
                // Within another flight it is cut off with that one. Requests that join get the
                // rest of its time: lookups come first in a flight, so that is about the same.
                let deadline = match ctx.in_flight {
                    true => ctx.deadline,
                    false => Instant::now() + self.limits.timeout,
                };
                let own = RequestContext {
                    deadline,
                    priority: Arc::clone(&flight.priority),
                    request_id: ctx.request_id.clone(),
                    trace: ctx.trace,
                    in_flight: true,
                };
                let finish = Finish {
                    flights: Arc::clone(self),
                    key,
                    id,
                    flight: Arc::clone(&flight),
                    deadline,
                };
                // `finish` exists before `fetch` runs: the flight ends even if it panics.
                let work = Work { future: Box::pin(fetch(flight.epoch, own)), finish };
                match ctx.in_flight {
                    true => work.await,
                    false => self.lead(&flight, work, deadline + CUT_OFF_DELAY, ctx).await?,
                }
                let leader = flight.leader.clone();
                Ok(Joined { value: flight.outcome().await?, joined: false, leader })
            }
        }
    }

    /// Polls a flight to its end, or until the leader's deadline.
    async fn lead(
        &self,
        flight: &Arc<Flight<V>>,
        work: Work<K, V>,
        cut_off: Instant,
        ctx: &RequestContext,
    ) -> Result<(), Failure> {
        flight.priority.follow(&ctx.priority);
        let mut detached = Detached::new(work, cut_off, &self.tasks);
        let until = ctx.deadline.min(cut_off);
        let finished = tokio::time::timeout_at(until.into(), &mut detached).await;
        finished.map_err(|_| flight.timed_out())
    }

    async fn wait(&self, flight: &Arc<Flight<V>>, ctx: &RequestContext) -> Outcome<V> {
        let at_most = self.limits.waiters_per_flight;
        let _place =
            WaiterGuard::acquire(&flight.waiters, at_most, None).ok_or_else(|| self.rejected())?;
        flight.priority.follow(&ctx.priority);
        let finished = tokio::time::timeout_at(ctx.deadline.into(), flight.outcome()).await;
        finished.unwrap_or_else(|_| Err(flight.timed_out()))
    }

    fn rejected(&self) -> Failure {
        self.metrics.rejected.inc();
        OriginError::Rejected.into()
    }

    pub fn limits(&self) -> SingleflightLimits {
        self.limits
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    pub fn under_way(&self) -> usize {
        self.in_flight.len()
    }
}

/// The work of a flight, and what ends it. The work is dropped first: when waiters learn of the
/// end, nothing that belonged to the work exists any more.
struct Work<K: Hash + Eq + Clone, V: Clone> {
    /// Boxed: otherwise every future that may start a flight had room for it, and moved it.
    future: Pin<Box<dyn Future<Output = Outcome<V>> + Send>>,
    finish: Finish<K, V>,
}

/// Ends a flight when it is dropped, also if its work was cut off or panicked.
struct Finish<K: Hash + Eq + Clone, V: Clone> {
    flights: Arc<Singleflight<K, V>>,
    key: K,
    id: in_flight::FlightId,
    flight: Arc<Flight<V>>,
    deadline: Instant,
}

impl<K: Hash + Eq + Clone + Unpin, V: Clone> Future for Work<K, V> {
    type Output = ();

    /// Sets the outcome. Waiters are notified when this is dropped.
    fn poll(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<()> {
        let outcome = ready!(self.future.as_mut().poll(ctx)).map_err(|failure| Failure {
            request_id: failure.request_id.or_else(|| Some(self.finish.flight.leader.clone())),
            ..failure
        });
        // Nothing else sets it before this is dropped.
        let _ = self.finish.flight.outcome.set(outcome);
        Poll::Ready(())
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Drop for Finish<K, V> {
    fn drop(&mut self) {
        self.flights.in_flight.remove(&self.key, self.id);
        self.flights.metrics.in_flight.dec();
        // Work that was cut off, was aborted or panicked has set no outcome.
        let outcome = self.flight.outcome.get_or_init(|| match Instant::now() < self.deadline {
            true => Err(OriginError::Lost.into()),
            false => Err(OriginError::Deadline.into()),
        });
        // Requests report the failures that they get.
        if let Err(Failure { error, .. }) = outcome
            && !self.flight.timed_out.load(Ordering::SeqCst)
            && self.flight.waiters.load(Ordering::SeqCst) == 0
            && let Some(suppressed) = self.flights.log_limit.take()
        {
            let leader = &self.flight.leader;
            tracing::warn!(
                http.request.id = %leader,
                %error,
                suppressed,
                "a read that no request waits for failed"
            );
        }
        self.flight.finished.notify_waiters();
    }
}

#[cfg(test)]
#[cfg(not(feature = "model"))]
mod tests;

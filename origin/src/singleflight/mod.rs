//! Singleflight: many who want the same wait for one that fetches it.
//!
//! One mechanism, used twice: by lookup, so that a partition is read once however many answers
//! come from it; by key, so that an answer is made and kept once. Whoever starts a flight carries
//! it; when they go away it goes on in a task of its own. What it brings is shared, failures too.

mod detached;
mod in_flight;
#[cfg(test)]
#[cfg(feature = "model")]
mod model;

pub(crate) use in_flight::{Boarding, InFlight};

use crate::epochs::{Epoch, Epochs, PurgeTags};
use crate::error::OriginError;
use crate::metrics::SingleflightMetrics;
use crate::request_context::{Priority, RequestContext, SharedPriority};
use crate::request_id::RequestId;
use detached::Detached;
use prometheus::IntGauge;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// How much flights may take.
#[derive(Clone, Copy, Debug)]
pub struct SingleflightLimits {
    /// Who may wait for one flight.
    pub waiters_per_flight: usize,
    /// Who may wait for all flights together.
    pub waiters: usize,
    /// Singleflight under way, whether anybody waits for them or not.
    pub flights: usize,
    /// How long a flight may take.
    pub within: Duration,
}

impl Default for SingleflightLimits {
    fn default() -> Self {
        Self {
            waiters_per_flight: 1000,
            waiters: 10_000,
            flights: 10_000,
            within: Duration::from_secs(10),
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
}

/// How long after its deadline a flight is cut off that did not end by itself. A store that
/// heeds the deadline tells more about what it was asked.
const GRACE: Duration = Duration::from_millis(250);

/// What a flight brings.
pub type Outcome<V> = Result<V, Failure>;

/// Why a flight brought nothing, for all who waited.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What went wrong.
    pub error: Arc<OriginError>,
    /// The request that had asked, by which the log calls it; `None` if nothing was asked.
    pub request_id: Option<RequestId>,
}

impl From<OriginError> for Failure {
    fn from(error: OriginError) -> Self {
        Self { error: Arc::new(error), request_id: None }
    }
}

/// A flight under way.
pub struct Flight<V> {
    /// The epoch at which it began, before anything was asked.
    pub epoch: Epoch,
    priority: Arc<SharedPriority>,
    /// The request that started it.
    leader: RequestId,
    waiters: AtomicUsize,
    /// What it brought, once it has landed.
    outcome: OnceLock<Outcome<V>>,
    landed: Notify,
}

impl<V: Clone> Flight<V> {
    /// What it brings, when it lands.
    async fn outcome(&self) -> Outcome<V> {
        loop {
            // Asked for first: who lands in between wakes this either way.
            let landed = self.landed.notified();
            if let Some(outcome) = self.outcome.get() {
                return outcome.clone();
            }
            landed.await;
        }
    }
}

/// What somebody got who waited for a flight.
#[derive(Debug)]
pub struct Joined<V> {
    /// What it brought.
    pub value: V,
    /// Whether somebody else had started it.
    pub joined: bool,
    /// The request that had started it.
    pub leader: RequestId,
}

impl<K, V> Singleflight<K, V>
where
    K: Hash + Eq + Clone + Unpin + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// No flights yet; their tasks are `tasks`' to await.
    pub fn new(
        limits: SingleflightLimits,
        tasks: TaskTracker,
        metrics: SingleflightMetrics,
    ) -> Self {
        Self { in_flight: InFlight::new(), limits, tasks, waiting: AtomicUsize::new(0), metrics }
    }

    /// Joins the flight of a key, or starts it with what `fetch` makes, and waits for it.
    ///
    /// `fetch` gets the flight's epoch and the circumstances to ask with: the flight's own
    /// deadline, and the priority of the most urgent who joined.
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
        let post = |epoch| {
            // What is as urgent as can be, or goes on with this, has nothing to follow.
            let priority = match ctx.in_flight || ctx.priority() == Priority::Live {
                true => Arc::clone(&ctx.priority),
                false => Arc::new(SharedPriority::new(ctx.priority.get())),
            };
            // The leader has its place already.
            let (leader, waiters) = (ctx.request_id.clone(), AtomicUsize::new(1));
            let (outcome, landed) = (OnceLock::new(), Notify::new());
            Arc::new(Flight { epoch, priority, leader, waiters, outcome, landed })
        };
        // A seat first: whoever can't wait must not have anything asked either.
        let _seat =
            WaiterGuard::take(&self.waiting, self.limits.waiters, Some(&self.metrics.waiting))
                .ok_or_else(|| self.crowded())?;
        match self.in_flight.board(&key, epochs, tags, self.limits.flights, post) {
            Boarding::Full => Err(self.crowded()),
            Boarding::Joined(flight) => {
                let value = self.wait(&flight, ctx).await?;
                self.metrics.joined.inc();
                Ok(Joined { value, joined: true, leader: flight.leader.clone() })
            }
            Boarding::Posted(flight, number) => {
                self.metrics.started.inc();
                self.metrics.under_way.inc();
                // Within another flight it is cut off with that one. Who joins has as long, or
                // shares its end: lookups come first in a flight, so that is about the same.
                let deadline = match ctx.in_flight {
                    true => ctx.deadline,
                    false => Instant::now() + self.limits.within,
                };
                let own = RequestContext {
                    deadline,
                    priority: Arc::clone(&flight.priority),
                    request_id: ctx.request_id.clone(),
                    trace: ctx.trace,
                    in_flight: true,
                };
                let end = End {
                    flights: Arc::clone(self),
                    key,
                    number,
                    flight: Arc::clone(&flight),
                    deadline,
                };
                // After its end is there: whatever `fetch` does must not leave it on the board.
                let landing = Join { work: Box::pin(fetch(flight.epoch, own)), end };
                match ctx.in_flight {
                    true => landing.await,
                    false => self.lead(&flight, landing, deadline + GRACE, ctx).await?,
                }
                let leader = flight.leader.clone();
                Ok(Joined { value: flight.outcome().await?, joined: false, leader })
            }
        }
    }

    /// Carries a flight to its end, or for as long as its leader may wait.
    async fn lead(
        &self,
        flight: &Arc<Flight<V>>,
        landing: Join<K, V>,
        cut_off: Instant,
        ctx: &RequestContext,
    ) -> Result<(), Failure> {
        flight.priority.follow(&ctx.priority);
        let mut detached = Detached::new(landing, cut_off, &self.tasks);
        let until = ctx.deadline.min(cut_off);
        match tokio::time::timeout_at(until.into(), &mut detached).await {
            Ok(()) => Ok(()),
            Err(_) => Err(OriginError::Deadline.into()),
        }
    }

    async fn wait(&self, flight: &Arc<Flight<V>>, ctx: &RequestContext) -> Outcome<V> {
        let at_most = self.limits.waiters_per_flight;
        let _seat =
            WaiterGuard::take(&flight.waiters, at_most, None).ok_or_else(|| self.crowded())?;
        flight.priority.follow(&ctx.priority);
        let landed = tokio::time::timeout_at(ctx.deadline.into(), flight.outcome()).await;
        landed.unwrap_or_else(|_| Err(OriginError::Deadline.into()))
    }

    fn crowded(&self) -> Failure {
        self.metrics.crowded.inc();
        OriginError::Crowded.into()
    }

    /// How much flights may take.
    pub fn limits(&self) -> SingleflightLimits {
        self.limits
    }

    /// How many wait for a flight.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// How many are under way.
    pub fn under_way(&self) -> usize {
        self.in_flight.len()
    }
}

/// A place among those who wait; given up when dropped.
struct WaiterGuard<'a> {
    taken: &'a AtomicUsize,
    gauge: Option<&'a IntGauge>,
}

impl<'a> WaiterGuard<'a> {
    /// A place, if there is one.
    fn take(taken: &'a AtomicUsize, at_most: usize, gauge: Option<&'a IntGauge>) -> Option<Self> {
        let before = taken.fetch_add(1, Ordering::SeqCst);
        gauge.inspect(|gauge| gauge.inc());
        let seat = Self { taken, gauge };
        (before < at_most).then_some(seat)
    }
}

impl Drop for WaiterGuard<'_> {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Ordering::SeqCst);
        self.gauge.inspect(|gauge| gauge.dec());
    }
}

/// A flight's work, and its end. The work goes first when this is dropped: who learns of the end
/// must not meet what belonged to it.
struct Join<K: Hash + Eq + Clone, V: Clone> {
    /// In a box: else whoever may start a flight would have room for it, and be moved about with
    /// that.
    work: Pin<Box<dyn Future<Output = Outcome<V>> + Send>>,
    end: End<K, V>,
}

/// Ends a flight when it is dropped, whatever became of its work.
struct End<K: Hash + Eq + Clone, V: Clone> {
    flights: Arc<Singleflight<K, V>>,
    key: K,
    number: in_flight::Number,
    flight: Arc<Flight<V>>,
    deadline: Instant,
}

impl<K: Hash + Eq + Clone + Unpin, V: Clone> Future for Join<K, V> {
    type Output = ();

    /// Works, and notes what that brought. Dropping tells, and takes it off the board.
    fn poll(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<()> {
        let outcome = ready!(self.work.as_mut().poll(ctx)).map_err(|failure| Failure {
            request_id: failure.request_id.or_else(|| Some(self.end.flight.leader.clone())),
            ..failure
        });
        // It is the only one who sets it.
        let _ = self.end.flight.outcome.set(outcome);
        Poll::Ready(())
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Drop for End<K, V> {
    fn drop(&mut self) {
        self.flights.in_flight.remove(&self.key, self.number);
        self.flights.metrics.under_way.dec();
        // What was cut off, aborted or has panicked has brought nothing; nobody must wait for it.
        self.flight.outcome.get_or_init(|| match Instant::now() < self.deadline {
            true => Err(OriginError::Lost.into()),
            false => Err(OriginError::Deadline.into()),
        });
        self.flight.landed.notify_waiters();
    }
}

#[cfg(test)]
#[cfg(not(feature = "model"))]
mod tests;

//! Misses: one flight per key asks origin and keeps what comes.

use super::request_head::OwnedNegotiation;
use super::{CacheResult, OwnedCall, Reply, Service, Told};
use aqs_api::problem::Code;
use aqs_api::{Key, Problem, Query};
use aqs_origin::epochs::Validity;
use aqs_origin::singleflight::{Failure, Joined, Outcome, Singleflight};
use aqs_origin::store::StoreError;
use aqs_origin::{Entry, Freshness, OriginError, Priority, ReadPlan, RequestContext, RequestId};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Singleflight that ask origin for the answer to a key.
pub type ResponseSingleflight = Singleflight<Key, Answered>;

/// What a key's flight brings.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The answer.
    pub entry: Arc<Entry>,
    /// Whether the cache has it now.
    pub kept: bool,
}

/// How often an answer is asked for again that a purge met on its way.
const TRIES: usize = 3;
/// How long a client waits for the store if there is an old answer.
const PATIENCE_WITH_STALE: Duration = Duration::from_secs(1);
/// How long after a failure the old answer is served without asking again.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

impl Service {
    /// Answers a query that the cache can't.
    pub(super) async fn fill(
        self: Arc<Self>,
        read_plan: Arc<ReadPlan>,
        negotiation: OwnedNegotiation,
        call: OwnedCall,
    ) -> Reply {
        let query = read_plan.query();
        let held = self.cache.get(query.key().as_ref());
        let reason = self.miss_reason(query, held.as_deref());
        let mut ctx = self.ctx(Priority::Live, call);
        if held.is_some_and(|held| self.is_usable(&held)) {
            // With something to fall back on, nobody has to wait for a store that hangs.
            ctx.deadline = ctx.deadline.min(Instant::now() + PATIENCE_WITH_STALE);
        }
        for _ in 0..TRIES {
            let landed = match self.ask(&read_plan, &ctx).await {
                Ok(landed) => landed,
                Err(failure) => return self.failed(query, failure, &negotiation, &ctx),
            };
            let Answered { entry, kept } = landed.value;
            // What was asked before a hard purge must not be served after it.
            if self.origin.epochs.validity(entry.epoch, &entry.tags) != Validity::Invalid {
                let result = match (landed.joined, kept) {
                    (true, _) => CacheResult::Collapsed,
                    (false, true) => reason,
                    (false, false) => CacheResult::NotKept,
                };
                let leader = landed.joined.then_some(landed.leader);
                let reply = self.reply(entry, negotiation.borrow(), result, self.clock.now());
                return reply.telling(Told { leader, cause: None });
            }
        }
        let problem =
            Problem::new(503, Code::Unavailable, "This answer is being purged. Please try again.");
        Reply::failure(problem, query.endpoint_id())
    }

    /// Asks origin, or waits for who asks already. What comes is kept, also if nobody waits any
    /// more.
    pub(super) async fn ask(
        self: &Arc<Self>,
        read_plan: &Arc<ReadPlan>,
        ctx: &RequestContext,
    ) -> Outcome<Joined<Answered>> {
        let epochs = &self.origin.epochs;
        let (key, tags) = (read_plan.query().key().clone(), read_plan.tags());
        let (service, read_plan) = (Arc::clone(self), Arc::clone(read_plan));
        self.flights
            .run(key, epochs, &tags, ctx, |_, ctx| async move {
                let key = read_plan.query().key();
                let answer = service.origin.answer_to(&read_plan, &ctx).await;
                let entry = answer.inspect_err(|failure| {
                    // Told once, here, whoever waits for it.
                    let request = failure.request_id.as_ref().unwrap_or(&ctx.request_id);
                    service.error_log.tell(request, ctx.trace, key.path(), &failure.error);
                })?;
                let kept = service.keep(key, &entry);
                Ok(Answered { entry, kept })
            })
            .await
    }

    /// The circumstances of a request of its own.
    pub(super) fn ctx(&self, priority: Priority, call: OwnedCall) -> RequestContext {
        let OwnedCall { request_id, trace } = call;
        RequestContext {
            trace,
            ..RequestContext::new(Instant::now() + self.answer_within, priority, request_id)
        }
    }

    /// Keeps an answer, if it is to be kept.
    fn keep(&self, key: &Key, entry: &Arc<Entry>) -> bool {
        if self.origin.epochs.validity(entry.epoch, &entry.tags) == Validity::Invalid {
            return false;
        }
        let newer = |held: Arc<Entry>| held.epoch > entry.epoch;
        if self.cache.get(key.as_ref()).is_some_and(newer) {
            return false;
        }
        let kept = self.cache.insert(key.clone(), Arc::clone(entry));
        if !kept {
            self.metrics.too_heavy.inc();
        }
        kept
    }

    /// The old answer, if it may be used when the store fails.
    fn usable(&self, query: &Query) -> Option<Arc<Entry>> {
        self.cache.get(query.key().as_ref()).filter(|entry| self.is_usable(entry))
    }

    fn is_usable(&self, entry: &Entry) -> bool {
        entry.freshness(self.clock.now(), &self.origin.epochs) != Freshness::Invalid
    }

    /// Why what is held of a query's answer, if anything is, was not served.
    fn miss_reason(&self, query: &Query, held: Option<&Entry>) -> CacheResult {
        let validity = |entry: &Entry| self.origin.epochs.validity(entry.epoch, &entry.tags);
        let key = query.key().as_ref();
        match held.map(validity) {
            Some(Validity::Invalid) => CacheResult::Purged,
            Some(Validity::Valid | Validity::Stale) => CacheResult::Expired,
            // Of the hot set's answers only those that were purged are not served.
            None => {
                match self.hot_set.live().and_then(|live| Some(validity(&live.get(key)?.entry))) {
                    Some(Validity::Invalid) => CacheResult::Purged,
                    _ => CacheResult::Cold,
                }
            }
        }
    }

    /// The old answer, if there is one that may still be used, or what is wrong.
    fn failed(
        self: &Arc<Self>,
        query: &Query,
        failure: Failure,
        negotiation: &OwnedNegotiation,
        ctx: &RequestContext,
    ) -> Reply {
        // Its own name: the leader's may be another client's. The log knows who asked for whom.
        let problem = problem(&failure.error, &ctx.request_id);
        let leader = failure.request_id.filter(|leader| *leader != ctx.request_id);
        let told = Told { leader, cause: Some(Arc::clone(&failure.error)) };
        // A broken cell is no failure of the store: the new answer is the truth.
        if !matches!(*failure.error, OriginError::Shape { .. })
            && let Some(entry) = self.usable(query)
        {
            let now = self.clock.now();
            entry.back_off(now, AFTER_FAILURE);
            return self
                .reply(entry, negotiation.borrow(), CacheResult::StaleIfError, now)
                .telling(told);
        }
        Reply::failure(problem, query.endpoint_id()).telling(told)
    }
}

/// What a client is told of a failure: nothing of its inside, but the name by which the log has it.
fn problem(error: &OriginError, request: &RequestId) -> Problem {
    let (status, code, what) = match error {
        OriginError::Store(StoreError::Unavailable { .. }) | OriginError::Lost => {
            (503, Code::Unavailable, "The data store can't be reached at the moment")
        }
        OriginError::Rejected | OriginError::Overloaded => {
            (503, Code::Unavailable, "Too much is asked of the data store at the moment")
        }
        OriginError::Store(StoreError::Timeout { .. }) | OriginError::Deadline => {
            (504, Code::Timeout, "The data store did not answer in time")
        }
        OriginError::Shape { .. } => return Problem::broken_data(),
        _ => (500, Code::StoreFailed, "The data store failed"),
    };
    Problem::new(status, code, format!("{what}. Please try again later (request {request})."))
}

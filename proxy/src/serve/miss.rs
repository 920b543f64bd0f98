//! Misses: one read per key asks the origin and stores the answer.

use super::lookup::Hit;
use super::store_failures::{self, ErrorLog};
use crate::cache::{Insertion, ResponseCache};
use crate::http::{CacheResult, RequestTrace};
use crate::log::access::LogContext;
use crate::metrics::Metrics;
use aqs_api::{Fault, Key, Query};
use aqs_origin::epochs::Validity;
use aqs_origin::singleflight::{Failure, Joined, Outcome, Singleflight};
use aqs_origin::{Entry, Freshness, Origin, OriginError, Priority, ReadPlan, RequestContext};
use aqs_warmers::hot_set::HotSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Runs one read per key at a time.
pub type ResponseSingleflight = Singleflight<Key, Fetched>;

/// The result of a read for a key.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub entry: Arc<Entry>,
    /// Whether the cache holds it now.
    pub stored: bool,
}

/// How often a read is repeated because a purge invalidated its answer.
const MAX_ATTEMPTS: usize = 3;
/// How long a client waits for the store if a stale answer exists.
const STALE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a stale answer is served after a failure without asking again.
const FAILURE_BACKOFF: Duration = Duration::from_secs(5);

pub struct MissHandler {
    pub origin: Arc<Origin>,
    pub hot_set: Arc<HotSet>,
    pub cache: Arc<ResponseCache>,
    pub responses: Arc<ResponseSingleflight>,
    pub metrics: Arc<Metrics>,
    pub answer_timeout: Duration,
    pub error_log: ErrorLog,
}

impl MissHandler {
    /// Answers a query that the look-up could not answer.
    pub(super) async fn handle(
        self: &Arc<Self>,
        plan: &Arc<ReadPlan>,
        mut ctx: RequestContext,
    ) -> (Result<Hit, Fault>, LogContext) {
        let query = plan.query();
        let held = self.cache.get(query.key().as_ref());
        let reason = self.miss_reason(query, held.as_deref());
        if held.is_some_and(|held| self.is_usable(&held)) {
            // With an answer to fall back on, no client has to wait for a store that hangs.
            ctx.deadline = ctx.deadline.min(Instant::now() + STALE_TIMEOUT);
        }
        for _ in 0..MAX_ATTEMPTS {
            let fetched = match self.fetch(plan, &ctx).await {
                Ok(fetched) => fetched,
                Err(failure) => return self.fall_back(plan, failure, &ctx),
            };
            let Fetched { entry, stored } = fetched.value;
            // What was read before a hard purge must not be served after it.
            if self.is_valid(&entry) {
                let result = match (fetched.joined, stored) {
                    (true, _) => CacheResult::Collapsed,
                    (false, true) => reason,
                    (false, false) => CacheResult::NotStored,
                };
                let leader = fetched.joined.then_some(fetched.leader);
                let hit = Hit::new(entry, result, self.origin.clock().now());
                return (Ok(hit), LogContext { leader, cause: None });
            }
        }
        let detail = "This answer is being purged. Please try again.";
        (Err(Fault::other(503, detail)), LogContext::default())
    }

    /// Asks the origin, or waits for the read that already does. The answer is stored even if no
    /// one waits for it any more.
    pub(super) async fn fetch(
        self: &Arc<Self>,
        plan: &Arc<ReadPlan>,
        ctx: &RequestContext,
    ) -> Outcome<Joined<Fetched>> {
        let (key, tags) = (plan.query().key().clone(), plan.tags());
        let (misses, plan) = (Arc::clone(self), Arc::clone(plan));
        self.responses
            .run(key, &self.origin.epochs, &tags, ctx, |_, ctx| async move {
                let entry = misses.origin.answer_to(&plan, &ctx).await?;
                let stored = misses.insert(plan.query().key(), &entry);
                Ok(Fetched { entry, stored })
            })
            .await
    }

    pub(super) fn context(&self, priority: Priority, trace: &RequestTrace<'_>) -> RequestContext {
        RequestContext {
            trace: trace.trace(),
            ..RequestContext::new(Instant::now() + self.answer_timeout, priority, trace.id())
        }
    }

    fn insert(&self, key: &Key, entry: &Arc<Entry>) -> bool {
        if !self.is_valid(entry) {
            return false;
        }
        let insertion = self.cache.insert(key, entry);
        if insertion == Insertion::TooLarge {
            self.metrics.too_heavy.inc();
        }
        insertion == Insertion::Stored
    }

    fn is_valid(&self, entry: &Entry) -> bool {
        self.origin.epochs.validity(entry.epoch, &entry.tags) != Validity::Invalid
    }

    /// Whether an entry may be served when the store fails.
    fn is_usable(&self, entry: &Entry) -> bool {
        entry.freshness(self.origin.clock().now(), &self.origin.epochs) != Freshness::Invalid
    }

    /// Why the entry that the cache or the hot set holds, if any, was not served.
    fn miss_reason(&self, query: &Query, held: Option<&Entry>) -> CacheResult {
        match held {
            Some(held) if self.is_valid(held) => CacheResult::Expired,
            Some(_) => CacheResult::Purged,
            None => {
                let hot = self.hot_set.live();
                let hot = hot.as_ref().and_then(|live| live.get(query.key().as_ref()));
                match hot.is_some_and(|hot| !self.is_valid(&hot.entry)) {
                    true => CacheResult::Purged,
                    false => CacheResult::Cold,
                }
            }
        }
    }

    /// The stale answer, if one may still be served, else the fault.
    fn fall_back(
        &self,
        plan: &ReadPlan,
        failure: Failure,
        ctx: &RequestContext,
    ) -> (Result<Hit, Fault>, LogContext) {
        // If the stored rows are invalid, the old answer must not hide that.
        let invalid = matches!(*failure.error, OriginError::Shape { .. });
        let held = if invalid { None } else { self.cache.get(plan.query().key().as_ref()) };
        let outcome = match held.filter(|entry| self.is_usable(entry)) {
            Some(entry) => {
                let now = self.origin.clock().now();
                // A store that does not answer in time has failed; our own limits are no failure of it.
                let store_failed =
                    !matches!(*failure.error, OriginError::Rejected | OriginError::Overloaded);
                entry.back_off(now, FAILURE_BACKOFF, store_failed);
                // A failure is shared by all who wait; its leader logs it.
                if failure.request_id.as_ref().is_none_or(|leader| *leader == ctx.request_id) {
                    self.error_log.write(plan, &failure, ctx, "a stale answer was served");
                }
                let result =
                    if store_failed { CacheResult::StaleIfError } else { CacheResult::Stale };
                Ok(Hit::new(entry, result, now))
            }
            // By the id of this request: the leader's may be another client's.
            None => Err(store_failures::fault(&failure.error, &ctx.request_id)),
        };
        let leader = failure.request_id.filter(|leader| *leader != ctx.request_id);
        (outcome, LogContext { leader, cause: Some(failure.error) })
    }
}

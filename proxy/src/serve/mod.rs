//! From a head to a reply: the one function that serves (design: `serve(RequestHead) → Now | Later`).

mod cache_result;
mod call;
mod coding;
mod datasets;
mod error_log;
mod fill;
mod gzip;
mod headers;
mod pages;
mod refresh;
mod reply;
mod request_head;

pub use cache_result::CacheResult;
pub use call::{Call, GeneratedId, OwnedCall, Told};
pub use error_log::ErrorLog;
pub use fill::{Answered, ResponseSingleflight};
pub use pages::KeptPage;
pub use reply::{Content, KeepAlive, Page, Reply};
pub use request_head::{Method, Negotiation, RequestHead};

use crate::admin::Ready;
use crate::aliases::Aliases;
use crate::cache::ResponseCache;
use crate::log::LogConfig;
use crate::metrics::Metrics;
use aqs_api::{Catalogue, KeyRef, Problem, Query, Target};
use aqs_origin::{Clock, Entry, Freshness, Moment, Origin, ReadPlan};
use aqs_warmers::generation::{HotFreshness, HotHit, HotSet};
use aqs_warmers::jobs::Jobs;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// What the public listener serves besides the API.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublicPages {
    /// Whether `/healthz` describes the build, as in the upstream services.
    pub upstream_health: bool,
    pub metrics: bool,
}

/// What answers requests, whatever way they came in.
pub struct Service {
    /// What requests mean.
    pub catalogue: Arc<Catalogue>,
    /// Where misses are answered.
    pub origin: Arc<Origin>,
    /// What was answered before anybody asked.
    pub hot_set: Arc<HotSet>,
    /// What builds it.
    pub jobs: Arc<Jobs>,
    /// What was answered lately.
    pub cache: ResponseCache,
    /// Other aliases of keys.
    pub aliases: Aliases,
    /// Who asks origin for which key at the moment.
    pub flights: Arc<ResponseSingleflight>,
    /// How many refreshes may run at once.
    pub refreshes: Arc<Semaphore>,
    /// How many bodies may be coded at once.
    pub codings: Arc<Semaphore>,
    /// What is counted.
    pub metrics: Metrics,
    /// What is still missing.
    pub ready: Ready,
    /// What is told of failures.
    pub error_log: ErrorLog,
    /// What clients find beside the data.
    pub public_pages: PublicPages,
    /// The metrics that clients were shown last.
    pub public_metrics: KeptPage,
    /// Everything that `/metrics` shows.
    pub registry: prometheus::Registry,
    /// The time.
    pub clock: Clock,
    /// How long a client is kept waiting for a store.
    pub answer_within: Duration,
    /// Which requests the log tells of.
    pub access: LogConfig,
    /// Who awaits what was begun, at the end.
    pub tasks: TaskTracker,
}

/// Which entries of the cache will do.
#[derive(Clone, Copy)]
enum Need<'a> {
    /// Those that may be used while the store answers.
    Usable,
    /// Those that may be used at all, if they are newer than a stale one of the hot set.
    NewerThan(&'a Entry),
}

/// An answer, at once or once the store has been asked.
pub enum Served {
    /// Here it is.
    Now(Reply),
    /// It has to be fetched.
    Later(Pin<Box<dyn Future<Output = Reply> + Send>>),
}

impl Service {
    /// Answers a request.
    pub fn serve(self: &Arc<Self>, head: &RequestHead<'_>) -> Served {
        match head.method {
            Method::Get | Method::Head => {}
            Method::Options => return Served::Now(Reply::generated(Content::Options)),
            _ => return Served::Now(Reply::problem(Problem::method_not_allowed())),
        }
        match Target::parse(head.target) {
            Some(target) => self.data(head, target),
            None => Served::Now(self.page(head.target)),
        }
    }

    fn data(self: &Arc<Self>, head: &RequestHead<'_>, target: Target<'_>) -> Served {
        // Most clients spell a request as its key does, so what is held is looked through before
        // anything is understood; then it is asked by the key that the spelling is known to mean.
        let raw = KeyRef::new(target.dialect, target.path);
        if let Some(reply) = self.held(head, raw) {
            return Served::Now(reply);
        }
        if let Some(key) = self.aliases.get(raw)
            && let Some(reply) = self.held(head, key.as_ref())
        {
            return Served::Now(reply);
        }
        if let Some(page) = self.datasets_page(target) {
            return Served::Now(page);
        }
        let query = match self.catalogue.resolve(target) {
            Ok(query) => query,
            Err(problem) => return Served::Now(Reply::problem(problem)),
        };
        if !raw.is(query.key()) {
            self.aliases.insert(raw, query.key());
            if let Some(reply) = self.held(head, query.key().as_ref()) {
                return Served::Now(reply);
            }
        }
        let read_plan = Arc::new(ReadPlan::new(query, &self.catalogue));
        let (negotiation, call) = (head.negotiation.to_owned(), head.call.to_owned());
        Served::Later(Box::pin(Arc::clone(self).fill(read_plan, negotiation, call)))
    }

    /// The answer that is held of a key: in the hot set, else in the cache.
    fn held(self: &Arc<Self>, head: &RequestHead<'_>, key: KeyRef<'_>) -> Option<Reply> {
        let now = self.clock.now();
        match self.hot_set.get(key, now, &self.origin.epochs) {
            Some(hot) if hot.freshness == HotFreshness::Fresh => {
                Some(self.ahead(hot, head, CacheResult::Hot, now))
            }
            // Somebody may have been answered anew since.
            Some(hot) => self.cached(head, key, now, Need::NewerThan(&hot.entry)).or_else(|| {
                self.refresh(&hot.entry, key, now, &head.call);
                Some(self.ahead(hot, head, CacheResult::HotStale, now))
            }),
            None => self.cached(head, key, now, Need::Usable),
        }
    }

    /// Sends an answer of the hot set.
    fn ahead(
        self: &Arc<Self>,
        hot: HotHit,
        head: &RequestHead<'_>,
        result: CacheResult,
        now: Moment,
    ) -> Reply {
        let ttl = hot.fresh_until.seconds_since(now);
        self.reply(hot.entry, head.negotiation, result, now).of_generation(hot.generation, ttl)
    }

    fn cached(
        self: &Arc<Self>,
        head: &RequestHead<'_>,
        key: KeyRef<'_>,
        now: Moment,
        need: Need<'_>,
    ) -> Option<Reply> {
        let entry = self.cache.get(key)?;
        let beside_hot = match need {
            Need::Usable => false,
            Need::NewerThan(hot) => {
                if (entry.epoch, entry.fetched_at) <= (hot.epoch, hot.fetched_at) {
                    return None;
                }
                true
            }
        };
        let result = match entry.freshness(now, &self.origin.epochs) {
            Freshness::Fresh => CacheResult::Fresh,
            Freshness::OnlyIfStoreFails if !beside_hot => match entry.backs_off(now) {
                true => CacheResult::StaleIfError,
                false => return None,
            },
            // However old: what the hot set has is older, and nobody should go back in time.
            Freshness::OnlyIfStoreFails | Freshness::Revalidate => {
                self.refresh(&entry, key, now, &head.call);
                CacheResult::Stale
            }
            Freshness::Invalid => return None,
        };
        Some(self.reply(entry, head.negotiation, result, now))
    }

    /// Sends an entry in the form that the client negotiation.
    fn reply(
        self: &Arc<Self>,
        entry: Arc<Entry>,
        negotiation: Negotiation<'_>,
        result: CacheResult,
        now: Moment,
    ) -> Reply {
        // What is not kept is not worth coding: the next asker gets another body.
        let gzip = result != CacheResult::NotKept && self.gzip(&entry, negotiation);
        let ttl = entry.fresh_until.seconds_since(now);
        Reply::entry(entry, negotiation.if_none_match, gzip, result, ttl)
    }

    /// Understands a path again that was understood before.
    fn query_of(&self, key: KeyRef<'_>) -> Option<Query> {
        let target = Target { dialect: key.dialect(), path: key.path() };
        self.catalogue.resolve(target).ok()
    }
}

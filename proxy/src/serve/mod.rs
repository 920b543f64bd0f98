//! From a head to a reply: the one function that serves (design: `serve(HeadView) → Now | Later`).

mod cache_result;
mod fill;
mod head_view;
mod headers;
mod pages;
mod reply;

pub use cache_result::{CacheResult, Hit};
pub use head_view::{HeadView, Listener, Method};
pub use reply::{Content, Page, Persistence, Reply};

use crate::cache::ResponseCache;
use crate::metrics::Metrics;
use aqs_api::{Catalogue, KeyRef, Problem, Target};
use aqs_origin::{Clock, Entry, Freshness, Origin};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// What answers requests, whatever way they came in.
pub struct Service {
    /// What requests mean.
    pub catalogue: Arc<Catalogue>,
    /// Where misses are answered.
    pub origin: Arc<Origin>,
    /// What was answered lately.
    pub cache: ResponseCache,
    /// What is counted.
    pub metrics: Metrics,
    /// Everything that `/metrics` shows.
    pub registry: prometheus::Registry,
    /// The time.
    pub clock: Clock,
    /// How long a client is kept waiting for a store.
    pub answer_within: Duration,
    /// The number of the last request that went to origin, which logs call it by.
    pub last_request: AtomicU64,
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
    pub fn serve(self: &Arc<Self>, head: &HeadView<'_>) -> Served {
        match head.method {
            Method::Get | Method::Head => {}
            Method::Options => return Served::Now(Reply::generated(Content::Options)),
            Method::Other => return Served::Now(Reply::problem(Problem::method_not_allowed())),
        }
        if head.listener == Listener::Admin {
            return Served::Now(self.admin_page(head.target));
        }
        match Target::parse(head.target) {
            Some(target) => self.data(head, target),
            None => Served::Now(self.page(head.target)),
        }
    }

    fn data(self: &Arc<Self>, head: &HeadView<'_>, target: Target<'_>) -> Served {
        // Most clients spell a request as its key does, so the cache is asked before anything is
        // understood.
        let raw = KeyRef::new(target.dialect, target.path);
        if let Some(reply) = self.cached(head, raw) {
            return Served::Now(reply);
        }
        let query = match self.catalogue.resolve(target) {
            Ok(query) => query,
            Err(problem) => return Served::Now(Reply::problem(problem)),
        };
        if !raw.is(query.key())
            && let Some(reply) = self.cached(head, query.key().as_ref())
        {
            return Served::Now(reply);
        }
        let if_none_match = head.if_none_match.map(<[u8]>::to_vec);
        let service = Arc::clone(self);
        Served::Later(Box::pin(async move { service.fill(query, if_none_match).await }))
    }

    fn cached(&self, head: &HeadView<'_>, key: KeyRef<'_>) -> Option<Reply> {
        let entry = self.cache.get(key)?;
        let now = self.clock.now();
        match entry.freshness(now) {
            Freshness::Fresh => {
                let ttl = entry.fresh_until.seconds_since(now);
                Some(Reply::entry(entry, head.if_none_match, CacheResult::Fresh, Hit { ttl }))
            }
            Freshness::Revalidate | Freshness::OnlyIfStoreFails | Freshness::Invalid => None,
        }
    }

    /// Brings the gauges up to date that are read rather than counted.
    pub(crate) fn refresh_gauges(&self) {
        self.metrics.cache_bytes.set(self.cache.bytes() as i64);
        self.metrics.cache_entries.set(self.cache.len() as i64);
    }

    fn keep(&self, key: aqs_api::Key, entry: &Arc<Entry>) {
        self.cache.insert(key, Arc::clone(entry));
    }
}

//! From a request head to a reply: the one function that serves, without sockets.

mod error_log;
mod gzip;
mod lookup;
mod metrics_page;
mod miss;
mod pages;
mod refresh;

pub use metrics_page::MetricsPage;
pub use miss::{Fetched, ResponseSingleflight};
pub use pages::PublicPages;

use crate::cache::{Aliases, ResponseCache};
use crate::http::{CacheResult, Content, Method, Negotiation, Reply, RequestHead};
use crate::metrics::Metrics;
use aqs_api::{Catalogue, KeyRef, Problem, Query, Target};
use aqs_origin::{Clock, Moment, Origin, ReadPlan};
use aqs_warmers::generation::HotSet;
use gzip::GzipEncoder;
use lookup::{Hit, Lookup};
use miss::MissHandler;
use refresh::Refresher;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// Answers requests, whatever protocol brought them.
pub struct Service {
    catalogue: Arc<Catalogue>,
    origin: Arc<Origin>,
    lookup: Lookup,
    aliases: Arc<Aliases>,
    misses: Arc<MissHandler>,
    refresher: Refresher,
    gzip: GzipEncoder,
    public_pages: PublicPages,
    metrics_page: Arc<MetricsPage>,
    clock: Clock,
}

/// What a [`Service`] is built from.
pub struct ServiceParts {
    pub catalogue: Arc<Catalogue>,
    pub origin: Arc<Origin>,
    pub hot_set: Arc<HotSet>,
    pub cache: Arc<ResponseCache>,
    pub aliases: Arc<Aliases>,
    pub responses: Arc<ResponseSingleflight>,
    pub metrics: Arc<Metrics>,
    pub metrics_page: Arc<MetricsPage>,
    pub clock: Clock,
    /// Owns the refreshes and compressions.
    pub tasks: TaskTracker,
    /// How long a client waits for a store.
    pub answer_timeout: Duration,
    /// How many refreshes may run at once.
    pub max_refreshes: usize,
    pub public_pages: PublicPages,
}

/// A reply, now or once the store has answered.
pub enum Served {
    Now(Reply),
    /// Dropping the future leaves the wait; a read that has begun goes on.
    Later(Pin<Box<dyn Future<Output = Reply> + Send>>),
}

impl Service {
    pub fn new(parts: ServiceParts) -> Self {
        let ServiceParts { catalogue, origin, hot_set, cache, metrics, clock, tasks, .. } = parts;
        let misses = Arc::new(MissHandler {
            origin: Arc::clone(&origin),
            hot_set: Arc::clone(&hot_set),
            cache: Arc::clone(&cache),
            responses: parts.responses,
            metrics: Arc::clone(&metrics),
            clock: clock.clone(),
            answer_timeout: parts.answer_timeout,
            error_log: Default::default(),
        });
        Self {
            lookup: Lookup { hot_set, cache, epochs: Arc::clone(&origin.epochs) },
            refresher: Refresher::new(
                Arc::clone(&catalogue),
                Arc::clone(&misses),
                parts.max_refreshes,
                tasks.clone(),
            ),
            gzip: GzipEncoder::new(tasks, metrics),
            catalogue,
            origin,
            aliases: parts.aliases,
            misses,
            public_pages: parts.public_pages,
            metrics_page: parts.metrics_page,
            clock,
        }
    }

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
        let now = self.clock.now();
        // Most clients send the canonical form, so the target is looked up before it is parsed;
        // then by the key that it is a known alias of.
        let raw = KeyRef::new(target.dialect, target.path);
        if let Some(reply) = self.hit(head, raw, now) {
            return Served::Now(reply);
        }
        if let Some(key) = self.aliases.get(raw)
            && let Some(reply) = self.hit(head, key.as_ref(), now)
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
            if let Some(reply) = self.hit(head, query.key().as_ref(), now) {
                return Served::Now(reply);
            }
        }
        Served::Later(self.miss(head, query))
    }

    /// Answers from the hot set or the cache.
    fn hit(&self, head: &RequestHead<'_>, key: KeyRef<'_>, now: Moment) -> Option<Reply> {
        let hit = self.lookup.get(key, now)?;
        if hit.needs_refresh() {
            self.refresher.start(&hit.entry, key, now, &head.trace);
        }
        Some(self.reply(hit, head.negotiation))
    }

    fn miss(
        self: &Arc<Self>,
        head: &RequestHead<'_>,
        query: Query,
    ) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
        let (service, plan) = (Arc::clone(self), Arc::new(ReadPlan::new(query, &self.catalogue)));
        let (negotiation, trace) = (head.negotiation.to_owned(), head.trace.to_owned());
        Box::pin(async move {
            let (outcome, log_context) = service.misses.handle(&plan, trace).await;
            let reply = match outcome {
                Ok(hit) => service.reply(hit, negotiation.borrow()),
                Err(problem) => Reply::failure(problem, plan.query().endpoint_id()),
            };
            reply.with_log_context(log_context)
        })
    }

    /// Sends an entry in the form that the client prefers.
    fn reply(&self, hit: Hit, negotiation: Negotiation<'_>) -> Reply {
        let Hit { entry, status } = hit;
        // Compressing an entry that is not stored is useless: the next request gets another body.
        let gzip =
            status.result != CacheResult::NotStored && self.gzip.is_available(&entry, negotiation);
        Reply::entry(entry, negotiation.if_none_match, gzip, status)
    }
}

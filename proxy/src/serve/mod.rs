//! From a request head to a reply: the one function that serves, without sockets.

mod fixed_pages;
mod gzip;
mod lookup;
mod metrics_page;
mod miss;
mod refresh;
mod store_failures;

pub use fixed_pages::PublicPages;
pub use gzip::GzipEncoder;
pub use lookup::Lookup;
pub use metrics_page::MetricsPage;
pub use miss::{Fetched, MissHandler, ResponseSingleflight};
pub use refresh::Refresher;

use crate::cache::Aliases;
use crate::http::{CacheResult, Content, Lines, Method, Negotiation, Reply, RequestHead};
use aqs_api::{Dialect, Fault, KeyRef, Query, Target};
use aqs_origin::{Moment, Origin, Priority, ReadPlan};
use lookup::Hit;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Answers requests, independent of the protocol version.
pub struct Service {
    pub origin: Arc<Origin>,
    pub lookup: Lookup,
    pub aliases: Arc<Aliases>,
    pub misses: Arc<MissHandler>,
    pub refresher: Refresher,
    pub gzip: GzipEncoder,
    pub public_pages: PublicPages,
    /// What the index page says about the data.
    pub notice: Option<&'static str>,
    pub metrics_page: Arc<MetricsPage>,
}

/// A reply, now or once the store has answered.
pub enum Served {
    Now(Reply),
    /// Dropping the future leaves the wait; a read that has begun goes on.
    Later(Pin<Box<dyn Future<Output = Reply> + Send>>),
}

impl Service {
    /// Answers a request.
    pub fn serve(self: &Arc<Self>, head: &RequestHead<'_>) -> Served {
        let target = Target::parse(head.target);
        match (head.method, target) {
            (Method::Get | Method::Head, Some(target)) => self.data(head, target),
            (Method::Get | Method::Head, None) => Served::Now(self.page(head.target)),
            (Method::Options, _) => Served::Now(Reply::generated(Content::Options)),
            (
                Method::Post
                | Method::Put
                | Method::Patch
                | Method::Delete
                | Method::Connect
                | Method::Trace
                | Method::Notify
                | Method::Other,
                target,
            ) => {
                let dialect = target.map(|target| self.origin.catalogue().fault_dialect(target));
                let dialect = dialect.unwrap_or(Dialect::V2);
                Served::Now(Reply::fault(Fault::MethodNotAllowed, dialect))
            }
        }
    }

    fn data(self: &Arc<Self>, head: &RequestHead<'_>, target: Target<'_>) -> Served {
        let now = self.origin.clock().now();
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
        let catalogue = self.origin.catalogue();
        let query = match catalogue.resolve(target) {
            Ok(query) => query,
            Err(fault) => {
                if matches!(fault, Fault::InvalidRoute)
                    && let Some(page) = self.listing_page(target)
                {
                    return Served::Now(page);
                }
                return Served::Now(Reply::fault(fault, catalogue.fault_dialect(target)));
            }
        };
        if raw != query.key().as_ref() {
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
        let plan = Arc::new(ReadPlan::new(query, self.origin.catalogue()));
        let service = Arc::clone(self);
        let Negotiation { if_match, if_none_match, accept_encoding } = head.negotiation;
        let owned = [if_match, if_none_match, accept_encoding]
            .map(|lines| (!lines.is_empty()).then(|| lines.join()));
        let ctx = self.misses.context(Priority::Live, &head.trace);
        Box::pin(async move {
            let (outcome, log_context) = service.misses.handle(&plan, ctx).await;
            let [if_match, if_none_match, accept_encoding] =
                owned.each_ref().map(|line| line.as_deref().map(Lines::from).unwrap_or_default());
            let negotiation = Negotiation { if_match, if_none_match, accept_encoding };
            let reply = match outcome {
                Ok(hit) => service.reply(hit, negotiation),
                Err(fault) => Reply::failure(fault, plan.query()),
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
        Reply::entry(entry, negotiation, gzip, status)
    }
}

//! A whole service without a socket, which is measured.

use crate::synthetic::SyntheticStore;
use aqs_api::lifetimes::{Lifetimes, Times};
use aqs_api::{Catalogue, Representation};
use aqs_proxy::config::{Admin, Config, StateDir};
use aqs_proxy::http::{Content, Lines, Method, Negotiation, Reply, RequestHead, RequestTrace};
use aqs_proxy::serve::{Served, Service};
use aqs_proxy::server::{Components, Parts, Server};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A service over the [`SyntheticStore`], and the runtime of its misses.
pub struct Subject {
    server: Server,
    runtime: Runtime,
}

impl Subject {
    /// Builds the service as the program does, without a listener, and with answers that stay fresh
    /// for longer than any bench takes.
    pub fn build() -> Result<Self, Box<dyn Error>> {
        // Misses are filled before anything is measured: one thread is enough for them.
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build()?;
        let day = Duration::from_secs(24 * 60 * 60);
        let lasting = Lifetimes { fresh: day, revalidate: day, usable: day };
        let mut config = Config {
            listen: Some(Vec::new()),
            admin: Admin { listen: Vec::new(), ..Admin::default() },
            state: StateDir::Nowhere,
            freshness: Times { data: lasting, no_data: lasting },
            ..Config::default()
        };
        config.hot_set.enabled = false;
        let catalogue = Arc::new(Catalogue::standard()?);
        let sockets = Server::bind(&config)?;
        let store = Arc::new(SyntheticStore::new(&catalogue));
        let server = runtime.block_on(Server::start(
            sockets,
            &config,
            Parts::new(aqs_origin::stores::StoreName::Embedded, catalogue, store),
        ))?;
        Ok(Self { server, runtime })
    }

    pub fn service(&self) -> &Arc<Service> {
        &self.server.components.service
    }

    pub fn components(&self) -> &Components {
        &self.server.components
    }

    /// Answers a GET, from the store if need be. The cache has the answer afterwards.
    pub fn get(&self, target: &str) -> Reply {
        match self.service().serve(&head(target, None)) {
            Served::Now(reply) => reply,
            Served::Later(reply) => self.runtime.block_on(reply),
        }
    }
}

/// The head of a GET on the public listener.
pub fn head<'a>(target: &'a str, if_none_match: Option<&'a [u8]>) -> RequestHead<'a> {
    let if_none_match = if_none_match.map(Lines::from).unwrap_or_default();
    let negotiation = Negotiation { if_none_match, ..Negotiation::default() };
    let trace = RequestTrace::default();
    RequestHead { method: Method::Get, target, negotiation, trace }
}

/// The `If-None-Match` value of a client that has the body of a reply.
pub fn validator(reply: &Reply) -> Option<Vec<u8>> {
    let Content::Entry(entry) = &reply.content else { return None };
    let Representation::Body(body) = &entry.representation else { return None };
    Some([b"\"".as_slice(), body.etag.as_bytes(), b"\""].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets;
    use aqs_proxy::http::CacheResult;

    #[test]
    fn a_repeated_request_is_a_hit_without_a_future() {
        let subject = Subject::build().unwrap();
        let absent = targets::absent();
        for (target, status) in
            [(targets::DEVICES_MONTH, 200), (targets::TOP, 200), (absent.as_str(), 404)]
        {
            let first = subject.get(target);
            assert_eq!(first.status(), status, "{target}");
            let Served::Now(second) = subject.service().serve(&head(target, None)) else {
                panic!("{target} is no hit");
            };
            assert_eq!(
                (second.status(), second.cache.result),
                (status, CacheResult::Fresh),
                "{target}"
            );
        }
    }

    #[test]
    fn a_validator_is_answered_with_304() {
        let subject = Subject::build().unwrap();
        let validator = validator(&subject.get(targets::PLAIN)).unwrap();
        let head = head(targets::PLAIN, Some(&validator));
        let Served::Now(reply) = subject.service().serve(&head) else { panic!("no hit") };
        assert_eq!(reply.status(), 304);
    }
}

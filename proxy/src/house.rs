//! The whole service: all parts built, started, and drained in order.

use crate::cache::{CacheError, ResponseCache};
use crate::front::{Front, Limits};
use crate::listen::{Accepting, Bound, ListenError};
use crate::metrics::Metrics;
use crate::serve::{Listener, Service};
use aqs_api::freshness::Times;
use aqs_api::{Catalogue, CatalogueError};
use aqs_origin::store::Store;
use aqs_origin::{Clock, Origin};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// What a house is built to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where clients are served.
    pub listen: Vec<SocketAddr>,
    /// Where operators are served.
    pub admin_listen: Vec<SocketAddr>,
    /// How many bytes the response cache may hold.
    pub cache_bytes: u64,
    /// How long answers are kept.
    pub times: Times,
    /// How long a client is kept waiting for a store.
    pub answer_within: Duration,
    /// How much a connection may take.
    pub limits: Limits,
    /// How long requests in flight may take to finish at the end.
    pub drain_within: Duration,
    /// The time.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            listen: vec![local(8080)],
            admin_listen: vec![local(8081)],
            cache_bytes: 256 * 1024 * 1024,
            times: Times::default(),
            answer_within: Duration::from_secs(10),
            limits: Limits::default(),
            drain_within: Duration::from_secs(20),
            clock: Clock::System,
        }
    }
}

/// The service can't be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address can't be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The endpoints contradict each other.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The cache can't be built.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// Two metrics contradict each other.
    #[error("the metrics can't be declared: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A bound socket can't be used.
    #[error("a socket can't be used: {0}")]
    Socket(io::Error),
}

/// The bound addresses of a house that is not yet built.
#[derive(Debug)]
pub struct Sockets {
    public: Vec<Bound>,
    admin: Vec<Bound>,
}

/// A service that runs.
pub struct House {
    /// What answers.
    pub service: Arc<Service>,
    /// Where clients are served.
    pub addresses: Vec<SocketAddr>,
    /// Where operators are served.
    pub admin_addresses: Vec<SocketAddr>,
    accepting: Vec<Accepting>,
    stop_accepting: watch::Sender<bool>,
    draining: watch::Sender<bool>,
    connections: TaskTracker,
    drain_within: Duration,
}

impl House {
    /// Binds the addresses, so that a busy one ends the program before it does anything else.
    pub fn bind(settings: &Settings) -> Result<Sockets, ListenError> {
        let bind = |addresses: &[SocketAddr], flag| -> Result<Vec<Bound>, ListenError> {
            addresses.iter().map(|address| Bound::to(*address, flag)).collect()
        };
        Ok(Sockets {
            public: bind(&settings.listen, "--listen")?,
            admin: bind(&settings.admin_listen, "--admin-listen")?,
        })
    }

    /// Builds and starts everything, on the current runtime.
    pub fn start(
        sockets: Sockets,
        settings: Settings,
        catalogue: Arc<Catalogue>,
        store: Arc<dyn Store>,
    ) -> Result<Self, StartError> {
        let Sockets { public, admin } = sockets;
        let service = Arc::new(build(&settings, catalogue, store)?);

        let (draining, drain_watch) = watch::channel(false);
        let (stop_accepting, stop_watch) = watch::channel(false);
        let connections = TaskTracker::new();
        let mut accepting = Vec::new();
        let (mut addresses, mut admin_addresses) = (Vec::new(), Vec::new());
        let public = public.into_iter().map(|bound| (bound, Listener::Public));
        for (bound, listener) in
            public.chain(admin.into_iter().map(|bound| (bound, Listener::Admin)))
        {
            match listener {
                Listener::Public => addresses.push(bound.address),
                Listener::Admin => admin_addresses.push(bound.address),
            }
            let front = Arc::new(Front {
                service: Arc::clone(&service),
                listener,
                limits: settings.limits,
                draining: drain_watch.clone(),
                connections: connections.clone(),
            });
            let started = Accepting::start(bound, front, stop_watch.clone());
            accepting.push(started.map_err(StartError::Socket)?);
        }
        Ok(Self {
            service,
            addresses,
            admin_addresses,
            accepting,
            stop_accepting,
            draining,
            connections,
            drain_within: settings.drain_within,
        })
    }

    /// Ends: no more connections, requests in flight finish, idle connections are closed.
    ///
    /// `true` if every connection ended in time.
    pub async fn drain(self) -> bool {
        // From here on every reply says `Connection: close`; then accepting stops.
        self.draining.send_replace(true);
        self.stop_accepting.send_replace(true);
        for accepting in self.accepting {
            accepting.close(&self.connections).await;
        }
        self.connections.close();
        tokio::time::timeout(self.drain_within, self.connections.wait()).await.is_ok()
    }
}

fn build(
    settings: &Settings,
    catalogue: Arc<Catalogue>,
    store: Arc<dyn Store>,
) -> Result<Service, StartError> {
    let registry = prometheus::Registry::new();
    let metrics = Metrics::register(&registry, &catalogue)?;
    let origin_metrics = aqs_origin::Metrics::register(&registry)?;
    let clock = settings.clock.clone();
    let origin =
        Origin::new(Arc::clone(&catalogue), store, settings.times, clock.clone(), origin_metrics);
    Ok(Service {
        cache: ResponseCache::new(settings.cache_bytes, metrics.evictions.clone())?,
        catalogue,
        origin: Arc::new(origin),
        metrics,
        registry,
        clock,
        answer_within: settings.answer_within,
        last_request: AtomicU64::new(0),
    })
}

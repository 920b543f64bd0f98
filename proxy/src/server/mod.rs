//! The server: builds all parts, starts them, and drains them in order.

mod build;
mod drain;
mod hot_set;
mod state;

pub use build::Components;
pub use drain::{ABORT_TIMEOUT, EXIT_TIMEOUT, SHUTDOWN_TIMEOUT};
pub use state::{ADDRESS_FILE, TOKEN_FILE};

use crate::admin::{self, AdminAuth, AdminServer, TokenError};
use crate::cache::CacheError;
use crate::config::Config;
use crate::listen::{BoundListener, ListenAddr, ListenError, Listening};
use crate::log;
use crate::net::{Acceptor, Admission, HttpServer};
use crate::supervisor::Supervisor;
use aqs_api::{Catalogue, CatalogueError};
use aqs_origin::epochs::StateError;
use aqs_origin::store::Store;
use aqs_origin::stores::{RouteError, StoreName};
use aqs_origin::{Clock, RateLimiter};
use aqs_warmers::jobs::Schedule;
use build::StartParts;
use parking_lot::Mutex;
use state::AddressFile;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::{JoinError, spawn_blocking};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::dispatcher;

/// The server can't start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Routes(#[from] RouteError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("{0} bytes of memory are too few to keep answers in; give it at least 8 MiB")]
    Memory(u64),
    #[error("failed to declare the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    #[error("failed to build the server: {0}")]
    Build(#[from] JoinError),
    #[error("failed to use a bound socket: {0}")]
    Socket(io::Error),
}

/// The least memory that makes a cache.
const MIN_MEMORY: u64 = 8 << 20;

/// The bound listeners of a server that is not built yet.
#[derive(Debug)]
pub struct Sockets {
    public: Vec<BoundListener>,
    admin: Vec<BoundListener>,
}

/// What a server uses besides its configuration.
pub struct Parts {
    pub catalogue: Arc<Catalogue>,
    /// The stores, as `Config::stores` names them.
    pub stores: Vec<(StoreName, Arc<dyn Store>)>,
    pub clock: Clock,
    /// The log, if its level can be changed.
    pub log: Option<log::Handle>,
    /// What the index page says about the data.
    pub notice: Option<&'static str>,
}

impl Parts {
    /// Parts with one store, the system's clock, and without a log.
    pub fn new(name: StoreName, catalogue: Arc<Catalogue>, store: Arc<dyn Store>) -> Self {
        let stores = vec![(name, store)];
        Self { catalogue, stores, clock: Clock::System, log: None, notice: None }
    }
}

/// A running server.
pub struct Server {
    pub components: Components,
    pub addresses: Vec<SocketAddr>,
    pub admin_addresses: Vec<SocketAddr>,
    pub admin_sockets: Vec<PathBuf>,
    acceptors: Vec<Acceptor>,
    stop_accepting: DropGuard,
    draining: watch::Sender<bool>,
    admin: AdminServer,
    supervisor: Supervisor,
    end_background: DropGuard,
    end_builds: DropGuard,
    drain_delay: Duration,
    skip_drain_delay: CancellationToken,
    drain_within: Duration,
    /// Removed when the server is dropped.
    _address_file: Option<AddressFile>,
}

impl Server {
    /// Binds the listeners, so that an address in use ends the program before it does anything
    /// else. Connections are accepted once the server starts.
    pub fn bind(config: &Config) -> Result<Sockets, ListenError> {
        let public = config.public_addresses().into_iter();
        let public = public.map(|addr| BoundListener::bind(&addr.into(), "--listen"));
        let admin = config.admin.listen.iter();
        let admin = admin.map(|addr| BoundListener::bind(addr, "--admin-listen"));
        Ok(Sockets {
            public: public.collect::<Result<_, _>>()?,
            admin: admin.collect::<Result<_, _>>()?,
        })
    }

    /// Builds and starts everything, on the current runtime.
    pub async fn start(
        sockets: Sockets,
        config: &Config,
        parts: Parts,
    ) -> Result<Self, StartError> {
        let Sockets { public, admin } = sockets;
        if config.memory_bytes() < MIN_MEMORY {
            return Err(StartError::Memory(config.memory_bytes()));
        }
        let (end_background, end_builds) = (CancellationToken::new(), CancellationToken::new());
        // Background tasks end when these are dropped: with the server, or if the start fails.
        let background_guard = end_background.clone().drop_guard();
        let builds_guard = end_builds.clone().drop_guard();
        let log = parts.log.clone();
        let built = spawn_blocking({
            let (config, end_builds) = (config.clone(), end_builds.clone());
            // The caller's thread may have a log of its own.
            let dispatch = dispatcher::get_default(Clone::clone);
            move || {
                dispatcher::with_default(&dispatch, || {
                    build::components(&config, parts, end_builds)
                })
            }
        });
        let (components, StartParts { balancer, token }) = built.await??;
        let failures = components.metrics.background_task_failures.clone();
        let supervisor = Supervisor::new(components.readiness.clone(), failures);
        // First: the coverage is read through the session.
        for store in components.origin.stores().iter() {
            let store = Arc::clone(store);
            let session = move |cancel| {
                let store = Arc::clone(&store);
                async move { store.run(cancel).await }
            };
            supervisor.spawn("store session", end_background.clone(), session);
        }
        let restored = hot_set::restore(&components.jobs).await;
        let ready_alone = restored && config.hot_set.ready_alone;
        poll_coverage(&components, ready_alone, &supervisor, &end_background).await;
        supervisor.spawn("memory balancing", end_background.clone(), move |cancel| {
            Arc::clone(&balancer).run(cancel)
        });
        if !components.jobs.builder().plans().is_empty() {
            let jobs = Arc::clone(&components.jobs);
            let schedule = move |cancel| {
                Schedule::new(Arc::clone(&jobs), hot_set::SCHEDULE_INTERVAL).run(cancel)
            };
            supervisor.spawn("hot set schedule", end_builds, schedule);
        }
        if let Some(log) = log.clone() {
            let time = move |cancel: CancellationToken| {
                cancel.run_until_cancelled_owned(log.clone().expire())
            };
            supervisor.spawn("log level timer", end_background, time);
        }

        for bound in public.iter().chain(&admin) {
            bound.listen()?;
        }
        let (draining, drain_watch) = watch::channel(false);
        let server = Arc::new(HttpServer {
            service: Arc::clone(&components.service),
            budget: Arc::clone(&components.origin.budget),
            metrics: Arc::clone(&components.metrics),
            log: config.log.clone(),
            limits: config.limits,
            admission: Admission::new(config.limits.connections, &components.metrics),
            draining: drain_watch,
        });
        let stop = CancellationToken::new();
        let stop_accepting = stop.clone().drop_guard();
        let (mut addresses, mut acceptors) = (Vec::new(), Vec::new());
        for bound in public {
            if let (ListenAddr::Tcp(address), Listening::Tcp(socket)) = (bound.addr, bound.socket) {
                let (server, stop) = (Arc::clone(&server), stop.clone());
                addresses.push(address);
                acceptors.push(Acceptor::start(socket, server, &supervisor, stop));
            }
        }
        let address_file = match (admin.first(), &token) {
            (Some(first), Some(_)) => AddressFile::write(config, &first.addr),
            _ => None,
        };
        let (mut admin_addresses, mut admin_sockets) = (Vec::new(), Vec::new());
        for bound in &admin {
            match &bound.addr {
                ListenAddr::Tcp(address) => admin_addresses.push(*address),
                ListenAddr::Unix(path) => admin_sockets.push(path.clone()),
            }
        }
        let auth = AdminAuth {
            token,
            hosts: config.admin.hosts.clone(),
            open_reads: config.admin.listen.iter().all(ListenAddr::is_local),
            log_limit: RateLimiter::default(),
        };
        let app = admin::router(Arc::new(components.admin_state(auth, log)));
        let admin = AdminServer::start(admin, app, &components.metrics, &supervisor)
            .map_err(StartError::Socket)?;
        Ok(Self {
            components,
            addresses,
            admin_addresses,
            admin_sockets,
            acceptors,
            stop_accepting,
            draining,
            admin,
            supervisor,
            end_background: background_guard,
            end_builds: builds_guard,
            drain_delay: config.limits.drain_delay.unwrap_or_default(),
            skip_drain_delay: CancellationToken::new(),
            drain_within: config.limits.drain,
            _address_file: address_file,
        })
    }

    /// The tasks that run for as long as the server does, to see them end.
    pub fn background_tasks(&self) -> TaskTracker {
        self.supervisor.tasks().clone()
    }

    /// Ends the drain delay early when it is cancelled.
    pub fn skip_drain_delay(&self) -> CancellationToken {
        self.skip_drain_delay.clone()
    }
}

/// Reads the coverage of the stores, and polls it from now on. The server is not ready until the
/// coverage of each is known, unless `ready_alone` is set.
async fn poll_coverage(
    components: &Components,
    ready_alone: bool,
    supervisor: &Supervisor,
    cancel: &CancellationToken,
) {
    let stores = components.origin.stores();
    let latches = stores.iter().map(|store| {
        components.readiness.wait_for(match stores.are_several() {
            false => "what the store holds",
            true => store.name.contents(),
        })
    });
    let latches: Vec<_> = latches.collect();
    // A store that fails is polled from now on.
    let _ = components.origin.refresh_coverage().await;
    for (store, latch) in stores.iter().zip(latches) {
        let latch = (!store.is_known() && !ready_alone).then_some(latch);
        let (store, latch) = (Arc::clone(store), Arc::new(Mutex::new(latch)));
        supervisor.spawn("coverage polling", cancel.clone(), move |cancel| {
            let (store, latch) = (Arc::clone(&store), Arc::clone(&latch));
            async move {
                let release = async {
                    store.known().await;
                    drop(latch.lock().take());
                    pending().await
                };
                tokio::select! {
                    () = store.poll_coverage(cancel) => {}
                    () = release => {}
                }
            }
        });
    }
}

//! The whole service: all parts built, started, and drained in order.

use crate::accept::{Accepting, Connections};
use crate::admin::{self, AdminAuth, AdminServer, AdminState, TokenError};
use crate::build;
use crate::cache::CacheError;
use crate::config::Config;
use crate::hot_set;
use crate::listen::{BoundListener, ListenError};
use crate::listen_addr::ListenAddr;
use crate::log::{self, RateLimiter};
use crate::net::Front;
use crate::serve::Service;
use crate::state::{self, PlaceTold};
pub use crate::state::{ADDRESS_FILE, TOKEN_FILE};
use aqs_api::{Catalogue, CatalogueError};
use aqs_origin::Clock;
use aqs_origin::epochs::StateError;
use aqs_origin::store::Store;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

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
    /// The state directory can't be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The admin token can't be had.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// So little memory that nothing could be kept.
    #[error("{0} bytes of memory are too few to keep answers in; give it at least 8 MiB")]
    Memory(u64),
    /// Two metrics contradict each other.
    #[error("the metrics can't be declared: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A bound socket can't be used.
    #[error("a socket can't be used: {0}")]
    Socket(io::Error),
}

/// The bound addresses of a server that is not yet built.
#[derive(Debug)]
pub struct Sockets {
    public: Vec<BoundListener>,
    admin: Vec<BoundListener>,
}

/// What a server uses besides its configuration.
pub struct Parts {
    pub catalogue: Arc<Catalogue>,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    /// The log, if its level can be changed.
    pub log: Option<log::Handle>,
}

impl Parts {
    /// Parts with the system's clock and without a log.
    pub fn new(catalogue: Arc<Catalogue>, store: Arc<dyn Store>) -> Self {
        Self { catalogue, store, clock: Clock::System, log: None }
    }
}

/// A service that runs.
pub struct Server {
    /// What answers.
    pub service: Arc<Service>,
    /// Where clients are served.
    pub addresses: Vec<SocketAddr>,
    /// Where operators are served.
    pub admin_addresses: Vec<SocketAddr>,
    /// The socket files where operators are served.
    pub admin_sockets: Vec<PathBuf>,
    accepting: Vec<Accepting>,
    stop_accepting: watch::Sender<bool>,
    admin: AdminServer,
    draining: watch::Sender<bool>,
    background: TaskTracker,
    end_background: CancellationToken,
    end_builds: CancellationToken,
    drain_delay: Duration,
    delay_over: CancellationToken,
    drain_within: Duration,
    /// Dropped with the server: nobody is led here any more.
    _told: Option<PlaceTold>,
}

impl Server {
    /// Binds the addresses, so that a busy one ends the program before it does anything else.
    /// Connections are let in when the server starts.
    pub fn bind(config: &Config) -> Result<Sockets, ListenError> {
        let public = config.public_addresses().into_iter();
        let public = public.map(|address| BoundListener::to(&address.into(), "--listen"));
        let admin = config.admin.listen.iter();
        let admin = admin.map(|place| BoundListener::to(place, "--admin-listen"));
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
        if config.memory_bytes() < LEAST_MEMORY {
            return Err(StartError::Memory(config.memory_bytes()));
        }
        let tasks = TaskTracker::new();
        let end_builds = CancellationToken::new();
        let log = parts.log.clone();
        let built = build::service(config, parts, tasks.clone(), end_builds.clone());
        let (service, token) = built?;
        let service = Arc::new(service);
        let background = TaskTracker::new();
        let end_background = CancellationToken::new();
        background.spawn(Arc::clone(&service.origin).supervise_store(end_background.clone()));
        // Before anybody is served, and before anything is built that it might be.
        let restored = hot_set::restore(&service.jobs).await;
        // A store that can't tell yet is asked again by `poll_coverage`, which also says so.
        let unknown = service.ready.wait_for("what the store holds");
        let known = service.origin.refresh_coverage().await.is_ok();
        let can_do_without = restored && config.hot_set.ready_alone;
        let looking = Arc::clone(&service.origin).poll_coverage(end_background.clone());
        background.spawn(looking);
        let keeping_up = hot_set::keep_up(Arc::clone(&service.jobs), end_builds.clone());
        background.spawn(keeping_up);
        if known || can_do_without {
            drop(unknown);
        } else {
            let origin = Arc::clone(&service.origin);
            background.spawn(end_background.clone().run_until_cancelled_owned(async move {
                origin.known().await;
                drop(unknown);
            }));
        }
        background.spawn(Arc::clone(&service).keep_balanced(end_background.clone()));
        if let Some(log) = log.clone() {
            let keeping = end_background.clone().run_until_cancelled_owned(log.keep_time());
            background.spawn(keeping);
        }

        let (draining, drain_watch) = watch::channel(false);
        let (stop_accepting, stop_watch) = watch::channel(false);
        let mut accepting = Vec::new();
        let (mut addresses, mut admin_addresses) = (Vec::new(), Vec::new());
        let mut admin_sockets = Vec::new();
        for bound in public.iter().chain(&admin) {
            bound.listen()?;
        }
        let (limits, connections) = (config.limits, config.limits.connections);
        let front = Front::new(Arc::clone(&service), limits, connections, drain_watch);
        let front = Arc::new(front);
        for bound in public {
            if let ListenAddr::Tcp(address) = bound.place {
                addresses.push(address);
            }
            let front = Arc::clone(&front);
            let started = Accepting::start(bound, front, stop_watch.clone());
            accepting.push(started.map_err(StartError::Socket)?);
        }
        let told = match (admin.first(), &token) {
            (Some(first), Some(_)) => state::tell_place(config, &first.place),
            _ => None,
        };
        for bound in &admin {
            match &bound.place {
                ListenAddr::Tcp(address) => admin_addresses.push(*address),
                ListenAddr::Unix(path) => admin_sockets.push(path.clone()),
            }
        }
        let metrics = Arc::clone(&service);
        let state = AdminState {
            auth: AdminAuth {
                token,
                hosts: config.admin.hosts.clone(),
                open_reads: config.admin.listen.iter().all(ListenAddr::is_local),
                log_limit: RateLimiter::default(),
            },
            catalogue: Arc::clone(&service.catalogue),
            origin: Arc::clone(&service.origin),
            jobs: Arc::clone(&service.jobs),
            ready: service.ready.clone(),
            log,
            tasks: service.tasks.clone(),
            refused: service.metrics.admin_refused.clone(),
            render_metrics: Box::new(move || metrics.gathered()),
        };
        let app = admin::router(Arc::new(state));
        let admin = AdminServer::start(admin, app, &service.metrics);
        let admin = admin.map_err(StartError::Socket)?;
        Ok(Self {
            service,
            addresses,
            admin_addresses,
            admin_sockets,
            accepting,
            stop_accepting,
            draining,
            admin,
            background,
            end_background,
            end_builds,
            drain_delay: config.limits.drain_delay.unwrap_or_default(),
            delay_over: CancellationToken::new(),
            drain_within: config.limits.drain,
            _told: told,
        })
    }

    /// The tasks that run for as long as the service does, to see them end.
    pub fn background_tasks(&self) -> TaskTracker {
        self.background.clone()
    }

    /// Ends the drain delay early when it is cancelled: for whoever knows that balancers
    /// have noticed.
    pub fn delay_over(&self) -> CancellationToken {
        self.delay_over.clone()
    }

    /// Ends: readiness falls, then no more connections are taken, requests in flight finish, idle
    /// connections are closed, and the background tasks end.
    ///
    /// A request that was sent before its connection was closed or told to close is answered:
    /// an idle connection is not closed before its client had [`Limits::drain_idle`] for one more.
    /// Takes [`Limits::drain_delay`], [`Limits::drain`], [`FAREWELL`] and [`CUTTING`]
    /// at most; `true` if every connection ended in time. What did not is cut.
    ///
    /// [`Limits::drain`]: crate::net::Limits::drain
    /// [`Limits::drain_delay`]: crate::net::Limits::drain_delay
    /// [`Limits::drain_idle`]: crate::net::Limits::drain_idle
    pub async fn drain(self) -> bool {
        // Readiness falls first, so that balancers look elsewhere.
        let _draining = self.service.ready.wait_for("draining: this server is about to end");
        // What is built ahead is for those who come after us, and they can build it.
        self.end_builds.cancel();
        // From here on every reply says `Connection: close`.
        self.draining.send_replace(true);
        let delay = tokio::time::sleep(self.drain_delay);
        self.delay_over.run_until_cancelled(delay).await;
        self.stop_accepting.send_replace(true);
        let until = Instant::now() + self.drain_within;
        let mut clients = Accepting::close(self.accepting, until).await;
        let tasks = &self.service.tasks;
        let ended = timeout_at(until, async {
            Connections::end(&mut clients).await;
            // What nobody waits for any more has its own deadline, and is awaited up to ours.
            tasks.close();
            tasks.wait().await;
        });
        let in_time = ended.await.is_ok();
        Connections::cut(&mut clients);

        // All that is left has one deadline. Operators can watch until here.
        let until = Instant::now() + FAREWELL;
        self.end_background.cancel();
        self.background.close();
        let (farewell, background) =
            tokio::join!(self.admin.drain(until), timeout_at(until, self.background.wait()),);
        let cut = timeout(CUTTING, Connections::end(&mut clients));
        if cut.await.is_err() {
            tracing::warn!("a connection could not be cut and is left behind");
        }
        if background.is_err() {
            tracing::warn!("a background task did not end in time and is left behind");
        }
        in_time && farewell
    }
}

/// The least memory that makes a cache.
const LEAST_MEMORY: u64 = 8 << 20;
/// How long operators' requests in flight and the background tasks may take at the very end.
pub const FAREWELL: Duration = Duration::from_secs(2);
/// How long connections that are cut may take to notice it.
pub const CUTTING: Duration = Duration::from_millis(200);
/// How long after the drain the program has ended, as its pages tell.
pub const END: Duration = Duration::from_secs(4);

// The log's last lines come after all else; the rest is for the system.
const _: () = assert!(
    FAREWELL.as_millis() + CUTTING.as_millis() + crate::log::LAST_LINES.as_millis()
        < END.as_millis(),
    "the end takes longer than is told"
);

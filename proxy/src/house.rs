//! The whole service: all parts built, started, and drained in order.

use crate::admin::{Door, Ready, Token, TokenError};
use crate::budget;
use crate::cache::{CacheError, ResponseCache};
use crate::front::{Front, Limits};
use crate::listen::{Accepting, Bound, ListenError};
use crate::metrics::Metrics;
use crate::serve::{Complaints, KeyFlights, Listener, Service};
use crate::spellings::Spellings;
use aqs_api::freshness::Times;
use aqs_api::{Catalogue, CatalogueError};
use aqs_origin::declare::Declarations;
use aqs_origin::epochs::{Found, StateDirectory, StateError};
use aqs_origin::flights::FlightLimits;
use aqs_origin::gate::GateLimits;
use aqs_origin::memory::Budget;
use aqs_origin::store::Store;
use aqs_origin::{Clock, Epochs, Origin};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a house is built to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where clients are served.
    pub listen: Vec<SocketAddr>,
    /// Where operators are served.
    pub admin_listen: Vec<SocketAddr>,
    /// How many bytes answers may take: kept, in construction, on their way.
    pub memory_bytes: u64,
    /// Where purges are remembered over restarts.
    pub state: StatePlace,
    /// How long answers are kept.
    pub times: Times,
    /// How long a client is kept waiting for a store.
    pub answer_within: Duration,
    /// How much flights may take.
    pub flights: FlightLimits,
    /// How much the store is asked at once.
    pub gate: GateLimits,
    /// How many refreshes may run at once.
    pub refreshes: usize,
    /// How many connections clients may have; operators have some of their own.
    pub connections: usize,
    /// How much a connection may take.
    pub limits: Limits,
    /// Names beside loopback's by which writes reach the admin listener.
    pub admin_hosts: Vec<String>,
    /// How long requests in flight may take to finish at the end.
    pub drain_within: Duration,
    /// The time.
    pub clock: Clock,
}

/// Where purges are remembered over restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatePlace {
    /// Nowhere.
    Nowhere,
    /// In a directory that somebody asked for: it must be had.
    At(PathBuf),
    /// In a directory that would be good to have.
    IfPossible(PathBuf),
}

impl StatePlace {
    /// The directory that was asked for, or else one in the user's state folder.
    pub fn asked_or_default(asked: Option<&Path>) -> Self {
        if let Some(path) = asked {
            return Self::At(path.to_owned());
        }
        match directories::BaseDirs::new() {
            Some(folders) => {
                let folder = folders.state_dir().unwrap_or_else(|| folders.data_local_dir());
                Self::IfPossible(folder.join("aqs"))
            }
            None => Self::Nowhere,
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::At(path) | Self::IfPossible(path) => Some(path),
            Self::Nowhere => None,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            listen: vec![local(8080)],
            admin_listen: vec![local(8081)],
            memory_bytes: budget::default_bytes(),
            state: StatePlace::Nowhere,
            times: Times::default(),
            answer_within: Duration::from_secs(10),
            flights: FlightLimits::default(),
            gate: GateLimits::default(),
            refreshes: 16,
            connections: 20_000,
            limits: Limits::default(),
            admin_hosts: Vec::new(),
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
    admin_accepting: Vec<Accepting>,
    stop_admin: watch::Sender<bool>,
    admin_connections: TaskTracker,
    draining: watch::Sender<bool>,
    connections: TaskTracker,
    background: TaskTracker,
    end_background: CancellationToken,
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
    pub async fn start(
        sockets: Sockets,
        settings: Settings,
        catalogue: Arc<Catalogue>,
        store: Arc<dyn Store>,
    ) -> Result<Self, StartError> {
        let Sockets { public, admin } = sockets;
        if settings.memory_bytes < LEAST_MEMORY {
            return Err(StartError::Memory(settings.memory_bytes));
        }
        let tasks = TaskTracker::new();
        let service = Arc::new(build(&settings, catalogue, store, tasks.clone())?);
        // A store that can't tell yet is asked again by `keep_looking`, which also says so.
        let unknown = service.ready.wait_for("what the store holds");
        let known = service.origin.look().await.is_ok();
        let background = TaskTracker::new();
        let end_background = CancellationToken::new();
        let looking = Arc::clone(&service.origin).keep_looking(end_background.clone());
        background.spawn(looking);
        if known {
            drop(unknown);
        } else {
            let origin = Arc::clone(&service.origin);
            background.spawn(end_background.clone().run_until_cancelled_owned(async move {
                origin.known().await;
                drop(unknown);
            }));
        }
        background.spawn(Arc::clone(&service).keep_balanced(end_background.clone()));

        let (draining, drain_watch) = watch::channel(false);
        let (stop_accepting, stop_watch) = watch::channel(false);
        let (stop_admin, stop_admin_watch) = watch::channel(false);
        let (connections, admin_connections) = (TaskTracker::new(), TaskTracker::new());
        let (mut accepting, mut admin_accepting) = (Vec::new(), Vec::new());
        let (mut addresses, mut admin_addresses) = (Vec::new(), Vec::new());
        let front = |listener| {
            let (places, connections) = match listener {
                Listener::Public => (settings.connections, &connections),
                Listener::Admin => (ADMIN_CONNECTIONS, &admin_connections),
            };
            Arc::new(Front {
                service: Arc::clone(&service),
                listener,
                limits: settings.limits,
                draining: drain_watch.clone(),
                connections: connections.clone(),
                places: Arc::new(Semaphore::new(places)),
            })
        };
        for bound in public {
            addresses.push(bound.address);
            let started = Accepting::start(bound, front(Listener::Public), stop_watch.clone());
            accepting.push(started.map_err(StartError::Socket)?);
        }
        for bound in admin {
            admin_addresses.push(bound.address);
            if service.door.token.is_some() && admin_addresses.len() == 1 {
                tell_address(&settings, bound.address);
            }
            let started = Accepting::start(bound, front(Listener::Admin), stop_admin_watch.clone());
            admin_accepting.push(started.map_err(StartError::Socket)?);
        }
        Ok(Self {
            service,
            addresses,
            admin_addresses,
            accepting,
            stop_accepting,
            draining,
            admin_accepting,
            stop_admin,
            connections,
            admin_connections,
            background,
            end_background,
            drain_within: settings.drain_within,
        })
    }

    /// Ends: no more connections, requests in flight finish, idle connections are closed.
    ///
    /// `true` if every connection ended in time.
    pub async fn drain(self) -> bool {
        // Readiness falls first, so that balancers look elsewhere.
        let _draining = self.service.ready.wait_for("draining: this server is about to end");
        // From here on every reply says `Connection: close`; then accepting stops.
        self.draining.send_replace(true);
        self.stop_accepting.send_replace(true);
        for accepting in self.accepting {
            accepting.close(&self.connections).await;
        }
        self.connections.close();
        let tasks = &self.service.tasks;
        let ended = tokio::time::timeout(self.drain_within, async {
            self.connections.wait().await;
            // What nobody waits for any more has its own deadline, and is awaited up to ours.
            tasks.close();
            tasks.wait().await;
        });
        let in_time = ended.await.is_ok();
        // Operators can watch to the end.
        self.stop_admin.send_replace(true);
        for accepting in self.admin_accepting {
            accepting.close(&self.admin_connections).await;
        }
        self.admin_connections.close();
        let farewell = self.admin_connections.wait();
        let in_time = tokio::time::timeout(ADMIN_FAREWELL, farewell).await.is_ok() && in_time;
        self.end_background.cancel();
        self.background.close();
        self.background.wait().await;
        in_time
    }
}

/// The file in the state directory that tells where the admin listener is.
pub const ADDRESS_FILE: &str = "admin-address";
/// The admin token's file in the state directory.
pub const TOKEN_FILE: &str = "admin-token";
/// The least memory that makes a cache.
const LEAST_MEMORY: u64 = 8 << 20;
/// How long operators' requests in flight may take to finish at the very end.
const ADMIN_FAREWELL: Duration = Duration::from_secs(2);
/// How many connections operators may have on each listener.
const ADMIN_CONNECTIONS: usize = 100;
/// One part in so many of the budget may go to spellings.
const SPELLINGS: u64 = 64;
/// How many bodies are coded at once: serving comes first.
const CODINGS: usize = 1;

fn build(
    settings: &Settings,
    catalogue: Arc<Catalogue>,
    store: Arc<dyn Store>,
    tasks: TaskTracker,
) -> Result<Service, StartError> {
    let registry = prometheus::Registry::new();
    let mut declarations = Declarations::of(&registry);
    let metrics = Metrics::declare(&mut declarations, &catalogue)?;
    let origin_metrics = aqs_origin::Metrics::declare(&mut declarations)?;
    let clock = settings.clock.clone();
    let budget = Arc::new(Budget::new(settings.memory_bytes));
    let (epochs, token) = remember(settings)?;
    let flights = KeyFlights::new(settings.flights, tasks.clone(), origin_metrics.flights("key"));
    let origin = Origin::new(aqs_origin::Parts {
        catalogue: Arc::clone(&catalogue),
        store,
        epochs: Arc::new(epochs),
        budget: Arc::clone(&budget),
        times: settings.times,
        limits: settings.flights,
        gate: settings.gate,
        clock: clock.clone(),
        metrics: origin_metrics,
        tasks: tasks.clone(),
    });
    Ok(Service {
        cache: ResponseCache::new(budget.left_for_cache(), metrics.evictions.clone())?,
        spellings: Spellings::new(settings.memory_bytes / SPELLINGS)?,
        catalogue,
        origin: Arc::new(origin),
        flights: Arc::new(flights),
        refreshes: Arc::new(Semaphore::new(settings.refreshes)),
        codings: Arc::new(Semaphore::new(CODINGS)),
        metrics,
        door: Door {
            token,
            hosts: settings.admin_hosts.clone(),
            open_reads: settings.admin_listen.iter().all(|address| address.ip().is_loopback()),
        },
        ready: Ready::default(),
        complaints: Complaints::default(),
        registry,
        clock,
        answer_within: settings.answer_within,
        last_request: AtomicU64::new(0),
        tasks,
    })
}

/// Leaves the admin listener's address for `aqs purge` on the same machine.
fn tell_address(settings: &Settings, address: SocketAddr) {
    let Some(path) = settings.state.path() else { return };
    if let Err(error) = std::fs::write(path.join(ADDRESS_FILE), format!("{address}\n")) {
        tracing::warn!(%error, "`aqs purge` will have to be told the address");
    }
}

/// The epochs and the admin token, from the state directory if there is one.
fn remember(settings: &Settings) -> Result<(Epochs, Option<Token>), StartError> {
    let now = settings.clock.now();
    let forgetful = || (Epochs::starting_at(now.0), None);
    let (path, opened) = match &settings.state {
        StatePlace::Nowhere => return Ok(forgetful()),
        StatePlace::At(path) => (path, StateDirectory::open(path)?),
        StatePlace::IfPossible(path) => match StateDirectory::open(path) {
            Ok(opened) => (path, opened),
            Err(error) => {
                tracing::warn!(%error, "purges will be forgotten at the end, and operators can't write");
                return Ok(forgetful());
            }
        },
    };
    let (state, found) = opened;
    match &found {
        Found::Damaged(aside) => tracing::warn!(
            aside = %aside.display(),
            "the state was damaged and is set aside; nothing from before now is trusted"
        ),
        Found::Lost => tracing::warn!("the state is gone; nothing from before now is trusted"),
        Found::New | Found::Kept => {}
    }
    let token = Token::read_or_make(&path.join(TOKEN_FILE))?;
    Ok((Epochs::remembered(state, &found, now)?, Some(token)))
}

//! What a server is built to.

use crate::budget;
use crate::listen_addr::ListenAddr;
use crate::log;
use crate::log::access::AccessLog;
use crate::net::Limits;
use aqs_api::freshness::Times;
use aqs_origin::Clock;
use aqs_origin::limiter::ConcurrencyLimits;
use aqs_origin::singleflight::SingleflightLimits;
use aqs_warmers::plan::Plan;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a server is built to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where clients are served.
    pub listen: Vec<SocketAddr>,
    /// Where operators are served.
    pub admin_listen: Vec<ListenAddr>,
    /// How many bytes answers may take: kept, in construction, on their way.
    pub memory_bytes: u64,
    /// Where purges are remembered over restarts.
    pub state: StatePlace,
    /// How long answers are kept.
    pub times: Times,
    /// How long a client is kept waiting for a store.
    pub answer_within: Duration,
    /// How much flights may take.
    pub flights: SingleflightLimits,
    /// What is built ahead.
    pub hot_set: HotSetSettings,
    /// How much the store is asked at once.
    pub limiter: ConcurrencyLimits,
    /// How many refreshes may run at once.
    pub refreshes: usize,
    /// How many connections clients may have; operators have some of their own.
    pub connections: usize,
    /// How much a connection may take.
    pub limits: Limits,
    /// Names beside loopback's by which the admin listener is reached.
    pub admin_hosts: Vec<String>,
    /// What clients find beside the data.
    pub public_pages: PublicPages,
    /// How long new connections are still served at the end, so that balancers notice it.
    pub drain_delay: Duration,
    /// How long requests in flight may take to finish after that.
    pub drain_within: Duration,
    /// Which requests the log tells of.
    pub access: AccessLog,
    /// The log, if it is ours: its level can be changed.
    pub log: Option<log::Handle>,
    /// The time.
    pub clock: Clock,
}

/// What is built ahead, and how it is used.
#[derive(Clone, Debug, PartialEq)]
pub struct HotSetSettings {
    /// What is built; they were checked. Without any nothing is taken from the disk either.
    pub plans: Vec<Plan>,
    /// How long ago an answer may have been confirmed before it is stale.
    pub max_age: Duration,
    /// Whether a hot set from the disk makes the service ready while the store can't tell what it
    /// holds.
    pub ready_alone: bool,
    /// How many generations stay on the disk beside the newest.
    pub keep: usize,
    /// How builds treat the store, and what is asked of them.
    pub builds: aqs_warmers::build::Settings,
}

impl Default for HotSetSettings {
    fn default() -> Self {
        Self {
            plans: Vec::new(),
            max_age: Duration::from_secs(26 * 3600),
            ready_alone: false,
            keep: 3,
            builds: aqs_warmers::build::Settings::default(),
        }
    }
}

/// What clients find beside the data.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublicPages {
    /// Whether `/healthz` tells of the build, as in the upstream services.
    pub upstream_health: bool,
    /// Whether there are metrics.
    pub metrics: bool,
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

    /// The directory, if there is to be one.
    pub(crate) fn path(&self) -> Option<&Path> {
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
            admin_listen: vec![local(8081).into()],
            memory_bytes: budget::default_bytes(),
            state: StatePlace::Nowhere,
            times: Times::default(),
            answer_within: Duration::from_secs(10),
            flights: SingleflightLimits::default(),
            hot_set: HotSetSettings::default(),
            limiter: ConcurrencyLimits::default(),
            refreshes: 16,
            connections: 20_000,
            limits: Limits::default(),
            admin_hosts: Vec::new(),
            public_pages: PublicPages::default(),
            drain_delay: Duration::ZERO,
            drain_within: Duration::from_secs(20),
            access: AccessLog::default(),
            log: None,
            clock: Clock::System,
        }
    }
}

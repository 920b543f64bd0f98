//! The tree of all keys.

use super::hot_set::HotSet;
use super::key::keys;
use super::sections::{Admin, Freshness, Limits, Log, Singleflight, Store};
use super::units::{Count, Size, Span};
use super::upstream::{Cassandra, Druid};
use super::words::{Country, LogLevel, Url};
use crate::server::Settings;
use aqs_api::countries::ProtectedCountries;
use std::net::SocketAddr;
use std::path::PathBuf;

/// 8 MiB, below which nothing could be kept, to 1 PiB.
pub type Memory = Size<{ 8 << 20 }, { 1 << 50 }>;

keys! {
    /// All that can be configured.
    pub struct Config {
        /// Where clients are served; port 0 takes any free port. No place may be given twice, nor
        /// be that of operators.
        #[unset("127.0.0.1:8080, or what listen_address and listen_port say")]
        listen: Option<Vec<SocketAddr>> = None,
        /// Where operators are served.
        admin: Admin = Admin::default(),
        /// The store that answers come from.
        store: Store = Store::default(),
        /// The directory where purges are remembered over restarts.
        #[unset("aqs in the user's state folder, if that can be had")]
        state: Option<PathBuf> = None,
        /// How much memory answers may take: kept, in construction, on their way.
        #[unset("half of the control group's limit, else a quarter of the machine")]
        memory: Option<Memory> = None,
        /// What is logged, how, and of whom.
        log: Log = Log::default(),
        /// How long answers are kept, by kind, and how they may be used as they age.
        freshness: Freshness = Freshness::default(),
        /// How much connections may take.
        limits: Limits = Limits::default(),
        /// How much may wait for the store.
        flights: Singleflight = Singleflight::default(),
        /// Which answers are built before anybody asks, and how.
        hot_set: HotSet = HotSet::default(),
        /// How many refreshes of stale answers may run at once.
        refreshes: Count<1, 65_536> = Count::known(Settings::default().refreshes),
        /// How long a client is kept waiting for a store.
        answer_within: Span = Span(Settings::default().answer_within),
        /// Whose readers are not told apart: countries that are left out of every answer. Codes of
        /// ISO 3166, in any case.
        protected_countries: Vec<Country> = standard_countries(),
        /// Whether clients find metrics at /metrics and /admin/metrics of the public listener, as
        /// in the upstream services. Whoever reaches it can read them; they are made at most once
        /// a second.
        #[unset("true if service_name, base_uri, listen_address, listen_port or context_timeout is set, else false")]
        public_metrics: Option<bool> = None,
        /// Upstream: the name of the service.
        service_name: Option<String> = None,
        /// Upstream: the prefix of a service's routes; a missing leading slash is added. Read and
        /// not used: every endpoint is served where clients look for it, and a prefix under which
        /// there is none is warned of.
        base_uri: Option<String> = None,
        /// Upstream: the address where clients are served, if `listen` is not given: an IP
        /// address or localhost.
        listen_address: Option<String> = None,
        /// Upstream: the port where clients are served, if `listen` is not given.
        listen_port: Option<Count<0, 65_535>> = None,
        /// Upstream: how much is logged, in any case.
        #[unset("info")]
        log_level: Option<LogLevel> = None,
        /// Upstream: how many milliseconds a read of Cassandra may take.
        context_timeout: Option<Count<1, 3_600_000>> = None,
        /// Upstream: where the Data Gateway is. Read and not used yet.
        data_gateway_uri: Option<Url> = None,
        /// Upstream: where Cassandra is. With this section, answers come from there.
        cassandra: Option<Cassandra> = None,
        /// Upstream: where Druid is. Read and not used yet.
        druid: Option<Druid> = None,
    }
}

fn standard_countries() -> Vec<Country> {
    ProtectedCountries::DEFAULT.iter().map(|code| Country((*code).to_owned())).collect()
}

impl Config {
    /// The filter of the log.
    pub fn log_filter(&self) -> &str {
        self.log
            .filter
            .as_deref()
            .unwrap_or_else(|| self.log_level.unwrap_or(LogLevel::Info).filter())
    }

    /// Whether it is, or comes from, the file of an upstream service: it has a key that only
    /// they need. How much is logged and where stores are is said by other files too.
    pub fn is_upstream(&self) -> bool {
        let Self { service_name, base_uri, listen_address, listen_port, .. } = self;
        let Self { context_timeout, .. } = self;
        service_name.is_some()
            || base_uri.is_some()
            || listen_address.is_some()
            || listen_port.is_some()
            || context_timeout.is_some()
    }

    /// Whether clients find metrics.
    pub(super) fn shows_metrics(&self) -> bool {
        self.public_metrics.unwrap_or_else(|| self.is_upstream())
    }
}

//! The configuration: a file, environment variables and flags.
//!
//! [`Config`] is composed of the configuration structs of the components. Their fields, doc
//! comments and defaults are the single description of the keys: reading, the reference page and
//! the output of `check-config` derive from it. A later source overrides an earlier one: defaults,
//! file, environment, flags. Nothing is started before all of it is valid.

mod checks;
mod deserialize;
mod error;
mod load;
mod memory_limit;
pub mod reference_page;
mod routes;
#[cfg(test)]
mod tests;
mod value_tree;
mod values;
mod warnings;

pub use error::ConfigError;
pub use load::{ConfigArgs, Environment, Loaded, from_bytes, load, process_environment};
pub use memory_limit::MemoryLimit;
pub use values::{Country, StateDir};
pub use warnings::unknown_variables;

use crate::listen::ListenAddr;
use crate::log::{Ecs, Form, LogConfig, LogFormat, LogLevel};
use crate::net::Limits;
use crate::serve::PublicPages;
use aqs_api::countries::ProtectedCountries;
use aqs_api::lifetimes::Times;
use aqs_api::units::{Count, Memory, Span, non_empty};
use aqs_api::{Catalogue, Rules};
use aqs_origin::Clock;
use aqs_origin::limiter::ConcurrencyLimits;
use aqs_origin::singleflight::SingleflightLimits;
use aqs_origin::store::cassandra;
use aqs_origin::stores::StoreName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use values::SocketAddress;

/// All keys of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Public addresses. Port 0 picks a free port. They differ from each other and from those of
    /// the admin listener.
    #[serde(deserialize_with = "values::addresses")]
    #[schemars(
        with = "Option<Vec<SocketAddress>>",
        extend("unset" = "127.0.0.1:8080, or what listen_address and listen_port say")
    )]
    pub listen: Option<Vec<SocketAddr>>,
    /// The admin listener.
    pub admin: Admin,
    /// The embedded store, and the load limits of each store.
    pub store: Store,
    /// By service or dataset, the store that it is read from. A route of a dataset comes before one
    /// of its service. What is not named is read from Cassandra if there is a section cassandra,
    /// else from the embedded store.
    pub routes: BTreeMap<String, StoreName>,
    /// State directory. It keeps purges and the hot set over restarts, and the admin token.
    #[schemars(extend("unset" = "aqs in the user's state folder, if it is usable"))]
    pub state: StateDir,
    /// Memory for answers: cache, hot set, and answers being built or sent.
    #[serde(with = "Memory")]
    #[schemars(extend("unset" = "half of the control group's limit, else a quarter of the machine"))]
    pub memory: Option<u64>,
    /// The log.
    pub log: LogConfig,
    /// Lifetimes of cached answers.
    pub freshness: Times,
    /// Limits of public connections.
    pub limits: Limits,
    /// Limits of requests that wait for the same read.
    pub flights: SingleflightLimits,
    /// Answers that are built ahead of requests.
    pub hot_set: aqs_warmers::Settings,
    /// Concurrent refreshes of stale answers.
    #[serde(with = "Count::<1, 65_536>")]
    pub refreshes: usize,
    /// How long a client waits for the store.
    #[serde(with = "Span")]
    pub answer_within: Duration,
    /// Countries left out of every answer to protect their readers, as ISO 3166 codes in any case.
    pub protected_countries: Vec<Country>,
    /// Whether the public listener serves metrics at /metrics and /admin/metrics, as the upstream
    /// services do. All of its clients can read them. They are rendered at most once a second.
    #[schemars(extend(
        "unset" = "true if service_name, base_uri, listen_address, listen_port or context_timeout \
                   is set, else false"
    ))]
    pub public_metrics: Option<bool>,
    /// Upstream: the name of the service.
    pub service_name: Option<String>,
    /// Upstream: the route prefix of a service. Accepted and not used: all endpoints are served. A
    /// prefix without endpoints causes a warning.
    pub base_uri: Option<String>,
    /// Upstream: the public address without `listen`: an IP address or localhost.
    pub listen_address: Option<String>,
    /// Upstream: the public port without `listen`.
    #[serde(with = "Count::<0, 65_535>")]
    pub listen_port: Option<u16>,
    /// Upstream: the log level, in any case.
    #[schemars(extend("unset" = "info"))]
    pub log_level: Option<LogLevel>,
    /// Upstream: the deadline of a Cassandra read in milliseconds.
    #[serde(with = "Count::<1, 3_600_000>")]
    pub context_timeout: Option<u64>,
    /// Upstream: the Data Gateway. Accepted and not used.
    #[serde(deserialize_with = "non_empty")]
    pub data_gateway_uri: Option<String>,
    /// Upstream: the Cassandra cluster. If this section is present, answers come from there, except
    /// what routes says.
    // An empty section is refused when it is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cassandra: Option<cassandra::Options>,
    /// Upstream: the Druid cluster. Accepted and not used.
    pub druid: Option<Druid>,
}

/// The section `admin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Admin addresses: health, metrics, and writes with the token. Either an IP address, or unix:
    /// and the path of a socket file that only its owner can use. An empty list disables it. On an
    /// address other than loopback, reads need the token too.
    pub listen: Vec<ListenAddr>,
    /// Host names, without ports, by which the admin listener is reached, besides those of
    /// loopback. Reads are also allowed by any IP address, writes only by the listed ones.
    pub hosts: Vec<String>,
}

/// The section `store`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// Path of the embedded store, as made by `aqs load`.
    #[serde(deserialize_with = "values::path")]
    #[schemars(extend("unset" = "the bundled sample, built at the first start"))]
    pub path: Option<PathBuf>,
    /// Concurrent reads.
    #[serde(with = "Count::<1, 65_536>")]
    pub reads: usize,
    /// Reads that may wait in the queue.
    #[serde(with = "Count::<0, 1_000_000>")]
    pub queue: usize,
    /// How long a read may wait in the queue.
    #[serde(with = "Span")]
    pub wait: Duration,
    /// Deadline of a read of the embedded store, without its wait in the queue.
    #[serde(with = "Span")]
    #[schemars(extend("unset" = "flights.within"))]
    pub within: Option<Duration>,
}

/// The section `druid`, which is accepted so that files of the upstream services need no edit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Druid {
    /// Address of the broker.
    #[serde(deserialize_with = "non_empty")]
    pub host: Option<String>,
    /// Port of the broker.
    #[serde(with = "Count::<1, 65_535>")]
    pub port: Option<u16>,
    /// Data source.
    pub datasource: Option<String>,
    /// Credentials.
    #[serde(deserialize_with = "cassandra::credentials")]
    pub authentication: Option<cassandra::Credentials>,
    /// TLS.
    pub tls: DruidTls,
}

/// The section `druid.tls`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DruidTls {
    /// File with the certificates of the authority.
    #[serde(deserialize_with = "non_empty")]
    pub ca: Option<PathBuf>,
}

const ADMIN_PORT: u16 = 8081;
const PUBLIC_PORT: u16 = 8080;
const LOCALHOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

impl Default for Config {
    fn default() -> Self {
        let countries = ProtectedCountries::DEFAULT.iter();
        Self {
            listen: None,
            admin: Admin::default(),
            store: Store::default(),
            routes: BTreeMap::new(),
            state: StateDir::default(),
            memory: None,
            log: LogConfig::default(),
            freshness: Times::default(),
            limits: Limits::default(),
            flights: SingleflightLimits::default(),
            hot_set: aqs_warmers::Settings::default(),
            refreshes: 16,
            answer_within: Duration::from_secs(10),
            protected_countries: countries.map(|code| Country((*code).to_owned())).collect(),
            public_metrics: None,
            service_name: None,
            base_uri: None,
            listen_address: None,
            listen_port: None,
            log_level: None,
            context_timeout: None,
            data_gateway_uri: None,
            cassandra: None,
            druid: None,
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: vec![SocketAddr::new(LOCALHOST, ADMIN_PORT).into()], hosts: Vec::new() }
    }
}

impl Default for Store {
    fn default() -> Self {
        let ConcurrencyLimits { reads, queue, wait } = ConcurrencyLimits::default();
        Self { path: None, reads, queue, wait, within: None }
    }
}

impl Store {
    pub fn limits(&self) -> ConcurrencyLimits {
        ConcurrencyLimits { reads: self.reads, queue: self.queue, wait: self.wait }
    }
}

impl Config {
    /// The public addresses: `listen`, or what the upstream keys say.
    pub fn public_addresses(&self) -> Vec<SocketAddr> {
        if let Some(addresses) = &self.listen {
            return addresses.clone();
        }
        let address = self.listen_address.as_deref().and_then(values::ip).unwrap_or(LOCALHOST);
        vec![SocketAddr::new(address, self.listen_port.unwrap_or(PUBLIC_PORT))]
    }

    /// The memory for answers in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.memory.unwrap_or_else(|| MemoryLimit::find().default_memory())
    }

    /// What the public listener serves besides the API.
    pub fn public_pages(&self) -> PublicPages {
        PublicPages {
            upstream_health: self.is_upstream(),
            metrics: self.public_metrics.unwrap_or_else(|| self.is_upstream()),
        }
    }

    /// Whether it comes from the file of an upstream service: it has a key that only those need.
    /// The log level and the stores do not count.
    pub fn is_upstream(&self) -> bool {
        self.service_name.is_some()
            || self.base_uri.is_some()
            || self.listen_address.is_some()
            || self.listen_port.is_some()
            || self.context_timeout.is_some()
    }

    /// The filter of the log.
    pub fn log_filter(&self) -> &str {
        let level = || self.log_level.unwrap_or(LogLevel::Info).filter();
        self.log.filter.as_ref().map_or_else(level, |filter| filter.as_str())
    }

    /// The format of the log; `terminal` says whether standard output is one.
    pub fn log_form(&self, terminal: bool) -> Form {
        let service = self.service_name().to_owned();
        let ecs = Form::Ecs(Ecs { service, clock: Clock::System });
        match self.log.format {
            LogFormat::Ecs => ecs,
            LogFormat::Auto if self.is_upstream() && !terminal => ecs,
            LogFormat::Auto | LogFormat::Readable => Form::Readable,
        }
    }

    /// The name of the service in the log.
    pub fn service_name(&self) -> &str {
        self.service_name.as_deref().unwrap_or("aqs")
    }

    /// The rules by which answers are made.
    pub fn rules(&self) -> Rules {
        let codes = self.protected_countries.iter().map(|country| country.0.as_str());
        Rules { protected: ProtectedCountries::new(codes) }
    }

    /// The configuration with keys filled in that depend on the machine and on other keys.
    pub fn effective(&self) -> Self {
        let mut config = self.clone();
        config.listen = Some(self.public_addresses());
        config.memory = Some(self.memory_bytes());
        config.state =
            self.state.path().map_or(StateDir::Nowhere, |path| StateDir::At(path.to_owned()));
        if let Ok(catalogue) = Catalogue::standard()
            && let stores = self.stores(&catalogue)
            && stores.len() > 1
        {
            let routes = stores.into_iter().flat_map(|(store, datasets)| {
                datasets.into_iter().map(move |dataset| (dataset.name.to_owned(), store))
            });
            config.routes = routes.collect();
        }
        config.public_metrics = Some(self.public_pages().metrics);
        config.log.filter = self.log_filter().parse().ok();
        config.base_uri = self.base_uri.as_deref().map(values::rooted);
        config
    }

    /// The configuration as YAML, with secrets as `***`.
    pub fn to_yaml(&self) -> Result<String, impl std::error::Error + use<>> {
        serde_saphyr::to_string(self)
    }

    /// Checks that the files named by the configuration are usable.
    pub fn check_files(&self) -> Result<(), ConfigError> {
        let Some(cassandra) = &self.cassandra else { return Ok(()) };
        cassandra.check().map_err(|error| {
            let key = if matches!(error, cassandra::CaError::Name(_)) { "hosts" } else { "tls.ca" };
            ConfigError::at_key(&format!("cassandra.{key}"), &error)
        })
    }
}

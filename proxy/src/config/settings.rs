//! From the configuration to what is built by it.

use super::checks;
use super::sections::Log;
use super::tree::{Config, Memory};
use super::words::{Access, LogFormat, LoggedAddress};
use crate::log::access::{AccessLog, Mode};
use crate::log::client::ClientAddress;
use crate::log::{Ecs, Form};
use crate::net::Limits;
use crate::server::{PublicPages, Settings, StatePlace};
use aqs_api::countries::ProtectedCountries;
use aqs_api::endpoint::Rules;
use aqs_api::freshness::Times;
use aqs_origin::Clock;
use aqs_origin::limiter::ConcurrencyLimits;
use aqs_origin::singleflight::SingleflightLimits;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

impl Config {
    /// What the server is built to.
    pub fn settings(&self) -> Settings {
        let defaults = Settings::default();
        let (limits, flights) = (&self.limits, &self.flights);
        Settings {
            listen: self.public_addresses(),
            admin_listen: self.admin.listen.clone(),
            admin_hosts: self.admin.hosts.clone(),
            memory_bytes: self.memory.map_or(defaults.memory_bytes, Memory::bytes),
            state: StatePlace::asked_or_default(self.state.as_deref()),
            times: Times {
                data: (&self.freshness.data).into(),
                no_data: (&self.freshness.no_data).into(),
            },
            answer_within: self.answer_within.0,
            flights: SingleflightLimits {
                waiters_per_flight: flights.waiters_per_flight.length(),
                waiters: flights.waiters.length(),
                flights: flights.flights.length(),
                timeout: flights.within.0,
            },
            limiter: ConcurrencyLimits {
                reads: self.store.reads.length(),
                queue: self.store.queue.length(),
                wait: self.store.wait.0,
            },
            hot_set: self.hot_set.settings(),
            refreshes: self.refreshes.length(),
            connections: limits.connections.length(),
            limits: Limits {
                head: limits.head.0,
                idle: limits.idle.0,
                drain_idle: limits.drain_idle.0.min(limits.drain.0 / 2),
                write: limits.write.0,
                linger: limits.linger.0,
                request_line: limits.request_line.length(),
                head_bytes: limits.head_bytes.length(),
                header_lines: limits.header_lines.length(),
                body_bytes: limits.body_bytes.length(),
                requests: limits.requests_per_connection.get(),
            },
            drain_delay: limits.drain_delay.map_or(defaults.drain_delay, |delay| delay.0),
            drain_within: limits.drain.0,
            access: self.access_log(),
            public_pages: PublicPages {
                upstream_health: self.is_upstream(),
                metrics: self.shows_metrics(),
            },
            ..defaults
        }
    }

    /// How the log's lines look; `watched` says whether standard output is a terminal.
    pub fn log_form(&self, watched: bool) -> Form {
        let service = self.service_name().to_owned();
        let ecs = Form::Ecs(Ecs { service, clock: Clock::System });
        match self.log.format {
            LogFormat::Ecs => ecs,
            // Who runs an upstream service has its log collected, unless looking on.
            LogFormat::Auto if self.is_upstream() && !watched => ecs,
            LogFormat::Auto | LogFormat::Readable => Form::Readable,
        }
    }

    /// What the log calls us.
    pub fn service_name(&self) -> &str {
        self.service_name.as_deref().unwrap_or(SERVICE)
    }

    fn access_log(&self) -> AccessLog {
        let log = &self.log;
        AccessLog {
            mode: match log.access {
                Access::Off => Mode::Off,
                Access::Sampled => Mode::Sampled(log.sample.get()),
                Access::Full => Mode::Full,
            },
            slow: log.slow.0,
            client: match log.client_address {
                LoggedAddress::None => ClientAddress::None,
                LoggedAddress::Peer => ClientAddress::Peer,
                LoggedAddress::Forwarded => ClientAddress::Forwarded(
                    log.trusted_proxies.iter().map(|network| network.0).collect(),
                ),
            },
        }
    }

    /// What answers are made by.
    pub fn rules(&self) -> Rules {
        let codes = self.protected_countries.iter().map(|country| country.code());
        Rules { protected: ProtectedCountries::new(codes) }
    }

    /// The same with what depends on the machine and on other keys filled in.
    pub fn effective(&self) -> Self {
        let settings = self.settings();
        let state = match settings.state {
            StatePlace::Nowhere => None,
            StatePlace::At(path) | StatePlace::IfPossible(path) => Some(path),
        };
        Self {
            listen: Some(settings.listen),
            memory: Memory::new(settings.memory_bytes).ok(),
            state,
            public_metrics: Some(self.shows_metrics()),
            log: Log { filter: Some(self.log_filter().to_owned()), ..self.log.clone() },
            base_uri: self.base_uri.as_deref().map(rooted),
            ..self.clone()
        }
    }

    /// `listen`, or else what upstream's two keys say together.
    pub(super) fn public_addresses(&self) -> Vec<SocketAddr> {
        if let Some(addresses) = &self.listen {
            return addresses.clone();
        }
        if self.listen_address.is_none() && self.listen_port.is_none() {
            return Settings::default().listen;
        }
        let address = self.listen_address.as_deref().and_then(checks::ip);
        let port = self.listen_port.and_then(|port| u16::try_from(port.get()).ok());
        let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        vec![SocketAddr::new(address, port.unwrap_or(UPSTREAM_PORT))]
    }
}

/// What the log calls us if nobody says.
const SERVICE: &str = "aqs";

/// Where upstream's services listen if nobody says.
const UPSTREAM_PORT: u16 = 8080;

/// With the leading slash that upstream's services add.
pub(super) fn rooted(prefix: &str) -> String {
    format!("/{}", prefix.strip_prefix('/').unwrap_or(prefix))
}

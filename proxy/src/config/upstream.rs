//! The sections of the upstream services, understood so that their files need no edit.

use super::key::keys;
use super::units::Count;
use super::words::{Consistency, Secret, Url};
use std::path::PathBuf;

/// A port of another machine.
pub type Port = Count<1, 65_535>;

keys! {
    /// Where Cassandra is.
    pub struct Cassandra {
        /// Its port.
        port: Port = Count::known(9042),
        /// How many replicas must answer, in any case.
        consistency: Consistency = Consistency::Quorum,
        /// Its hosts.
        hosts: Vec<String> = vec!["localhost".to_owned()],
        /// The data centre whose hosts are asked.
        local_dc: Option<String> = None,
        /// The table of the services' own configuration.
        config_table: Option<String> = None,
        /// Who we are to it.
        authentication: Authentication = Authentication::default(),
        /// How it is known to be itself.
        tls: Tls = Tls::default(),
    }
}

keys! {
    /// Where Druid is.
    pub struct Druid {
        /// Its broker's address, with its scheme and without its port.
        host: Option<Url> = None,
        /// Its broker's port.
        port: Option<Port> = None,
        /// The data source that is asked.
        datasource: Option<String> = None,
        /// Who we are to it.
        authentication: Authentication = Authentication::default(),
        /// How it is known to be itself.
        tls: Tls = Tls::default(),
    }
}

keys! {
    /// Who we are to a store.
    pub struct Authentication {
        /// The name.
        username: Option<String> = None,
        /// The password, never printed.
        password: Option<Secret> = None,
    }
}

keys! {
    /// How a store is known to be itself.
    pub struct Tls {
        /// The file of the certificate authority.
        ca: Option<PathBuf> = None,
    }
}

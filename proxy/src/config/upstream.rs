//! The sections of the upstream services, understood so that their files need no edit.

use super::key::keys;
use super::units::{Count, OrOff, Span};
use super::words::{Compression, Consistency, Periods, Secret, Url};
use aqs_origin::store::cassandra::Options;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A port of another machine.
pub type Port = Count<1, 65_535>;

keys! {
    /// Where Cassandra is, and how it is read.
    pub struct Cassandra {
        /// Its port.
        port: Port = Count::known(9042),
        /// How many replicas must answer, in any case.
        consistency: Consistency = Consistency::Quorum,
        /// Its hosts to begin with: names or addresses, also with a port.
        hosts: Vec<String> = vec!["localhost".to_owned()],
        /// The data centre whose hosts are asked; those of others if none of them answers.
        local_dc: Option<String> = None,
        /// The table of the services' own configuration. Read and not used yet.
        config_table: Option<String> = None,
        /// Who we are to it.
        authentication: Authentication = Authentication::default(),
        /// How it is known to be itself.
        tls: CassandraTls = CassandraTls::default(),
        /// How long a read may take, with all its pages, retries and hosts.
        #[unset("what context_timeout says, else 5s")]
        read_within: Option<Span> = None,
        /// How long a node may take to answer before another one is asked as well; at most a
        /// quarter of the time that a read may take.
        speculative_after: OrOff = OrOff(Options::default().speculative_after.map(Span)),
        /// What packs the frames of connections.
        compression: Compression = Compression::None,
        /// How often idle connections are tried, and how soon they must answer then.
        keep_alive: OrOff = OrOff(Options::default().keep_alive.map(Span)),
        /// Tables that are not there yet: they are empty until they come.
        absent: Vec<String> = Vec::new(),
        /// How often it is looked how far the data reach.
        probe_every: Span = Span(Options::default().probe_every),
        /// By dataset, the partition that tells how far its data reach: its key up to the date.
        probes: BTreeMap<String, Vec<String>> = BTreeMap::new(),
        /// By dataset, how far its data reach, where that is known. With both ends lookups are
        /// cut by it, and newer data are not found before it is changed; with the oldest period
        /// alone the newest is looked for, and nothing is cut.
        extents: BTreeMap<String, Periods> = BTreeMap::new(),
    }
}

keys! {
    /// How Cassandra is known to be itself.
    pub struct CassandraTls {
        /// The file of the certificate authority; with it, TLS is spoken.
        ca: Option<PathBuf> = None,
        /// Whether a node's certificate must name the node's address or one of cassandra.hosts.
        /// Off, any name is accepted, as upstream's services do.
        check_names: bool = Options::default().check_names,
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

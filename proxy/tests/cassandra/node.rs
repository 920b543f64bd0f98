//! The node of the environment, and a session that is independent of the program.

use crate::rows::{create_tables, empty};
use crate::support::catalogue;
use aqs_origin::store::cassandra::{Consistency, Credentials, Options, Tls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use std::env::var;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// Tests take turns with the tables of a node.
static TABLES: Mutex<()> = Mutex::const_new(());

/// A node for the exclusive use of one test.
pub(crate) struct Node {
    pub(crate) address: String,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) credentials: Option<Credentials>,
    _lock: MutexGuard<'static, ()>,
}

impl Node {
    /// The node of the environment.
    pub(crate) async fn from_env() -> Self {
        let address = var("AQS_TEST_CASSANDRA").unwrap_or_else(|_| {
            panic!(
                "this test asks a real Cassandra; run .ci/cassandra, or start one with \
                 config/testenv/cassandra/up and name it: AQS_TEST_CASSANDRA=127.0.0.1:9042 \
                 (what is in its tables will be removed)"
            )
        });
        let user = var("AQS_TEST_CASSANDRA_USER").ok();
        let credentials = user.map(|username| Credentials {
            username,
            password: var("AQS_TEST_CASSANDRA_PASSWORD").unwrap_or_default(),
        });
        let ca = var("AQS_TEST_CASSANDRA_CA").ok().map(PathBuf::from);
        Self { ca, credentials, ..Self::at(address).await }
    }

    /// A node without passwords and TLS.
    pub(crate) async fn at(address: String) -> Self {
        Self { address, ca: None, credentials: None, _lock: TABLES.lock().await }
    }

    /// The store's options for it.
    pub(crate) fn options(&self) -> Options {
        Options {
            hosts: vec![self.address.clone()],
            local_dc: Some("datacenter1".to_owned()),
            consistency: Consistency::LocalQuorum,
            credentials: self.credentials.clone(),
            tls: Tls { ca: self.ca.clone(), ..Tls::default() },
            // A node on a busy machine is slow; that is not tested.
            read_within: Duration::from_secs(60),
            ..Options::default()
        }
    }

    pub(crate) async fn session(&self) -> Session {
        let mut builder = SessionBuilder::new().known_node(&self.address);
        if let Some(Credentials { username, password }) = &self.credentials {
            builder = builder.user(username, password);
        }
        builder.tls_context(self.ca.as_deref().map(tls_config)).build().await.unwrap()
    }

    /// A session with it, with all tables created and empty.
    pub(crate) async fn with_empty_tables(&self) -> Session {
        let session = self.session().await;
        create_tables(&session, &catalogue(), 1).await;
        empty(&session, &catalogue()).await;
        session
    }

    /// Host and port.
    pub(crate) fn host_and_port(&self) -> (&str, &str) {
        self.address.rsplit_once(':').expect("AQS_TEST_CASSANDRA is host:port")
    }
}

fn tls_config(ca: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

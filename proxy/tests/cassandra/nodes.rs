//! A cluster of three nodes, and the scripts that stop and stall them.

use crate::load::{FIRST, PROJECTS};
use crate::node::Node;
use crate::rows::{create_tables, empty, insert};
use crate::support::catalogue;
use aqs_api::tables::UNIQUE_DEVICES;
use aqs_origin::store::cassandra::{Consistency, Options};
use jiff::ToSpan;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The days of each project, from the first on.
pub(crate) const DAYS: u32 = 28;

/// Three nodes for the exclusive use of one test.
pub(crate) struct Nodes {
    data: PathBuf,
    port: u16,
    _lock: Node,
}

impl Nodes {
    /// The cluster of the environment with all nodes up, and rows for load.
    pub(crate) async fn from_env() -> Self {
        let data = std::env::var("AQS_TEST_CASSANDRA_CLUSTER").unwrap_or_else(|_| {
            panic!(
                "this test stops and stalls the nodes of a Cassandra cluster; run .ci/cassandra \
                 cluster, or start one with config/testenv/cassandra/up --nodes 3 --data DIR and \
                 name its folder: AQS_TEST_CASSANDRA_CLUSTER=DIR (what is in its tables will be \
                 removed)"
            )
        });
        let data = PathBuf::from(data);
        let settings = std::fs::read_to_string(data.join("settings")).unwrap();
        let setting = |name: &str| {
            settings.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).unwrap()
        };
        assert_eq!(setting("nodes"), "3");
        let port = setting("port").parse().unwrap();
        let lock = Node::at(format!("127.0.0.1:{port}")).await;
        let nodes = Self { data, port, _lock: lock };
        // An earlier test may have left nodes down.
        nodes.script("up", &[]).await;
        nodes.fill().await;
        nodes
    }

    pub(crate) fn options(&self) -> Options {
        let host = |number| format!("127.0.0.{number}");
        Options {
            hosts: (1..=3).map(host).collect(),
            port: self.port,
            local_dc: Some("datacenter1".to_owned()),
            consistency: Consistency::LocalQuorum,
            ..Options::default()
        }
    }

    /// Runs a script of the test environment with this cluster.
    pub(crate) async fn script(&self, name: &str, arguments: &[&str]) {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/testenv/cassandra");
        let mut command = Command::new(scripts.join(name));
        command.arg("--data").arg(&self.data).args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let output_text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} {arguments:?}: {output_text}");
    }

    async fn fill(&self) {
        let session = self._lock.session().await;
        create_tables(&session, &catalogue(), 3).await;
        empty(&session, &catalogue()).await;
        for project in 0..PROJECTS {
            for day in 0..DAYS {
                let row = format!(
                    r#"{{"project":"p{project}.wikipedia","access-site":"all-sites","granularity":"daily","timestamp":"{}","devices":{day},"offset":1,"underestimate":2}}"#,
                    (FIRST + i64::from(day).days()).strftime("%Y%m%d")
                );
                insert(&session, &UNIQUE_DEVICES, &row).await;
            }
        }
    }
}

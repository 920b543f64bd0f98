//! The environment of the program's commands for Cassandra.

use crate::node::Node;
use aqs_origin::store::cassandra::Credentials;
use scylla::client::session::Session;
use scylla::deserialize::row::DeserializeRow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A home folder with a configuration for the node, and a directory to load.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new(node: &Node) -> Self {
        let mut config = String::new();
        if let Some(Credentials { username, password }) = &node.credentials {
            config +=
                &format!("  authentication: {{username: {username}, password: {password}}}\n");
        }
        if let Some(ca) = &node.ca {
            config += &format!("  tls: {{ca: {}}}\n", ca.display());
        }
        Self::with(&node.address, &config)
    }

    /// One for an address that forwards to a node.
    pub(crate) fn at(address: &str) -> Self {
        Self::with(address, "")
    }

    fn with(address: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (host, port) = address.rsplit_once(':').unwrap();
        let config = format!(
            "cassandra:\n  hosts: [{host}]\n  port: {port}\n  local_dc: datacenter1\n  \
             consistency: localQuorum\n{more}"
        );
        std::fs::write(folder.path().join("aqs.yaml"), config).unwrap();
        std::fs::create_dir(folder.path().join("rows")).unwrap();
        Self { folder }
    }

    pub(crate) fn rows(&self) -> PathBuf {
        self.folder.path().join("rows")
    }

    pub(crate) fn put(&self, table: &str, rows: &str) {
        std::fs::write(self.rows().join(format!("{table}.ndjson")), rows).unwrap();
    }

    /// The program with these arguments, on this node.
    pub(crate) fn aqs(&self, words: &[&str]) -> Command {
        let home = self.folder.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_aqs"));
        for name in ["CONFIG", "LISTEN", "STORE", "STATE", "MEMORY", "LOG"] {
            command.env_remove(format!("AQS_{name}"));
        }
        command.env_remove("CASSANDRA_USERNAME").env_remove("CASSANDRA_PASSWORD");
        command.env("HOME", home).env("XDG_STATE_HOME", home.join("state"));
        command.args(words).arg("--config").arg(home.join("aqs.yaml"));
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn schema(&self, words: &[&str]) -> Output {
        self.aqs(&["schema", "--apply"]).args(words).output().unwrap()
    }

    pub(crate) fn loading(&self, rows: &Path) -> Command {
        let mut command = self.aqs(&["load", "--to", "cassandra"]);
        command.arg(rows);
        command
    }

    pub(crate) fn load(&self) -> Output {
        self.loading(&self.rows()).output().unwrap()
    }
}

pub(crate) fn output_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[track_caller]
pub(crate) fn assert_success(output: &Output) -> String {
    assert!(output.status.success(), "{}", output_text(output));
    output_text(output)
}

pub(crate) async fn select<R>(session: &Session, statement: &str) -> Vec<R>
where
    R: for<'frame, 'metadata> DeserializeRow<'frame, 'metadata>,
{
    let rows = session.query_unpaged(statement, ()).await.unwrap().into_rows_result().unwrap();
    rows.rows::<R>().unwrap().map(Result::unwrap).collect()
}

/// A node with empty tables.
pub(crate) async fn with_empty_tables() -> (Node, Session, Home) {
    let node = Node::from_env().await;
    let session = node.with_empty_tables().await;
    let home = Home::new(&node);
    (node, session, home)
}

/// A line of unique devices: its key, and the rest of the row.
pub(crate) fn device(timestamp: &str, rest: &str) -> String {
    format!(
        r#"{{"project":"en.wikipedia","access-site":"all-sites","granularity":"daily","timestamp":"{timestamp}"{rest}}}"#
    ) + "\n"
}

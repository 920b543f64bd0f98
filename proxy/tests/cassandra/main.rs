//! The service over a real Cassandra. `.ci/cassandra` starts nodes and runs all of this; by hand:
//!
//! ```text
//! config/testenv/cassandra/up --port 19042 --data /tmp/aqs-test
//! AQS_TEST_CASSANDRA=127.0.0.1:19042 cargo test -p aqs-proxy --test cassandra -- --ignored \
//!     --skip secured:: --skip cluster::
//! config/testenv/cassandra/down --data /tmp/aqs-test --wipe
//! ```
//!
//! The content of the tables of that Cassandra is removed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end where it fails"
)]

mod cluster;
mod faults;
mod home;
mod hot_set;
mod interruptions;
mod load;
mod loading;
mod node;
mod nodes;
mod plain;
mod relay;
mod rows;
mod schema;
mod secured;
mod service;
mod store;
#[allow(dead_code, reason = "shared with the tests that need no Cassandra")]
#[path = "../service/support/mod.rs"]
mod support;
#[path = "../../../origin/tests/embedded_store/typed_catalogue.rs"]
mod typed_catalogue;
mod typed_tables;

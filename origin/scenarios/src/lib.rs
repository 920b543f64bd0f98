//! Scenarios: requests, the exact responses to them, and the rows of the store that they are made
//! to.
//!
//! `topics` has a folder for each subject. Its YAML files hold the scenarios; `rows` has the rows of
//! all of them, which are loaded as `aqs load` does; `broken_rows` has rows that the loader refuses,
//! but that a store may hold. The test of this crate answers them from the embedded
//! store, without HTTP. The tests of the proxy send them over a socket, to every store.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use it, which fail by a panic"
)]

mod scenario;
mod topic;

pub use scenario::{Outcome, Scenario};
pub use topic::{Topic, load_rows, rows, topics, topics_in};

//! The whole service, started in-process on free ports and asked over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end where it fails"
)]

mod admin;
mod admin_hot_set;
mod admin_socket;
mod any_target;
mod coalescing;
mod connections;
mod counting;
mod drain;
mod endings;
mod forms;
mod hostile;
mod hot_set;
mod keeping;
mod logs;
mod scenarios;
mod staleness;
mod support;
mod upstream;
mod wrong_parameters;

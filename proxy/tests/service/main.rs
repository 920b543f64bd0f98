//! The whole service, started in-process on free ports, over real sockets.

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
mod background_tasks;
mod closed_connections;
mod coalescing;
mod connections;
mod datasets;
mod dialects;
mod drain;
mod framing;
mod hostile;
mod hot_set;
mod logs;
mod read_metrics;
mod representations;
mod scenarios;
mod staleness;
mod start;
mod stores;
mod support;
mod upstream;
mod wrong_parameters;

//! The whole service, started in-process on free ports and asked over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end where it fails"
)]

mod admin;
mod any_target;
mod coalescing;
mod connections;
mod forms;
mod hostile;
mod scenarios;
mod staleness;
mod support;
mod wrong_parameters;

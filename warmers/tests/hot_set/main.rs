//! The hot set, from plans over an embedded store to what is served.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end where it fails"
)]

mod batch;
mod building;
mod faults;
mod jobs;
mod restart;
mod schedule;
mod support;

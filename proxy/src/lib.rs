//! The proxy of `aqs`: listeners, response cache, metrics and the command line.
//!
//! From bottom to top: [`http`] holds plain types, [`cache`] the entries, [`serve`] turns a request
//! head into a reply, [`net`] turns bytes into heads and replies into bytes, [`admin`] is the API for
//! operators, [`server`] builds, starts and drains all of it. A module uses only those below it.

// They panic if their stream is closed: see `commands::output`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod admin;
pub mod build_info;
pub mod cache;
pub mod cli;
pub mod commands;
pub mod config;
pub mod fd_limit;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod http;
pub mod listen;
pub mod log;
pub mod metrics;
pub mod net;
pub mod readiness;
mod request_metrics;
pub mod serve;
pub mod server;
pub mod signals;
pub mod supervisor;

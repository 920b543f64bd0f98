//! The front of `aqs`: listeners, response cache, metrics and the command line.
//!
//! [`front`] turns bytes into heads and replies into bytes, [`serve`] turns a head into a reply,
//! [`server`] builds all parts and starts and drains them.

pub mod accept;
pub mod admin;
pub mod aliases;
mod answered;
pub mod banner;
pub mod budget;
mod build;
pub mod build_info;
pub mod cache;
pub mod cli;
pub mod commands;
pub mod config;
pub mod descriptors;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod hot_set;
mod last_call;
pub mod listen;
pub mod listen_addr;
pub mod log;
pub mod metrics;
pub mod net;
pub mod serve;
pub mod server;
pub mod signals;
mod socket;
mod socket_file;
mod state;

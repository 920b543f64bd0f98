//! The configuration of test servers. Tests of other crates use this file too.

use aqs_proxy::config::{Admin, Config, StateDir};
use std::net::SocketAddr;

/// A configuration for a server on free ports, without state and built-in plans.
pub(crate) fn config() -> Config {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = Config {
        listen: Some(vec![free]),
        admin: Admin { listen: vec![free.into()], ..Admin::default() },
        state: StateDir::Nowhere,
        ..Config::default()
    };
    config.hot_set.built_in.clear();
    config
}

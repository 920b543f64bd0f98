//! The log.

use super::*;
use crate::log::{AccessMode, ClientAddress, Form};
use std::time::Duration;

fn service(file: &str, watched: bool) -> Option<String> {
    match loaded(file, &[], "").unwrap().config.log_form(watched) {
        Form::Readable => None,
        Form::Ecs(ecs) => Some(ecs.service),
    }
}

#[test]
fn the_format_depends_on_keys_and_terminal() {
    let ecs = |service: &str| Some(service.to_owned());
    for (file, watched, expected) in [
        ("", false, None),
        ("", true, None),
        ("service_name: device-analytics", false, ecs("device-analytics")),
        ("service_name: device-analytics", true, None),
        ("listen_port: 80", false, ecs("aqs")),
        ("log: {format: ecs}", true, ecs("aqs")),
        ("log: {format: readable}\nservice_name: device-analytics", false, None),
    ] {
        assert_eq!(service(file, watched), expected, "{file} {watched}");
    }
}

#[test]
fn access_lines_are_configured() {
    let access = |file: &str| loaded(file, &[], "").unwrap().config.log;
    assert_eq!(access("").access, AccessMode::Off);
    assert_eq!(access("log: {access: off, slow: 3s}").slow, Duration::from_secs(3));
    assert_eq!(access("log: {access: Full}").access, AccessMode::Full);
    let sampled = |file: &str| (access(file).access, access(file).sample);
    assert_eq!(sampled("log: {access: sampled}"), (AccessMode::Sampled, 100));
    assert_eq!(sampled("log: {access: sampled, sample: 7}"), (AccessMode::Sampled, 7));
    assert_eq!(access("").client_address, ClientAddress::None);
    assert_eq!(access("log: {client_address: peer}").client_address, ClientAddress::Peer);
    let log = access("log: {client_address: forwarded, trusted_proxies: [10.0.0.0/8, '::1']}");
    let nets = ["10.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap());
    assert_eq!((log.client_address, log.trusted_proxies), (ClientAddress::Forwarded, nets.into()));
}

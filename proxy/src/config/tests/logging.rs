//! What the log is configured to.

use super::*;
use crate::log::Form;
use crate::log::access::Mode;
use crate::log::client::ClientAddress;
use std::time::Duration;

fn service(file: &str, watched: bool) -> Option<String> {
    match loaded(file, &[], "").unwrap().config.log_form(watched) {
        Form::Readable => None,
        Form::Ecs(ecs) => Some(ecs.service),
    }
}

#[test]
fn lines_suit_who_reads_them() {
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
fn access_lines_are_as_the_section_says() {
    let access = |file: &str| loaded(file, &[], "").unwrap().config.settings().access;
    assert_eq!(access("").mode, Mode::Off);
    assert_eq!(access("log: {access: off, slow: 3s}").slow, Duration::from_secs(3));
    assert_eq!(access("log: {access: Full}").mode, Mode::Full);
    assert_eq!(access("log: {access: sampled}").mode, Mode::Sampled(100));
    assert_eq!(access("log: {access: sampled, sample: 7}").mode, Mode::Sampled(7));
    assert_eq!(access("").client, ClientAddress::None);
    assert_eq!(access("log: {client_address: peer}").client, ClientAddress::Peer);
    let trusted =
        access("log: {client_address: forwarded, trusted_proxies: [10.0.0.0/8, '::1']}").client;
    let nets = ["10.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap());
    assert_eq!(trusted, ClientAddress::Forwarded(nets.into()));
}

//! The fuzz target of heads.

use super::Limits;
use super::head::{self, Body, Head, Parsed, parse};
use crate::log::{ClientAddress, LogConfig};
use aqs_origin::TraceParent;
use std::net::{IpAddr, Ipv4Addr};

/// Small limits, so that they are reached soon.
fn small() -> Limits {
    Limits { request_line: 200, head_bytes: 1000, header_lines: 20, ..Limits::default() }
}

/// Parses any bytes as the start of a connection: the outcome depends on the bytes and not on how
/// they arrive, is final, and is right about what follows the head.
pub(crate) fn head(bytes: &[u8]) {
    let limits = small();
    let outcome = Outcome::of(bytes, &limits);
    // As a connection parses: whenever a line has ended, and when a line is too long.
    let mut ends: Vec<usize> = line_ends(bytes).take_while(|end| *end < bytes.len()).collect();
    ends.push(bytes.len());
    let outcomes = ends.iter().map(|end| Outcome::of(&bytes[..*end], &limits));
    let first = outcomes.into_iter().find(|outcome| *outcome != Outcome::Partial);
    assert_eq!(first.unwrap_or(Outcome::Partial), outcome, "it depends on how it arrives");
    match outcome {
        Outcome::Partial => {
            assert!(bytes.len() < limits.head_bytes, "a head beyond the limit is incomplete");
        }
        Outcome::Refused(status) => {
            assert!([400, 414, 431, 505].contains(&status), "{status}");
        }
        Outcome::Head { length, body, refused } => {
            assert!(length <= bytes.len() && length <= limits.head_bytes);
            assert!(bytes[..length].ends_with(b"\n"));
            let announced = announces_a_body(&bytes[..length]);
            assert!(
                refused || (body != Body::Length(0)) == announced,
                "where does the next one begin?"
            );
        }
    }
}

/// Checks what is extracted from headers: it must be safe to send on.
fn headers(head: &Head<'_>) {
    let request = head.view.trace;
    if let Some(name) = request.request_id {
        assert!(
            (1..=128).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
        );
    }
    if let Some(trace) = request.trace() {
        let sent = trace.to_string();
        let again = TraceParent::parse(sent.as_bytes()).map(|trace| trace.to_string());
        assert_eq!(again, Some(sent), "the trace changes when it is sent on");
    }
    let peer = IpAddr::from(Ipv4Addr::LOCALHOST);
    let all = ["0.0.0.0/0", "::/0"].iter().filter_map(|net| net.parse().ok());
    let log = LogConfig {
        client_address: ClientAddress::Forwarded,
        trusted_proxies: all.collect(),
        ..LogConfig::default()
    };
    let lines = head::forwarded(head.bytes);
    let client = log.client(Some(peer), lines.into_iter().rev());
    assert!(client.is_some(), "a request has a client");
}

/// The outcome of parsing, as far as it must not depend on how bytes arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Head { length: usize, body: Body, refused: bool },
    Partial,
    Refused(u16),
}

impl Outcome {
    fn of(bytes: &[u8], limits: &Limits) -> Self {
        match parse(bytes, limits) {
            Parsed::Head(head, length) => {
                headers(&head);
                Self::Head { length, body: head.body, refused: head.refusal.is_some() }
            }
            Parsed::Partial => Self::Partial,
            Parsed::Refused(fault) => Self::Refused(fault.status()),
        }
    }
}

fn line_ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memchr_iter(b'\n', bytes).map(|at| at + 1)
}

/// A naive implementation that shares nothing with the parser.
fn announces_a_body(head: &[u8]) -> bool {
    String::from_utf8_lossy(head).split('\n').skip(1).any(|line| {
        let Some((name, value)) = line.split_once(':') else { return false };
        match name.to_ascii_lowercase().as_str() {
            "transfer-encoding" => true,
            "content-length" => value.trim().parse() != Ok(0),
            _ => false,
        }
    })
}

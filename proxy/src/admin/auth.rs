//! Who is let in: no web page, and for most things only whoever has the token.

use super::refusal::Refusal;
use super::token::Token;
use crate::log::RateLimiter;
use crate::serve::RequestHead;
use std::net::IpAddr;

/// What a request must show.
#[derive(Debug, Default)]
pub struct AdminAuth {
    /// The secret; without one nobody may write.
    pub token: Option<Token>,
    /// Names beside loopback's by which the admin listener is reached.
    pub hosts: Vec<String>,
    /// Whether whoever reaches the listener may read: so on loopback.
    pub open_reads: bool,
    /// What is told of those who were not let in.
    pub told: RateLimiter,
}

impl AdminAuth {
    /// Whether a request may come from an operator at all.
    ///
    /// A web page in somebody's browser could reach a listener on loopback: it is kept out by
    /// its `Origin` and, since browsers send none with what a page asks of its own server, by the
    /// `Host`, whose name it could point here. An address can't be pointed anywhere, so any will
    /// do: a monitor goes by one that nobody could have listed.
    pub(super) fn admits(&self, head: &RequestHead<'_>) -> Result<(), Refusal> {
        if head.credentials.origin.is_some() {
            return Err(Refusal::Page);
        }
        let known = host(head).is_some_and(|host| address(host).is_some() || self.expects(host));
        if known { Ok(()) } else { Err(Refusal::Host) }
    }

    /// Whether an operator may read what only operators should.
    pub(super) fn admits_reading(&self, head: &RequestHead<'_>) -> Result<(), Refusal> {
        if self.open_reads { Ok(()) } else { self.has_token(head) }
    }

    /// Whether an operator may write: only by a name that was listed, and with the token, which
    /// a browser doesn't send by itself.
    pub(super) fn admits_writing(&self, head: &RequestHead<'_>) -> Result<(), Refusal> {
        if !host(head).is_some_and(|host| self.expects(host)) {
            return Err(Refusal::Host);
        }
        self.has_token(head)
    }

    fn has_token(&self, head: &RequestHead<'_>) -> Result<(), Refusal> {
        let token = self.token.as_ref().ok_or(Refusal::Tokenless)?;
        match head.credentials.authorization.and_then(bearer) {
            None => Err(Refusal::NoToken),
            Some(given) if token.is(given) => Ok(()),
            Some(_) => Err(Refusal::WrongToken),
        }
    }

    fn expects(&self, host: &str) -> bool {
        let name = without_port(host);
        name.eq_ignore_ascii_case("localhost")
            || address(host).is_some_and(|address| address.is_loopback())
            || self.hosts.iter().any(|held| held.eq_ignore_ascii_case(name))
    }
}

fn host<'a>(head: &RequestHead<'a>) -> Option<&'a str> {
    head.credentials.host.and_then(|host| std::str::from_utf8(host).ok())
}

/// The address that a host is, if it is no name.
fn address(host: &str) -> Option<IpAddr> {
    let name = without_port(host);
    match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse().map(IpAddr::V6).ok(),
        None => name.parse().map(IpAddr::V4).ok(),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // The colons of an address in brackets are its own.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_many_names_and_no_others() {
        let hosts = vec!["aqs.internal".to_owned()];
        let auth = AdminAuth { hosts, open_reads: true, ..AdminAuth::default() };
        for host in [
            "localhost",
            "LOCALHOST:8081",
            "127.0.0.1:8081",
            "127.9.9.9",
            "[::1]:8081",
            "[::1]",
            "aqs.internal:1",
        ] {
            assert!(auth.expects(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1:8081",
            "127.0.0.1.evil.example",
            "[::2]",
            "::1",
            "[127.0.0.1]",
            "user@localhost",
            "aqs.internal.evil",
        ] {
            assert!(!auth.expects(host), "{host}");
        }
    }

    #[test]
    fn reads_are_open_only_where_the_door_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let token = Token::read_or_make(&folder.path().join("token")).unwrap();
        let bearer = format!("Bearer {}", token.secret());
        let head = |authorization| RequestHead {
            listener: crate::serve::Listener::Admin,
            method: crate::serve::Method::Get,
            target: "/metrics",
            negotiation: Default::default(),
            call: Default::default(),
            credentials: crate::serve::Credentials { authorization, ..Default::default() },
        };
        let mut auth = AdminAuth { token: Some(token), open_reads: true, ..AdminAuth::default() };
        assert!(auth.admits_reading(&head(None)).is_ok());
        auth.open_reads = false;
        for (given, refusal) in
            [(None, Refusal::NoToken), (Some(b"Bearer wrong".as_slice()), Refusal::WrongToken)]
        {
            assert_eq!(auth.admits_reading(&head(given)), Err(refusal));
        }
        assert!(auth.admits_reading(&head(Some(bearer.as_bytes()))).is_ok());
        auth.token = None;
        assert_eq!(auth.admits_reading(&head(None)), Err(Refusal::Tokenless));
    }

    #[test]
    fn a_bearer_is_told_by_its_scheme() {
        assert_eq!(bearer(b"Bearer abc"), Some(b"abc".as_slice()));
        assert_eq!(bearer(b"bearer  abc "), Some(b"abc".as_slice()));
        assert_eq!(bearer(b"Basic abc"), None);
        assert_eq!(bearer(b"Bearer"), None);
    }
}

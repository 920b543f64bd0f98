//! Who may write: whoever has the token and is no web page.

use super::token::Token;
use crate::serve::HeadView;
use aqs_api::Problem;
use aqs_api::problem::Code;
use std::net::IpAddr;

/// What a write must show.
#[derive(Debug, Default)]
pub struct Door {
    /// The secret; without one nobody may write.
    pub token: Option<Token>,
    /// Names beside loopback's by which the admin listener is reached.
    pub hosts: Vec<String>,
    /// Whether whoever reaches the listener may read: so on loopback.
    pub open_reads: bool,
}

impl Door {
    /// Whether a request may write, or why not.
    ///
    /// A web page in somebody's browser could reach a listener on loopback: it is kept out by
    /// its `Origin`, by the `Host` (whose name it could point here), and by the token, which a
    /// browser doesn't send by itself.
    pub(super) fn admits(&self, head: &HeadView<'_>) -> Result<(), Problem> {
        let forbidden = |detail: &'static str| Err(Problem::new(403, Code::Forbidden, detail));
        if head.credentials.origin.is_some() {
            return forbidden("web pages may not write here");
        }
        let host = head.credentials.host.and_then(|host| std::str::from_utf8(host).ok());
        if !host.is_some_and(|host| self.expects(host)) {
            return forbidden(
                "this is not a Host that writes are taken for; see admin.hosts of the configuration",
            );
        }
        self.has_token(head)
    }

    /// Whether a request may read what only operators should.
    pub(super) fn admits_reading(&self, head: &HeadView<'_>) -> Result<(), Problem> {
        if self.open_reads { Ok(()) } else { self.has_token(head) }
    }

    fn has_token(&self, head: &HeadView<'_>) -> Result<(), Problem> {
        let forbidden = |detail: &'static str| Err(Problem::new(403, Code::Forbidden, detail));
        let Some(token) = &self.token else {
            return forbidden("there is no token, since there is no state directory");
        };
        let given = head.credentials.authorization.and_then(bearer);
        match given {
            None => Err(Problem::new(
                401,
                Code::Unauthorized,
                "this needs the header `Authorization: Bearer TOKEN`",
            )),
            Some(given) if token.is(given) => Ok(()),
            Some(_) => Err(Problem::new(401, Code::Unauthorized, "the token is wrong")),
        }
    }

    fn expects(&self, host: &str) -> bool {
        let name = without_port(host);
        let address = name.trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost")
            || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            || self.hosts.iter().any(|held| held.eq_ignore_ascii_case(name))
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
        let door = Door { token: None, hosts, open_reads: true };
        for host in [
            "localhost",
            "LOCALHOST:8081",
            "127.0.0.1:8081",
            "127.9.9.9",
            "[::1]:8081",
            "[::1]",
            "aqs.internal:1",
        ] {
            assert!(door.expects(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1:8081",
            "127.0.0.1.evil.example",
            "[::2]",
            "aqs.internal.evil",
        ] {
            assert!(!door.expects(host), "{host}");
        }
    }

    #[test]
    fn reads_are_open_only_where_the_door_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let token = Token::read_or_make(&folder.path().join("token")).unwrap();
        let bearer = format!("Bearer {}", token.secret());
        let head = |authorization| HeadView {
            listener: crate::serve::Listener::Admin,
            method: crate::serve::Method::Get,
            target: "/metrics",
            wishes: Default::default(),
            call: Default::default(),
            credentials: crate::serve::Credentials { authorization, ..Default::default() },
        };
        let mut door = Door { token: Some(token), hosts: Vec::new(), open_reads: true };
        assert!(door.admits_reading(&head(None)).is_ok());
        door.open_reads = false;
        for wrong in [None, Some(b"Bearer wrong".as_slice())] {
            assert_eq!(door.admits_reading(&head(wrong)).unwrap_err().status, 401);
        }
        assert!(door.admits_reading(&head(Some(bearer.as_bytes()))).is_ok());
        door.token = None;
        assert_eq!(door.admits_reading(&head(None)).unwrap_err().status, 403);
    }

    #[test]
    fn a_bearer_is_told_by_its_scheme() {
        assert_eq!(bearer(b"Bearer abc"), Some(b"abc".as_slice()));
        assert_eq!(bearer(b"bearer  abc "), Some(b"abc".as_slice()));
        assert_eq!(bearer(b"Basic abc"), None);
        assert_eq!(bearer(b"Bearer"), None);
    }
}

//! Authorization: no web page, only a known `Host`, and the token for writes.

use super::token::Token;
use super::{AdminState, Reply, error};
use crate::log::fields;
use aqs_origin::{RateLimiter, RequestId};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::middleware::Next;
use std::net::IpAddr;
use std::sync::Arc;

/// The rules that admit requests to the admin API.
#[derive(Debug, Default)]
pub struct AdminAuth {
    /// Without a token every write is refused.
    pub token: Option<Token>,
    /// Names of the admin listener other than `localhost` and loopback addresses.
    pub hosts: Vec<String>,
    /// Whether reads need no token; so if all admin listeners are on loopback or socket files.
    pub open_reads: bool,
    /// Limits the log lines about refused requests.
    pub log_limit: RateLimiter,
}

/// What a request is authorized for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// The request doesn't come from a web page.
    Operator,
    /// [`Access::Operator`] is checked already.
    Read,
    /// [`Access::Operator`] is checked already.
    Write,
}

/// Why a request is refused: the value in metrics and logs, the status, the fault's detail.
#[derive(Debug, PartialEq, Eq)]
struct Refusal(&'static str, u16, &'static str);

const WEB_PAGE: Refusal = Refusal("origin", 403, "web pages may neither read nor write here");
const UNKNOWN_HOST: Refusal =
    Refusal("host", 403, "this Host is not allowed; see admin.hosts of the configuration");
const NO_TOKEN_CONFIGURED: Refusal =
    Refusal("tokenless", 403, "there is no token, since there is no state directory");
const NO_TOKEN: Refusal =
    Refusal("no-token", 401, "this needs the header `Authorization: Bearer TOKEN`");
const TWO_TOKENS: Refusal =
    Refusal("two-tokens", 400, "malformed request: more than one Authorization");
const WRONG_TOKEN: Refusal = Refusal("wrong-token", 401, "the token is wrong");

/// Refuses a request that is not authorized, logs and counts the refusal.
pub(super) async fn authorize(
    State((state, access)): State<(Arc<AdminState>, Access)>,
    request: Request,
    next: Next,
) -> Reply {
    let Err(Refusal(reason, status, detail)) = state.auth.check(access, &request) else {
        return Ok(next.run(request).await);
    };
    state.refused.with_label_values(&[reason]).inc();
    if let Some(suppressed) = state.auth.log_limit.take() {
        // Unknown paths could hold secrets.
        let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let id = request.extensions().get::<RequestId>().map(tracing::field::display);
        tracing::warn!(
            target: fields::ADMIN,
            reason,
            path,
            suppressed,
            { fields::METHOD } = request.method().as_str(),
            { fields::REQUEST_ID } = id,
            "an admin request was refused"
        );
    }
    Err(error(status, detail))
}

impl AdminAuth {
    fn check(&self, access: Access, request: &Request) -> Result<(), Refusal> {
        match access {
            // A web page in a local browser can reach a listener on loopback. Its requests have an
            // `Origin`, or else a `Host` whose name may point here. An IP address in `Host` can't
            // be pointed anywhere: monitors may use any.
            Access::Operator if request.headers().contains_key(ORIGIN) => Err(WEB_PAGE),
            Access::Operator => {
                let known = |host| address(host).is_some() || self.is_known(host);
                if host(request).is_some_and(known) { Ok(()) } else { Err(UNKNOWN_HOST) }
            }
            Access::Read if self.open_reads => Ok(()),
            Access::Read => self.check_token(request),
            Access::Write if host(request).is_some_and(|host| self.is_known(host)) => {
                self.check_token(request)
            }
            Access::Write => Err(UNKNOWN_HOST),
        }
    }

    fn check_token(&self, request: &Request) -> Result<(), Refusal> {
        let token = self.token.as_ref().ok_or(NO_TOKEN_CONFIGURED)?;
        let mut lines = request.headers().get_all(AUTHORIZATION).iter();
        let first = lines.next();
        if lines.next().is_some() {
            return Err(TWO_TOKENS);
        }
        match first.and_then(|value| bearer(value.as_bytes())) {
            None => Err(NO_TOKEN),
            Some(given) if token.matches(given) => Ok(()),
            Some(_) => Err(WRONG_TOKEN),
        }
    }

    fn is_known(&self, host: &str) -> bool {
        let name = without_port(host);
        name.eq_ignore_ascii_case("localhost")
            || address(host).is_some_and(|address| address.is_loopback())
            || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// The host of the target if that is a whole URL (RFC 9112 §3.2.2), else of the only `Host`.
fn host(request: &Request) -> Option<&str> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.as_str());
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then_some(host)
}

fn address(host: &str) -> Option<IpAddr> {
    let name = without_port(host);
    match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse().map(IpAddr::V6).ok(),
        None => name.parse().map(IpAddr::V4).ok(),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // An address in brackets has colons, too.
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
    use axum::body::Body;

    #[test]
    fn writes_need_a_loopback_host_or_a_configured_one() {
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
            assert!(auth.is_known(host), "{host}");
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
            assert!(!auth.is_known(host), "{host}");
        }
    }

    #[test]
    fn a_request_needs_exactly_one_host() {
        let auth = AdminAuth::default();
        let request = |hosts: &[&str]| {
            let request = Request::builder().uri("/metrics");
            let with =
                |request: axum::http::request::Builder, host: &&str| request.header(HOST, *host);
            hosts.iter().fold(request, with).body(Body::empty()).unwrap()
        };
        assert_eq!(auth.check(Access::Operator, &request(&["localhost"])), Ok(()));
        for hosts in [&[][..], &["localhost", "localhost"], &["localhost", "evil.example"]] {
            let refused = auth.check(Access::Operator, &request(hosts));
            assert_eq!(refused, Err(UNKNOWN_HOST), "{hosts:?}");
        }
    }

    #[test]
    fn reads_need_the_token_unless_reads_are_open() {
        let folder = tempfile::tempdir().unwrap();
        let token = Token::read_or_create(&folder.path().join("token")).unwrap();
        let bearer = format!("Bearer {}", token.secret());
        let request = |authorization: Option<&str>| {
            let mut request = Request::new(Body::empty());
            let authorization = authorization.map(|value| (AUTHORIZATION, value.parse().unwrap()));
            request.headers_mut().extend(authorization);
            request
        };
        let mut auth = AdminAuth { token: Some(token), open_reads: true, ..AdminAuth::default() };
        let read =
            |auth: &AdminAuth, given: Option<&str>| auth.check(Access::Read, &request(given));
        assert_eq!(read(&auth, None), Ok(()));
        auth.open_reads = false;
        assert_eq!(read(&auth, None), Err(NO_TOKEN));
        assert_eq!(read(&auth, Some("Bearer wrong")), Err(WRONG_TOKEN));
        assert_eq!(read(&auth, Some(&bearer)), Ok(()));
        auth.token = None;
        assert_eq!(read(&auth, Some(&bearer)), Err(NO_TOKEN_CONFIGURED));
    }

    #[test]
    fn the_bearer_scheme_is_case_insensitive() {
        assert_eq!(bearer(b"Bearer abc"), Some(b"abc".as_slice()));
        assert_eq!(bearer(b"bearer  abc "), Some(b"abc".as_slice()));
        assert_eq!(bearer(b"Basic abc"), None);
        assert_eq!(bearer(b"Bearer"), None);
    }
}

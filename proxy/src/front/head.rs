//! Reading heads: HTTP/1 syntax, and the few headers that decide how a request is answered.

use super::limits::{HEADERS, Limits};
use crate::serve::{Credentials, HeadView, Listener, Method, Persistence, Wishes};
use aqs_api::Problem;
use aqs_api::problem::Code;

/// What a buffer begins with.
#[derive(Debug)]
pub(super) enum Parsed<'a> {
    /// A whole head of so many bytes.
    Head(Head<'a>, usize),
    /// The beginning of one.
    Partial,
    /// What can't become one.
    Refused(Problem),
}

/// A head and what it asks of the connection.
#[derive(Debug)]
pub(super) struct Head<'a> {
    pub(super) view: HeadView<'a>,
    pub(super) persistence: Persistence,
    /// Whether a body follows.
    pub(super) body: bool,
}

/// Parses the head that a buffer begins with.
pub(super) fn parse<'a>(buffer: &'a [u8], listener: Listener, limits: &Limits) -> Parsed<'a> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(buffer) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return partial(buffer, limits),
        Err(httparse::Error::TooManyHeaders) => {
            return Parsed::Refused(too_large("too many header lines"));
        }
        Err(httparse::Error::Version) if names_a_version(buffer) => {
            return refused(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
        }
        Err(error) => return refused(400, format!("malformed request: {error}")),
    };
    if request.headers.len() > limits.header_lines {
        return Parsed::Refused(too_large("too many header lines"));
    }
    if length > limits.head_bytes {
        return Parsed::Refused(too_large("the head is too large"));
    }
    let (Some(method), Some(target), Some(version)) =
        (request.method, request.path, request.version)
    else {
        return refused(400, "malformed request: incomplete request line");
    };
    if target.len() > limits.request_line {
        return Parsed::Refused(too_long());
    }
    match judge(request.headers, version) {
        Ok(judged) => {
            let view = HeadView {
                listener,
                method: Method::parse(method),
                target: origin_form(target),
                wishes: judged.wishes,
                credentials: judged.credentials,
            };
            Parsed::Head(Head { view, persistence: judged.persistence, body: judged.body }, length)
        }
        Err(detail) => refused(400, detail),
    }
}

/// Whether a request line has its three words, the last of them a version of HTTP.
fn names_a_version(buffer: &[u8]) -> bool {
    let line = buffer.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ').skip(2);
    words.next().is_some_and(|word| word.starts_with(b"HTTP/")) && words.next().is_none()
}

struct Judged<'a> {
    wishes: Wishes<'a>,
    credentials: Credentials<'a>,
    persistence: Persistence,
    body: bool,
}

fn judge<'a>(headers: &[httparse::Header<'a>], version: u8) -> Result<Judged<'a>, &'static str> {
    let mut wishes = Wishes::default();
    let mut credentials = Credentials::default();
    let mut hosts = 0;
    let mut lengths = 0;
    let mut body = false;
    let mut coded = false;
    let mut close = false;
    let mut keep_alive = false;
    for header in headers {
        // Told apart by length first: most headers are none of these.
        match header.name.len() {
            4 if header.name.eq_ignore_ascii_case("host") => {
                hosts += 1;
                credentials.host = Some(header.value);
            }
            6 if header.name.eq_ignore_ascii_case("origin") => {
                credentials.origin = Some(header.value);
            }
            10 if header.name.eq_ignore_ascii_case("connection") => {
                for token in header.value.split(|byte| *byte == b',') {
                    let token = token.trim_ascii();
                    close |= token.eq_ignore_ascii_case(b"close");
                    keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            13 if header.name.eq_ignore_ascii_case("if-none-match") => {
                wishes.if_none_match = wishes.if_none_match.or(Some(header.value));
            }
            13 if header.name.eq_ignore_ascii_case("authorization") => {
                credentials.authorization = credentials.authorization.or(Some(header.value));
            }
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                lengths += 1;
                if !header.value.trim_ascii().iter().all(u8::is_ascii_digit) {
                    return Err("malformed request: Content-Length is no number");
                }
                body |= header.value.trim_ascii() != b"0";
            }
            15 if header.name.eq_ignore_ascii_case("accept-encoding") => {
                wishes.accept_encoding = wishes.accept_encoding.or(Some(header.value));
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => coded = true,
            _ => {}
        }
    }
    if hosts > 1 {
        return Err("malformed request: more than one Host");
    }
    if hosts == 0 && version == 1 {
        return Err("malformed request: HTTP/1.1 needs a Host");
    }
    if lengths > 1 {
        return Err("malformed request: more than one Content-Length");
    }
    if coded && lengths > 0 {
        // Two readers of it could disagree about where the next request begins (RFC 9112 §6.3).
        return Err("malformed request: Content-Length beside Transfer-Encoding");
    }
    let body = body || coded;
    let persistence = match (version, close, keep_alive) {
        (_, true, _) | (0, false, false) => Persistence::Close,
        (0, false, true) => Persistence::KeepTold,
        _ => Persistence::Keep,
    };
    Ok(Judged { wishes, credentials, persistence, body })
}

fn partial<'a>(buffer: &[u8], limits: &Limits) -> Parsed<'a> {
    let line = memchr::memchr(b'\n', buffer).unwrap_or(buffer.len());
    if line > limits.request_line {
        return Parsed::Refused(too_long());
    }
    if buffer.len() >= limits.head_bytes {
        return Parsed::Refused(too_large("the head is too large"));
    }
    Parsed::Partial
}

/// Strips scheme and authority off an absolute-form target.
fn origin_form(target: &str) -> &str {
    if target.starts_with('/') {
        return target;
    }
    let rest = ["http://", "https://"].into_iter().find_map(|scheme| {
        let (head, rest) = target.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    match rest {
        // The authority ends where path, query or fragment begin; an empty path is `/`.
        Some(rest) => {
            let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            rest.get(at..).filter(|path| path.starts_with('/')).unwrap_or("/")
        }
        None => target,
    }
}

fn refused<'a>(status: u16, detail: impl Into<std::borrow::Cow<'static, str>>) -> Parsed<'a> {
    Parsed::Refused(Problem::new(status, Code::BadRequest, detail))
}

fn too_large(detail: &'static str) -> Problem {
    Problem::new(431, Code::BadRequest, detail)
}

fn too_long() -> Problem {
    Problem::new(414, Code::BadRequest, "the request target is too long")
}

/// The head did not come in time.
pub(super) fn timed_out() -> Problem {
    Problem::new(408, Code::BadRequest, "the request did not arrive in time")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<(String, Method, Persistence, bool), u16> {
        match parse(text.as_bytes(), Listener::Public, &Limits::default()) {
            Parsed::Head(head, _) => {
                Ok((head.view.target.to_owned(), head.view.method, head.persistence, head.body))
            }
            Parsed::Partial => Err(0),
            Parsed::Refused(problem) => Err(problem.status),
        }
    }

    #[test]
    fn persistence_is_the_versions_unless_said_otherwise() {
        for (lines, expected) in [
            ("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", Persistence::Keep),
            ("GET /a HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n", Persistence::Close),
            ("GET /a HTTP/1.0\r\n\r\n", Persistence::Close),
            ("GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", Persistence::KeepTold),
        ] {
            assert_eq!(head(lines).map(|parsed| parsed.2), Ok(expected), "{lines}");
        }
    }

    #[test]
    fn targets_come_to_origin_form() {
        for (target, expected) in [
            ("/a?b", "/a?b"),
            ("http://host/a/b", "/a/b"),
            ("HTTPS://host", "/"),
            ("http://host?a=/healthz", "/"),
            ("*", "*"),
            ("ftp://host/a", "ftp://host/a"),
        ] {
            let lines = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
            assert_eq!(head(&lines).map(|parsed| parsed.0).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn bodies_are_announced_and_ambiguity_refused() {
        let with = |lines: &str| head(&format!("POST /a HTTP/1.1\r\nHost: x\r\n{lines}\r\n"));
        assert_eq!(with("Content-Length: 5\r\n").map(|parsed| parsed.3), Ok(true));
        assert_eq!(with("Content-Length: 0\r\n").map(|parsed| parsed.3), Ok(false));
        assert_eq!(with("Transfer-Encoding: chunked\r\n").map(|parsed| parsed.3), Ok(true));
        assert_eq!(with("Content-Length: 0\r\nContent-Length: 0\r\n"), Err(400));
        assert_eq!(with("Content-Length: 5, 5\r\n"), Err(400));
        assert_eq!(with("Content-Length: +5\r\n"), Err(400));
        assert_eq!(with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), Err(400));
        assert_eq!(with("Host: y\r\n"), Err(400));
        assert_eq!(head("GET /a HTTP/1.1\r\n\r\n"), Err(400));
    }

    #[test]
    fn too_much_is_refused() {
        let long = "x".repeat(9000);
        assert_eq!(head(&format!("GET /{long}")), Err(414));
        assert_eq!(head(&format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n")), Err(414));
        assert_eq!(
            head(&format!("GET /a HTTP/1.1\r\nHost: x\r\nA: {long}{long}\r\n\r\n")),
            Err(431)
        );
        let many = "A: b\r\n".repeat(150);
        assert_eq!(head(&format!("GET /a HTTP/1.1\r\nHost: x\r\n{many}\r\n")), Err(431));
        assert_eq!(head("GET /a HTTP/1.1\r\nHost"), Err(0));
        assert_eq!(head("GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n"), Err(400));
        assert_eq!(head("GET /a HTTP/3.0\r\nHost: x\r\n\r\n"), Err(505));
    }
}

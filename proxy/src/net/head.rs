//! Parsing heads: HTTP/1 syntax, and the few headers that decide how a request is answered.

use super::limits::{Limits, MAX_HEADERS};
use crate::http::{KeepAlive, Method, Negotiation, RequestHead, RequestTrace};
use aqs_api::Fault;

/// Longer method names are cut in the log.
const MAX_METHOD: usize = 32;

/// What a buffer starts with.
#[derive(Debug)]
pub(super) enum Parsed<'a> {
    /// A complete head and its length in bytes.
    Head(Head<'a>, usize),
    /// The beginning of a head.
    Partial,
    /// Bytes that can't become an acceptable head.
    Refused(Fault),
}

/// A head and what it means for the connection.
#[derive(Debug)]
pub(super) struct Head<'a> {
    pub(super) view: RequestHead<'a>,
    /// The bytes of the head.
    pub(super) bytes: &'a [u8],
    pub(super) keep_alive: KeepAlive,
    /// Whether a body follows.
    pub(super) body: bool,
}

/// Parses the head that a buffer starts with.
pub(super) fn parse<'a>(buffer: &'a [u8], limits: &Limits) -> Parsed<'a> {
    if has_too_long_a_line(buffer, limits) {
        return refused(414, "the request target is too long");
    }
    // Bytes beyond the limit are ignored: the outcome must not depend on how much has arrived.
    let within = buffer.get(..limits.head_bytes).unwrap_or(buffer);
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(within) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if buffer.len() < limits.head_bytes => {
            return Parsed::Partial;
        }
        Ok(httparse::Status::Partial) => return refused(431, "the head is too large"),
        Err(httparse::Error::TooManyHeaders) => {
            return refused(431, "too many header lines");
        }
        Err(httparse::Error::Version) if names_a_version(buffer) => {
            return refused(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
        }
        Err(error) => return refused(400, format!("malformed request: {error}")),
    };
    if request.headers.len() > limits.header_lines {
        return refused(431, "too many header lines");
    }
    let (Some(method), Some(target), Some(version)) =
        (request.method, request.path, request.version)
    else {
        return refused(400, "malformed request: incomplete request line");
    };
    let view = RequestHead {
        method: Method::parse(method),
        target: origin_form(target),
        negotiation: Negotiation::default(),
        trace: RequestTrace::default(),
    };
    let bytes = buffer.get(..length).unwrap_or_default();
    let mut head = Head { view, bytes, keep_alive: KeepAlive::Implicit, body: false };
    match read_headers(&mut head, request.headers, version) {
        Ok(()) => Parsed::Head(head, length),
        Err(detail) => refused(400, detail),
    }
}

/// Whether a request line has three words, the last of them a version of HTTP.
fn names_a_version(buffer: &[u8]) -> bool {
    let line = buffer.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ').skip(2);
    words.next().is_some_and(|word| word.starts_with(b"HTTP/")) && words.next().is_none()
}

/// Reads the headers that decide how a request is answered.
fn read_headers<'a>(
    head: &mut Head<'a>,
    headers: &[httparse::Header<'a>],
    version: u8,
) -> Result<(), &'static str> {
    let RequestHead { negotiation, trace, .. } = &mut head.view;
    let mut hosts = 0;
    let mut lengths = 0;
    let mut has_transfer_encoding = false;
    let mut close = false;
    let mut keep_alive = false;
    for header in headers {
        // By length first: most headers are none of these.
        match header.name.len() {
            4 if header.name.eq_ignore_ascii_case("host") => hosts += 1,
            10 if header.name.eq_ignore_ascii_case("connection") => {
                for token in header.value.split(|byte| *byte == b',') {
                    let token = token.trim_ascii();
                    close |= token.eq_ignore_ascii_case(b"close");
                    keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            11 if header.name.eq_ignore_ascii_case("traceparent") => {
                // Two of them are ambiguous.
                trace.traceparent =
                    Some(if trace.traceparent.is_none() { header.value } else { b"" });
            }
            12 if header.name.eq_ignore_ascii_case("x-request-id") => {
                trace.request_id =
                    trace.request_id.or_else(|| RequestTrace::accept_id(header.value));
            }
            13 if header.name.eq_ignore_ascii_case("if-none-match") => {
                negotiation.if_none_match = negotiation.if_none_match.or(Some(header.value));
            }
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                lengths += 1;
                if !header.value.trim_ascii().iter().all(u8::is_ascii_digit) {
                    return Err("malformed request: Content-Length is no number");
                }
                head.body |= header.value.trim_ascii() != b"0";
            }
            15 if header.name.eq_ignore_ascii_case("accept-encoding") => {
                negotiation.accept_encoding = negotiation.accept_encoding.or(Some(header.value));
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                has_transfer_encoding = true
            }
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
    if has_transfer_encoding && lengths > 0 {
        // Two parsers could disagree about where the next request starts (RFC 9112 §6.3).
        return Err("malformed request: Content-Length beside Transfer-Encoding");
    }
    head.body |= has_transfer_encoding;
    head.keep_alive = match (version, close, keep_alive) {
        (_, true, _) | (0, false, false) => KeepAlive::Close,
        (0, false, true) => KeepAlive::Explicit,
        _ => KeepAlive::Implicit,
    };
    Ok(())
}

/// Whether the request line is too long, or will be.
fn has_too_long_a_line(buffer: &[u8], limits: &Limits) -> bool {
    // Most heads are shorter than a line may be.
    if buffer.len() <= limits.request_line {
        return false;
    }
    // Empty lines may stand before it (RFC 9112 §2.2).
    let mut rest = buffer;
    while let Some(behind) = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")) {
        rest = behind;
    }
    let line = memchr::memchr(b'\n', rest).and_then(|end| rest.get(..end)).unwrap_or(rest);
    line.strip_suffix(b"\r").unwrap_or(line).len() > limits.request_line
}

/// The method as it came.
pub(super) fn method(head: &[u8]) -> &str {
    let word = head.split(|byte| *byte == b' ').next().unwrap_or_default();
    // A parsed method is ASCII.
    std::str::from_utf8(word.get(..word.len().min(MAX_METHOD)).unwrap_or_default())
        .unwrap_or_default()
}

/// The lines of `X-Forwarded-For`. Only the log needs them, so they are parsed for it alone.
pub(super) fn forwarded(head: &[u8]) -> Vec<&[u8]> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    // The head was parsed before.
    let _ = request.parse(head);
    let named =
        |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("x-forwarded-for");
    request.headers.iter().filter(named).map(|header| header.value).collect()
}

/// Reduces a target in absolute form to its origin form.
fn origin_form(target: &str) -> &str {
    if target.starts_with('/') {
        return target;
    }
    let rest = ["http://", "https://"].into_iter().find_map(|scheme| {
        let (head, rest) = target.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    let Some(rest) = rest else { return target };
    // The authority ends where path, query or fragment start; an empty path is `/`.
    let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest.get(at..).filter(|path| path.starts_with('/')).unwrap_or("/")
}

fn refused<'a>(status: u16, detail: impl Into<std::borrow::Cow<'static, str>>) -> Parsed<'a> {
    Parsed::Refused(Fault::other(status, detail))
}

pub(super) fn timed_out() -> Fault {
    Fault::other(408, "the request did not arrive in time")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<(String, Method, KeepAlive, bool), u16> {
        match parse(text.as_bytes(), &Limits::default()) {
            Parsed::Head(head, _) => {
                Ok((head.view.target.to_owned(), head.view.method, head.keep_alive, head.body))
            }
            Parsed::Partial => Err(0),
            Parsed::Refused(fault) => Err(fault.status()),
        }
    }

    #[test]
    fn keep_alive_depends_on_version_and_header() {
        for (lines, expected) in [
            ("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", KeepAlive::Implicit),
            ("GET /a HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n", KeepAlive::Close),
            ("GET /a HTTP/1.0\r\n\r\n", KeepAlive::Close),
            ("GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", KeepAlive::Explicit),
        ] {
            assert_eq!(head(lines).map(|parsed| parsed.2), Ok(expected), "{lines}");
        }
    }

    #[test]
    fn targets_are_reduced_to_origin_form() {
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
    fn bodies_are_detected_and_ambiguity_refused() {
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
    fn sizes_are_limited() {
        let long = "x".repeat(9000);
        assert_eq!(head(&format!("GET /{long}")), Err(414));
        assert_eq!(head(&format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n")), Err(414));
        // The limit holds for the line without its end, however it arrives.
        let line = |length: usize| format!("GET /{} HTTP/1.1", "x".repeat(length - 14));
        let rest = "\r\nHost: x\r\n\r\n";
        assert!(head(&(line(8192) + rest)).is_ok());
        assert_eq!(head(&line(8192)), Err(0));
        assert_eq!(head(&(line(8193) + rest)), Err(414));
        assert_eq!(head(&line(8193)), Err(414));
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

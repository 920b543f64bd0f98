//! Parsing heads: HTTP/1 syntax, and the few headers that decide how a request is answered.

use super::limits::{Limits, MAX_HEADERS};
use crate::http::{KeepAlive, Lines, Method, Negotiation, RequestHead, RequestTrace};
use aqs_api::Fault;
use std::net::Ipv6Addr;

/// Longer method names are cut in the log.
const MAX_METHOD: usize = 32;

/// What a buffer starts with.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "boxing a head would allocate for each hit")]
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
    pub(super) body: Body,
    /// Why the request is not answered: its status and detail.
    pub(super) refusal: Option<(u16, &'static str)>,
}

/// What follows a head. No body is needed for any answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes.
    Length(usize),
    /// Chunks, or what a client may send or not because it expects an interim response. Its end
    /// is not looked for: parsers differ about it, and another request could hide there.
    Unread,
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
    let Some(path) = origin_form(target) else {
        return refused(400, "malformed request: the target is no path and no valid URL");
    };
    let view = RequestHead {
        method: Method::parse(method),
        target: path,
        negotiation: Negotiation::default(),
        trace: RequestTrace::default(),
    };
    let bytes = buffer.get(..length).unwrap_or_default();
    let (keep_alive, body) = (KeepAlive::Implicit, Body::Length(0));
    let mut head = Head { view, bytes, keep_alive, body, refusal: None };
    if let Err(detail) = read_headers(&mut head, request.headers, version, limits.body_bytes) {
        return refused(400, detail);
    }
    Parsed::Head(head, length)
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
    max_body: usize,
) -> Result<(), &'static str> {
    let RequestHead { negotiation, trace, .. } = &mut head.view;
    let mut hosts = 0;
    let mut length = None;
    let mut coding = None;
    let mut expects = None;
    let mut close = false;
    let mut keep_alive = false;
    for header in headers {
        let value = header.value;
        // By length first: most headers are none of these.
        match header.name.len() {
            4 if header.name.eq_ignore_ascii_case("host") => {
                hosts += 1;
                if !is_authority(value) {
                    return Err("malformed request: Host is no host with a port");
                }
            }
            6 if header.name.eq_ignore_ascii_case("expect") => expects = Some(value),
            8 if header.name.eq_ignore_ascii_case("if-match") => {
                push(&mut negotiation.if_match, value)?;
            }
            10 if header.name.eq_ignore_ascii_case("connection") => {
                for token in value.split(|byte| *byte == b',') {
                    let token = token.trim_ascii();
                    close |= token.eq_ignore_ascii_case(b"close");
                    keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            11 if header.name.eq_ignore_ascii_case("traceparent") => {
                // Two of them are ambiguous.
                trace.traceparent = Some(if trace.traceparent.is_none() { value } else { b"" });
            }
            12 if header.name.eq_ignore_ascii_case("x-request-id") => {
                trace.request_id = trace.request_id.or_else(|| RequestTrace::accept_id(value));
            }
            13 if header.name.eq_ignore_ascii_case("if-none-match") => {
                push(&mut negotiation.if_none_match, value)?;
            }
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                if length.is_some() {
                    return Err("malformed request: more than one Content-Length");
                }
                let digits = value.trim_ascii();
                let size = std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok());
                length = size.filter(|_| digits.iter().all(u8::is_ascii_digit));
                if length.is_none() {
                    return Err("malformed request: Content-Length is no number");
                }
            }
            15 if header.name.eq_ignore_ascii_case("accept-encoding") => {
                push(&mut negotiation.accept_encoding, value)?;
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                // A second line makes a list of codings.
                coding = Some(if coding.is_none() { value.trim_ascii() } else { b"" });
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
    if coding.is_some() && length.is_some() {
        // Two parsers could disagree about where the next request starts (RFC 9112 §6.3).
        return Err("malformed request: Content-Length beside Transfer-Encoding");
    }
    if coding.is_some() && version == 0 {
        return Err("malformed request: HTTP/1.0 has no Transfer-Encoding");
    }
    head.body = match (coding, length.unwrap_or(0)) {
        (None, size) => Body::Length(size),
        (Some(_), _) => Body::Unread,
    };
    if length.is_some_and(|size| size > max_body) {
        head.refusal = Some((413, "a request body is neither needed nor read this far"));
    }
    if coding.is_some_and(|coding| !coding.eq_ignore_ascii_case(b"chunked")) {
        head.refusal = Some((501, "the only transfer coding that is known here is chunked"));
    }
    // RFC 9110 §10.1.1: an HTTP/1.0 client can't expect anything.
    if let Some(expected) = expects.filter(|_| version == 1) {
        if !expected.eq_ignore_ascii_case(b"100-continue") {
            head.refusal = Some((417, "only 100-continue can be expected here"));
        } else if head.body != Body::Length(0) {
            // The answer is final: the client needs not send the body, and may do so.
            head.body = Body::Unread;
        }
    }
    let close = close || head.body == Body::Unread;
    head.keep_alive = match (version, close, keep_alive) {
        (_, true, _) | (0, false, false) => KeepAlive::Close,
        (0, false, true) => KeepAlive::Explicit,
        _ => KeepAlive::Implicit,
    };
    Ok(())
}

fn push<'a>(lines: &mut Lines<'a>, value: &'a [u8]) -> Result<(), &'static str> {
    match lines.push(value) {
        true => Ok(()),
        false => Err("malformed request: too many lines of one header"),
    }
}

/// Whether a text is a host with or without a port, or empty (RFC 9110 §7.2, RFC 3986 §3.2).
fn is_authority(text: &[u8]) -> bool {
    let is_port = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    if let Some(rest) = text.strip_prefix(b"[") {
        let Some(end) = memchr::memchr(b']', rest) else { return false };
        let (address, rest) = rest.split_at(end);
        let address = std::str::from_utf8(address).ok();
        let port = rest.get(1..).unwrap_or_default();
        return address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
            && (port.is_empty() || port.strip_prefix(b":").is_some_and(is_port));
    }
    let colon = memchr::memchr(b':', text).unwrap_or(text.len());
    let (name, port) = text.split_at(colon);
    // Unreserved characters, those of sub-delims, and percent-encoding.
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(byte);
    name.iter().all(is_part) && is_port(port.get(1..).unwrap_or_default())
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

/// Reduces a target in absolute form to its origin form; `None` if its host is not valid, or if it
/// has a fragment, which is never sent.
fn origin_form(target: &str) -> Option<&str> {
    if memchr::memchr(b'#', target.as_bytes()).is_some() {
        return None;
    }
    if target.starts_with('/') {
        return Some(target);
    }
    let rest = ["http://", "https://"].into_iter().find_map(|scheme| {
        let (head, rest) = target.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    let Some(rest) = rest else { return Some(target) };
    // The authority ends where path or query start; an empty path is `/`.
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let is_valid = is_authority(authority.as_bytes());
    let has_host = !authority.is_empty() && !authority.starts_with(':');
    (is_valid && has_host).then_some(if path.starts_with('/') { path } else { "/" })
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

    fn head(text: &str) -> Result<(String, Method, KeepAlive, Body), u16> {
        match parse(text.as_bytes(), &Limits::default()) {
            Parsed::Head(Head { refusal: Some((status, _)), .. }, _) => Err(status),
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
    fn hosts_are_validated() {
        for host in
            ["", "x", "en.wikipedia.org:8080", "x:", "127.0.0.1", "[::1]", "[::1]:80", "a_b~!%20"]
        {
            assert!(head(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).is_ok(), "{host}");
        }
        for host in [
            "a b", "[::1", "[::1]x", "[x]", "[]", "a:b", "a:1:2", "a@b", "a/b", "a,\"b", "é", "<a>",
        ] {
            let lines = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            assert_eq!(head(&lines), Err(400), "{host}");
        }
        for target in [
            "http://",
            "http:///a",
            "http://:80/a",
            "http://a b/",
            "http://u@a/",
            "http://[::1/a",
            "/a#b",
            "#",
        ] {
            let lines = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
            assert_eq!(head(&lines), Err(400), "{target}");
        }
    }

    #[test]
    fn bodies_are_detected_and_ambiguity_refused() {
        let with = |lines: &str| head(&format!("POST /a HTTP/1.1\r\nHost: x\r\n{lines}\r\n"));
        let body = |lines: &str| with(lines).map(|parsed| (parsed.3, parsed.2));
        let (open, close) = (KeepAlive::Implicit, KeepAlive::Close);
        assert_eq!(body("Content-Length: 5\r\n"), Ok((Body::Length(5), open)));
        assert_eq!(body("Content-Length: 00\r\n"), Ok((Body::Length(0), open)));
        assert_eq!(body("Transfer-Encoding: Chunked\r\n"), Ok((Body::Unread, close)));
        let expects = "Expect: 100-continue\r\n";
        assert_eq!(body(&format!("{expects}Content-Length: 5\r\n")), Ok((Body::Unread, close)));
        assert_eq!(body(expects), Ok((Body::Length(0), open)));
        assert_eq!(with("Expect: tea\r\n"), Err(417));
        assert_eq!(with("Content-Length: 65537\r\n"), Err(413));
        for codings in ["gzip", "chunked, chunked", "chunked, gzip", "", "\"chunked\"", "xchunked"]
        {
            assert_eq!(with(&format!("Transfer-Encoding: {codings}\r\n")), Err(501), "{codings}");
        }
        let twice = "Transfer-Encoding: chunked\r\n".repeat(2);
        assert_eq!(with(&twice), Err(501));
        assert_eq!(with("Content-Length:\r\n"), Err(400));
        assert_eq!(with("Content-Length: 99999999999999999999\r\n"), Err(400));
        assert_eq!(with(&"Accept-Encoding: br\r\n".repeat(4)), Err(400));
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

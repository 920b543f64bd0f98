//! Header blocks: the constant lines of each kind of reply, assembled once.

use aqs_api::fault::reason_phrase;
use std::sync::LazyLock;

/// The lines of every reply (contract §3, "after the gateway").
const COMMON: &str = "\
access-control-allow-origin: *\r\n\
access-control-allow-methods: GET,HEAD\r\n\
access-control-allow-headers: accept, content-type, content-length, cache-control, \
accept-language, api-user-agent, if-match, if-modified-since, if-none-match, dnt, \
accept-encoding, x-request-id, traceparent, tracestate\r\n\
access-control-expose-headers: etag, cache-status, retry-after, link, x-request-id, ratelimit, \
ratelimit-policy, deprecation\r\n\
x-content-type-options: nosniff\r\n\
x-frame-options: SAMEORIGIN\r\n\
x-xss-protection: 1; mode=block\r\n\
referrer-policy: origin-when-cross-origin\r\n\
content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n";

const DATA_CACHING: &str = "cache-control: s-maxage=14400, max-age=14400\r\n";
/// For a range whose end is not loaded yet: as long as answers are fresh by default.
const OPEN_CACHING: &str = "cache-control: s-maxage=300, max-age=300\r\n";
const NO_DATA_CACHING: &str = "cache-control: s-maxage=600\r\n";
const STALE_CACHING: &str = "cache-control: s-maxage=60\r\n";
const NO_STORE: &str = "cache-control: no-store\r\n";
const VARY: &str = "vary: Accept-Encoding\r\n";
const JSON: &str = "content-type: application/json; charset=utf-8\r\n";
const PROBLEM_JSON: &str = "content-type: application/problem+json\r\n";
/// Where the endpoints are listed, and what is loaded.
const ROUTES_HELP: &str = "link: </>; rel=\"help\"\r\n";
const DATA_HELP: &str = "link: </metrics/datasets>; rel=\"help\"\r\n";
const ALLOW: &str = "allow: GET, HEAD, OPTIONS\r\n";

/// The blocks of the frequent kinds of replies.
pub(super) struct Blocks {
    /// 200 with data.
    pub(super) data: String,
    /// 200 with data of a range whose end is not loaded yet.
    pub(super) open_data: String,
    /// 304.
    pub(super) not_modified: String,
    /// 304 for such a range.
    pub(super) open_not_modified: String,
    /// 404 without data.
    pub(super) no_data: String,
}

/// The blocks of fresh replies.
pub(super) static FRESH: LazyLock<Blocks> = LazyLock::new(|| Blocks {
    data: block(200, &[JSON, DATA_CACHING, VARY]),
    open_data: block(200, &[JSON, OPEN_CACHING, VARY]),
    not_modified: block(304, &[DATA_CACHING, VARY]),
    open_not_modified: block(304, &[OPEN_CACHING, VARY]),
    no_data: block(404, &[PROBLEM_JSON, NO_DATA_CACHING, DATA_HELP]),
});

/// The blocks of stale replies.
pub(super) static STALE: LazyLock<Blocks> = LazyLock::new(|| Blocks {
    data: block(200, &[JSON, STALE_CACHING, VARY]),
    open_data: block(200, &[JSON, STALE_CACHING, VARY]),
    not_modified: block(304, &[STALE_CACHING, VARY]),
    open_not_modified: block(304, &[STALE_CACHING, VARY]),
    no_data: block(404, &[PROBLEM_JSON, STALE_CACHING, DATA_HELP]),
});

/// The block of any fault but the absence of data.
pub(super) fn fault(status: u16) -> String {
    match status {
        400 | 404 => block(status, &[PROBLEM_JSON, ROUTES_HELP]),
        405 => block(405, &[PROBLEM_JSON, ALLOW]),
        503 => block(503, &[PROBLEM_JSON, NO_STORE, "retry-after: 5\r\n"]),
        500.. => block(status, &[PROBLEM_JSON, NO_STORE]),
        _ => block(status, &[PROBLEM_JSON]),
    }
}

pub(super) fn page(status: u16, content_type: &str, cache_control: &str) -> String {
    let content_type = format!("content-type: {content_type}\r\n");
    let cache_control = format!("cache-control: {cache_control}\r\n");
    block(status, &[&content_type, &cache_control])
}

/// The block of a reply to OPTIONS.
pub(super) fn options() -> String {
    block(204, &[ALLOW, "access-control-max-age: 86400\r\n"])
}

fn block(status: u16, lines: &[&str]) -> String {
    format!("HTTP/1.1 {status} {}\r\n{}{COMMON}", reason_phrase(status), lines.concat())
}

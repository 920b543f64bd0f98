//! A reply: what is sent, and the writing of its head.

use super::cache_status::{CacheResult, CacheStatus};
use super::headers::{self, FRESH, STALE};
use super::request::{Lines, Negotiation};
use crate::log::access::LogContext;
use aqs_api::target::Uri;
use aqs_api::{
    Dialect, EncodedBody, EndpointId, Fault, NoData, NoDataReason, Query, Representation,
};
use aqs_origin::Entry;
use bytes::Bytes;
use pingora_core::protocols::http::date::get_cached_date;
use std::sync::Arc;

/// The reply to one request.
#[derive(Debug)]
pub struct Reply {
    pub content: Content,
    /// The endpoint that was requested, if one was.
    pub endpoint: Option<EndpointId>,
    pub cache: CacheStatus,
    /// Whether the gzip form of an entry is sent.
    gzip: bool,
    /// More for the access log.
    pub log_context: Option<Box<LogContext>>,
}

#[derive(Debug)]
pub enum Content {
    /// An entry of the cache, the hot set or the origin.
    Entry(Arc<Entry>),
    /// Headers only: the client's copy of the entry is still right.
    NotModified(Arc<Entry>),
    Fault(Fault, Dialect),
    Page(Page),
    /// The reply to OPTIONS.
    Options,
}

/// A page that is neither data nor a fault.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub content_type: &'static str,
    pub cache_control: &'static str,
    pub body: Bytes,
}

/// What happens to the connection after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// It stays open, which is the default of HTTP/1.1.
    Implicit,
    /// It stays open; an HTTP/1.0 client needs a header for that.
    Explicit,
    Close,
}

impl Reply {
    /// Sends an entry in its identity or gzip form, or what the client's conditions ask for: 412
    /// or 304, in the order of RFC 9110 §13.2.2.
    pub fn entry(
        entry: Arc<Entry>,
        negotiation: Negotiation<'_>,
        gzip: bool,
        cache: CacheStatus,
    ) -> Self {
        let Negotiation { if_match, if_none_match, .. } = negotiation;
        let endpoint = Some(entry.endpoint);
        let body = match &entry.representation {
            Representation::Body(body) => Some(body),
            Representation::NoData(_) => None,
        };
        let names = |lines: Lines<'_>, strong| {
            body.is_some_and(|body| lines.iter().any(|line| names(line, body, strong)))
        };
        let content = if body.is_some() && !if_match.is_empty() && !names(if_match, true) {
            let detail = "the data have changed since the version that If-Match names";
            Content::Fault(Fault::other(412, detail), Dialect::V2)
        } else if names(if_none_match, false) {
            Content::NotModified(entry)
        } else {
            Content::Entry(entry)
        };
        Self { content, endpoint, cache, gzip, log_context: None }
    }

    /// Sends content that was made without a look-up.
    pub fn generated(content: Content) -> Self {
        let cache = CacheStatus::of(CacheResult::Generated);
        Self { content, endpoint: None, cache, gzip: false, log_context: None }
    }

    pub fn fault(fault: Fault, dialect: Dialect) -> Self {
        Self::generated(Content::Fault(fault, dialect))
    }

    /// Sends the fault of a failed miss.
    pub fn failure(fault: Fault, query: &Query) -> Self {
        Self {
            endpoint: Some(query.endpoint_id()),
            cache: CacheStatus::of(CacheResult::Error),
            ..Self::fault(fault, query.key().dialect())
        }
    }

    pub fn with_log_context(self, context: LogContext) -> Self {
        let used = context.leader.is_some() || context.cause.is_some();
        Self { log_context: used.then(|| Box::new(context)), ..self }
    }

    /// The `detail` of `Cache-Status`: why there is no data, unless there simply is none.
    pub fn detail(&self) -> Option<&'static str> {
        let Content::Entry(entry) = &self.content else { return None };
        match &entry.representation {
            Representation::NoData(no_data) => detail(no_data),
            Representation::Body(_) => None,
        }
    }

    /// The content coding of the body, if it has one.
    pub fn coding(&self) -> Option<&'static str> {
        let Content::Entry(entry) = &self.content else { return None };
        let Representation::Body(body) = &entry.representation else { return None };
        self.gzip_form(body).map(|_| "gzip")
    }

    pub fn status(&self) -> u16 {
        match &self.content {
            Content::Entry(entry) => entry.representation.status(),
            Content::NotModified(_) => 304,
            Content::Fault(fault, _) => fault.status(),
            Content::Page(page) => page.status,
            Content::Options => 204,
        }
    }

    /// Writes the head into `head` and returns the body, which is written into `scratch` if it is
    /// not stored anywhere. Both are buffers of the connection and are cleared first.
    pub fn write<'a>(
        &'a self,
        target: &str,
        request_id: &str,
        keep_alive: KeepAlive,
        head: &mut Vec<u8>,
        scratch: &'a mut Vec<u8>,
    ) -> &'a [u8] {
        head.clear();
        scratch.clear();
        let blocks = if self.cache.result.is_stale() { &STALE } else { &FRESH };
        let mut no_data_detail = None;
        let body: Option<&'a [u8]> = match &self.content {
            Content::Entry(entry) => match &entry.representation {
                Representation::Body(body) => {
                    let block = if entry.expects_more { &blocks.open_data } else { &blocks.data };
                    head.extend_from_slice(block.as_bytes());
                    Some(self.write_form(body, head))
                }
                Representation::NoData(no_data) => {
                    no_data_detail = detail(no_data);
                    head.extend_from_slice(blocks.no_data.as_bytes());
                    write_fault(&no_data.fault(), no_data.dialect, target, scratch);
                    Some(scratch)
                }
            },
            Content::NotModified(entry) => {
                let block = match entry.expects_more {
                    true => &blocks.open_not_modified,
                    false => &blocks.not_modified,
                };
                head.extend_from_slice(block.as_bytes());
                if let Representation::Body(body) = &entry.representation {
                    self.write_etag(body, head);
                }
                None
            }
            Content::Fault(fault, dialect) => {
                head.extend_from_slice(headers::fault(fault.status()).as_bytes());
                write_fault(fault, *dialect, target, scratch);
                Some(scratch)
            }
            Content::Page(page) => {
                let block = headers::page(page.status, page.content_type, page.cache_control);
                head.extend_from_slice(block.as_bytes());
                // RFC 9110: no Content-Length with 204.
                (page.status != 204).then_some(&page.body)
            }
            Content::Options => {
                head.extend_from_slice(headers::options().as_bytes());
                None
            }
        };
        if let Some(body) = body {
            head.extend_from_slice(b"content-length: ");
            head.extend_from_slice(itoa::Buffer::new().format(body.len()).as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"cache-status: ");
        self.cache.write(no_data_detail, head);
        head.extend_from_slice(b"\r\nx-request-id: ");
        head.extend_from_slice(request_id.as_bytes());
        head.extend_from_slice(b"\r\ndate: ");
        head.extend_from_slice(get_cached_date().as_bytes());
        head.extend_from_slice(match keep_alive {
            KeepAlive::Implicit => b"\r\n\r\n".as_slice(),
            KeepAlive::Explicit => b"\r\nconnection: keep-alive\r\n\r\n",
            KeepAlive::Close => b"\r\nconnection: close\r\n\r\n",
        });
        body.unwrap_or_default()
    }

    /// The gzip form of a body, if it exists and is to be sent.
    fn gzip_form<'a>(&self, body: &'a EncodedBody) -> Option<&'a Bytes> {
        if self.gzip { body.gzip() } else { None }
    }

    fn write_form<'a>(&self, body: &'a EncodedBody, head: &mut Vec<u8>) -> &'a [u8] {
        self.write_etag(body, head);
        match self.gzip_form(body) {
            Some(gzip) => {
                head.extend_from_slice(b"content-encoding: gzip\r\n");
                gzip
            }
            None => &body.identity,
        }
    }

    /// Writes the entity tag of the form that is, or would be, sent.
    fn write_etag(&self, body: &EncodedBody, head: &mut Vec<u8>) {
        let end = if self.gzip_form(body).is_some() { "-gz\"\r\n" } else { "\"\r\n" };
        head.extend_from_slice(b"etag: \"");
        head.extend_from_slice(body.etag.as_bytes());
        head.extend_from_slice(end.as_bytes());
    }
}

/// The `method` is always `get`, as upstream has it (contract §2.1).
fn write_fault(fault: &Fault, dialect: Dialect, target: &str, body: &mut Vec<u8>) {
    fault.render(dialect, "get", Uri::of(target), body);
}

fn detail(no_data: &NoData) -> Option<&'static str> {
    match no_data.reason {
        NoDataReason::NoData => None,
        reason @ (NoDataReason::NotLoadedYet
        | NoDataReason::OutOfRange
        | NoDataReason::UnknownProject) => Some(reason.name()),
    }
}

/// Whether a line of `If-None-Match` or `If-Match` names a body: compared by its hash, ignoring the
/// suffix of the gzip form, and unless the comparison is strong, `W/`.
///
/// Entity tags can't hold quotes and ours are hexadecimal, so a search for the quoted hash is
/// enough.
fn names(line: &[u8], body: &EncodedBody, strong: bool) -> bool {
    if line.trim_ascii() == b"*" {
        return true;
    }
    let hash = body.etag.as_bytes();
    line.windows(hash.len() + 2).enumerate().any(|(at, window)| {
        let (quote, rest) = (window.first(), window.get(1..=hash.len()));
        let is_weak = line.get(..at).is_some_and(|before| before.ends_with(b"W/"));
        quote == Some(&b'"')
            && rest == Some(hash)
            && matches!(window.last(), Some(b'"' | b'-'))
            && !(strong && is_weak)
    })
}

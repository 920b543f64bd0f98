//! A reply on its way to a client: what is sent, and the writing of its head.

use super::cache_result::CacheResult;
use super::call::Told;
use super::headers::{self, BLOCKS};
use aqs_api::target::Uri;
use aqs_api::{Body, EndpointId, NoDataReason, Problem, Representation};
use aqs_origin::Entry;
use bytes::Bytes;
use pingora_core::protocols::http::date::get_cached_date;
use std::sync::Arc;

/// An answer to one request.
#[derive(Debug)]
pub struct Reply {
    /// What is sent.
    pub content: Content,
    /// The endpoint that was asked, if one was.
    pub endpoint: Option<EndpointId>,
    /// What the cache had to do with it.
    pub result: CacheResult,
    /// Whether an entry's gzip form is sent.
    gzip: bool,
    /// Seconds until an entry is stale.
    ttl: i64,
    /// The generation of the hot set that it comes from, if it does.
    generation: u64,
    /// What the log is told beside.
    pub told: Option<Box<Told>>,
}

/// What is sent.
#[derive(Debug)]
pub enum Content {
    /// What cache or origin gave.
    Entry(Arc<Entry>),
    /// Nothing but headers, since the client has the body already.
    NotModified(Arc<Entry>),
    /// A refusal.
    Problem(Problem),
    /// A page of ours.
    Page(Page),
    /// What may be asked.
    Options,
}

/// A page that is neither data nor a problem.
#[derive(Debug)]
pub struct Page {
    /// Its status.
    pub status: u16,
    /// Its media type.
    pub content_type: &'static str,
    /// Its `Cache-Control`.
    pub cache_control: &'static str,
    /// Its bytes.
    pub body: Bytes,
}

/// What becomes of the connection after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// It stays open, as HTTP/1.1 has it.
    Keep,
    /// It stays open, which an HTTP/1.0 client has to be told.
    KeepTold,
    /// It is closed.
    Close,
}

impl Reply {
    /// Sends an entry in one of its forms, or 304 if the client's validator matches.
    pub fn entry(
        entry: Arc<Entry>,
        if_none_match: Option<&[u8]>,
        gzip: bool,
        result: CacheResult,
        ttl: i64,
    ) -> Self {
        let endpoint = Some(entry.endpoint);
        let matches = if_none_match.is_some_and(|header| validates(header, &entry));
        let content = if matches { Content::NotModified(entry) } else { Content::Entry(entry) };
        // Purged softly, it is stale before its time.
        let ttl = if result.is_stale() { ttl.min(0) } else { ttl };
        Self { content, endpoint, result, gzip, ttl, generation: 0, told: None }
    }

    /// The same from a generation of the hot set, by whose age it is stale.
    pub(super) fn of_generation(self, generation: u64, ttl: i64) -> Self {
        let ttl = if self.result.is_stale() { ttl.min(0) } else { ttl };
        Self { generation, ttl, ..self }
    }

    /// Sends something that neither cache nor store was asked for.
    pub fn generated(content: Content) -> Self {
        let result = CacheResult::Generated;
        let (endpoint, gzip, ttl, generation) = (None, false, 0, 0);
        Self { content, endpoint, result, gzip, ttl, generation, told: None }
    }

    /// Refuses.
    pub fn problem(problem: Problem) -> Self {
        Self::generated(Content::Problem(problem))
    }

    /// Tells that the store failed.
    pub fn failure(problem: Problem, endpoint: EndpointId) -> Self {
        Self {
            endpoint: Some(endpoint),
            result: CacheResult::Error,
            ..Self::generated(Content::Problem(problem))
        }
    }

    /// The same, with something for the log.
    pub fn telling(self, told: Told) -> Self {
        let any = told.leader.is_some() || told.cause.is_some();
        Self { told: any.then(|| Box::new(told)), ..self }
    }

    /// Why there is no data, as far as `Cache-Status` tells.
    pub fn detail(&self) -> Option<&'static str> {
        match &self.content {
            Content::Entry(entry) => match &entry.representation {
                Representation::Problem(problem) => reason(problem),
                Representation::Body(_) => None,
            },
            _ => None,
        }
    }

    /// The coding of the body, if it has one.
    pub fn coding(&self) -> Option<&'static str> {
        let Content::Entry(entry) = &self.content else { return None };
        let Representation::Body(body) = &entry.representation else { return None };
        self.form(body).map(|_| "gzip")
    }

    /// The status.
    pub fn status(&self) -> u16 {
        match &self.content {
            Content::Entry(entry) => entry.representation.status(),
            Content::NotModified(_) => 304,
            Content::Problem(problem) => problem.status,
            Content::Page(page) => page.status,
            Content::Options => 204,
        }
    }

    /// Writes the head into `head` and gives the body, which it writes into `scratch` if it is
    /// not kept anywhere. Both are a connection's own and are emptied here. `request_id` is what
    /// the answer calls its request.
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
        let stale = self.result.is_stale();
        let mut detail = None;
        let body: Option<&'a [u8]> = match &self.content {
            Content::Entry(entry) => match &entry.representation {
                Representation::Body(body) => {
                    let block = if stale { &BLOCKS.stale_data } else { &BLOCKS.data };
                    head.extend_from_slice(block.as_bytes());
                    Some(self.write_form(body, head))
                }
                Representation::Problem(problem) => {
                    detail = reason(problem);
                    self.write_problem(problem, target, head, scratch);
                    Some(scratch)
                }
            },
            Content::NotModified(entry) => {
                let block = if stale { &BLOCKS.stale_not_modified } else { &BLOCKS.not_modified };
                head.extend_from_slice(block.as_bytes());
                if let Representation::Body(body) = &entry.representation {
                    self.write_etag(body, head);
                }
                None
            }
            Content::Problem(problem) => {
                self.write_problem(problem, target, head, scratch);
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
        self.result.write_cache_status(self.ttl, self.generation, detail, head);
        head.extend_from_slice(b"\r\nx-request-id: ");
        head.extend_from_slice(request_id.as_bytes());
        head.extend_from_slice(b"\r\ndate: ");
        head.extend_from_slice(get_cached_date().as_bytes());
        head.extend_from_slice(match keep_alive {
            KeepAlive::Keep => b"\r\n\r\n".as_slice(),
            KeepAlive::KeepTold => b"\r\nconnection: keep-alive\r\n\r\n",
            KeepAlive::Close => b"\r\nconnection: close\r\n\r\n",
        });
        body.unwrap_or_default()
    }

    /// The gzip form of a body, if it is to be sent and there.
    fn form<'a>(&self, body: &'a Body) -> Option<&'a Bytes> {
        if self.gzip { body.gzip() } else { None }
    }

    fn write_form<'a>(&self, body: &'a Body, head: &mut Vec<u8>) -> &'a [u8] {
        self.write_etag(body, head);
        match self.form(body) {
            Some(coded) => {
                head.extend_from_slice(b"content-encoding: gzip\r\n");
                coded
            }
            None => &body.identity,
        }
    }

    fn write_problem(
        &self,
        problem: &Problem,
        target: &str,
        head: &mut Vec<u8>,
        body: &mut Vec<u8>,
    ) {
        match problem.no_data_reason() {
            Some(_) if self.result.is_stale() => {
                head.extend_from_slice(BLOCKS.stale_no_data.as_bytes());
            }
            Some(_) => head.extend_from_slice(BLOCKS.no_data.as_bytes()),
            None => {
                let block = headers::problem(problem.status);
                head.extend_from_slice(block.as_bytes());
            }
        }
        problem.render(Uri::of(target), body);
    }

    /// The entity tag of the form that is, or would be, sent.
    fn write_etag(&self, body: &Body, head: &mut Vec<u8>) {
        head.extend_from_slice(b"etag: \"");
        head.extend_from_slice(body.etag.as_bytes());
        head.extend_from_slice(if self.form(body).is_some() { b"-gz\"\r\n" } else { b"\"\r\n" });
    }
}

/// Why there is no data, where `Cache-Status` tells more than that there is none.
fn reason(problem: &Problem) -> Option<&'static str> {
    match problem.no_data_reason()? {
        NoDataReason::NoData => None,
        told => Some(told.name()),
    }
}

/// Whether an `If-None-Match` header names an entry's body in any coding: compared by the hash,
/// whatever `W/` stands before it or `-gz` behind it.
///
/// Entity tags can't hold quotes and ours are hexadecimal, so a quoted hash is found as it is.
fn validates(header: &[u8], entry: &Entry) -> bool {
    let Representation::Body(body) = &entry.representation else { return false };
    if header.trim_ascii() == b"*" {
        return true;
    }
    let hash = body.etag.as_bytes();
    header.windows(hash.len() + 2).any(|window| {
        let (quote, rest) = (window.first(), window.get(1..=hash.len()));
        quote == Some(&b'"') && rest == Some(hash) && matches!(window.last(), Some(b'"' | b'-'))
    })
}

//! One line for a request: for all, for some, or only for those that fail or are slow.

use super::config::{AccessMode, LogConfig};
use super::fields;
use aqs_origin::{OriginError, RequestId, TraceParent};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A request and what came of it.
#[derive(Debug, Default)]
pub struct Line<'a> {
    /// The method, if the head was understood.
    pub method: Option<&'a str>,
    /// What was asked for, likewise.
    pub target: Option<&'a str>,
    /// The answer's status.
    pub status: u16,
    /// The bytes of the answer, if the client got all.
    pub bytes: Option<usize>,
    /// How long it took, if that was measured.
    pub took: Option<Duration>,
    /// What the cache had to do with it.
    pub cache: &'static str,
    /// What more `Cache-Status` says.
    pub detail: Option<&'static str>,
    /// The endpoint's name.
    pub endpoint: Option<&'static str>,
    /// The coding of the body.
    pub coding: Option<&'static str>,
    /// The request's name.
    pub request_id: &'a str,
    /// The trace that it belongs to.
    pub trace: Option<TraceParent>,
    pub context: Option<&'a LogContext>,
    /// Who asked, if that is to be told.
    pub client: Option<IpAddr>,
}

/// What serving found out about a request, for its line.
#[derive(Clone, Debug, Default)]
pub struct LogContext {
    /// The request whose answer this one shared.
    pub leader: Option<RequestId>,
    /// Why there was no new answer.
    pub cause: Option<Arc<OriginError>>,
}

/// As much of a target as stands in a line.
const TARGET: usize = 1024;

impl LogConfig {
    /// Whether a request gets a line.
    pub fn wants(&self, status: u16, took: Duration) -> bool {
        let always = took >= self.slow || failed(status);
        always || self.samples()
    }

    /// Whether a head that was refused at once gets a line.
    pub fn wants_refused(&self, status: u16) -> bool {
        failed(status) || self.samples()
    }

    fn samples(&self) -> bool {
        match self.access {
            AccessMode::Off => false,
            AccessMode::Sampled => fastrand::u64(..self.sample.max(1)) == 0,
            AccessMode::Full => true,
        }
    }

    /// Writes a line.
    pub fn write(&self, line: &Line<'_>) {
        let Line { method, status, took, cache, detail, endpoint, coding, .. } = *line;
        let target = line.target.map(|target| match target.len() > TARGET {
            true => target.get(..target.floor_char_boundary(TARGET)).unwrap_or_default(),
            false => target,
        });
        let duration = took.map(|took| u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        let bytes = line.bytes.map(|bytes| bytes as u64);
        let cut = bytes.is_none().then_some(true);
        let trace = line.trace.map(|trace| tracing::field::display(trace.trace_id()));
        let parent = line.trace.map(|trace| tracing::field::display(trace.parent_id()));
        let leader =
            line.context.and_then(|context| context.leader.as_ref()).map(tracing::field::display);
        let error =
            line.context.and_then(|context| context.cause.as_ref()).map(tracing::field::display);
        let client = line.client.map(tracing::field::display);
        macro_rules! write {
            ($level:ident, $message:literal) => {
                tracing::event!(
                    target: fields::ACCESS,
                    tracing::Level::$level,
                    { fields::METHOD } = method,
                    { fields::URL } = target,
                    { fields::STATUS } = status,
                    { fields::BYTES } = bytes,
                    { fields::CUT } = cut,
                    { fields::DURATION } = duration,
                    { fields::CACHE } = cache,
                    { fields::DETAIL } = detail,
                    { fields::ENDPOINT } = endpoint,
                    { fields::CODING } = coding,
                    { fields::REQUEST_ID } = line.request_id,
                    { fields::TRACE } = trace,
                    { fields::PARENT } = parent,
                    { fields::LEADER } = leader,
                    { fields::ERROR } = error,
                    { fields::CLIENT } = client,
                    $message
                )
            };
        }
        if failed(status) {
            write!(ERROR, "failed");
        } else if took.is_some_and(|took| took >= self.slow) {
            write!(WARN, "slow");
        } else if took.is_none() {
            write!(INFO, "refused");
        } else {
            write!(INFO, "answered");
        }
    }
}

/// Whether the failure is ours. That a client speaks another version of HTTP is not.
fn failed(status: u16) -> bool {
    status >= 500 && status != 505
}

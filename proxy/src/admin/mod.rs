//! The admin listener: health, readiness, metrics; and, for whoever has the token, writes.

mod auth;
mod hot_set;
mod jobs;
mod log_level;
mod parameters;
mod purge;
mod ready;
mod refusal;
mod routes;
mod token;

pub use auth::AdminAuth;
pub use jobs::Begun;
pub use ready::{Latch, Ready};
pub use token::{Token, TokenError};

use crate::log::fields;
use crate::serve::{Content, Method, Reply, RequestHead, Served, Service};
use aqs_api::Problem;
use aqs_api::problem::Code;
use refusal::Refusal;
use routes::{Read, Route, Write};
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinHandle;

impl Service {
    /// Answers a request of the admin listener.
    pub(crate) fn admin(self: &Arc<Self>, head: &RequestHead<'_>) -> Served {
        let (path, query) = head.target.split_once('?').unwrap_or((head.target, ""));
        let found = Route::of(path);
        let route = found.map(|(route, _)| route);
        let (allow, method) = (route.map_or("", Route::allow), head.method);
        let served = match self.at(found, query, head) {
            Ok(served) => served,
            Err(refusal) => Served::Now(self.turn_down(refusal, route, head)),
        };
        match served {
            Served::Now(reply) => Served::Now(reply.for_operators(allow, method)),
            Served::Later(reply) => {
                Served::Later(Box::pin(async move { reply.await.for_operators(allow, method) }))
            }
        }
    }

    fn at(
        self: &Arc<Self>,
        found: Option<(&Route, &str)>,
        query: &str,
        head: &RequestHead<'_>,
    ) -> Result<Served, Refusal> {
        if !found.is_some_and(|(route, _)| route.is_probe()) {
            self.auth.admits(head)?;
        }
        let Some((route, id)) = found else {
            return Ok(Served::Now(Reply::problem(Problem::invalid_route())));
        };
        let write = match (head.method, route.get, route.post, route.delete) {
            (Method::Get | Method::Head, Some(read), ..) => return self.read(read, id, head),
            (Method::Post, _, Some(write), _) | (Method::Delete, .., Some(write)) => write,
            (Method::Options, ..) => return Ok(Served::Now(Reply::generated(Content::Options))),
            _ => {
                let detail = format!("method not allowed, use {}", route.allow());
                let problem = Problem::new(405, Code::MethodNotAllowed, detail);
                return Ok(Served::Now(Reply::problem(problem)));
            }
        };
        self.auth.admits_writing(head)?;
        Ok(match write {
            Write::LogLevel => Served::Now(self.set_log_level(query, &head.call)),
            Write::Purge => self.purge_by(query, &head.call),
            Write::Rollback => self.roll_back(query, &head.call),
            Write::Verify => self.verify_hot_set(query, &head.call),
            Write::StartJob => Served::Now(self.start_job(query, &head.call)),
            Write::CancelJob => Served::Now(self.cancel_job(id, query, &head.call)),
        })
    }

    fn read(
        self: &Arc<Self>,
        read: Read,
        id: &str,
        head: &RequestHead<'_>,
    ) -> Result<Served, Refusal> {
        if !matches!(read, Read::Index | Read::Health | Read::Readiness) {
            self.auth.admits_reading(head)?;
        }
        Ok(Served::Now(match read {
            Read::Index => Reply::text(routes::index()),
            Read::Health => Reply::healthy(),
            Read::Readiness => self.readiness(),
            Read::Metrics => self.metrics_page(),
            Read::LogLevel => self.log_level(),
            Read::HotSet => return Ok(self.show_hot_set()),
            Read::Jobs => Reply::json(&self.jobs.list()),
            Read::Job => self.show_job(id),
        }))
    }

    fn readiness(&self) -> Reply {
        let (missing, health_issues) = (self.ready.missing(), self.origin.health_issues());
        if missing.is_empty() {
            return match health_issues.is_empty() {
                true => Reply::json(&json!({"status": "ready"})),
                false => Reply::json(&json!({"status": "ready", "warnings": health_issues})),
            };
        }
        let mut detail = format!("not ready: {}", missing.join(", "));
        if !health_issues.is_empty() {
            detail.push_str(&format!(" ({})", health_issues.join("; ")));
        }
        Reply::problem(Problem::new(503, Code::Unavailable, detail))
    }
}

/// Answers once some work has ended, which goes on also if nobody waits for the answer any more.
fn outlasting(work: JoinHandle<Reply>, failed: &'static str) -> Served {
    Served::Later(Box::pin(async move {
        work.await.unwrap_or_else(|error| {
            tracing::error!(target: fields::ADMIN, %error, "an operator's request failed");
            Reply::problem(Problem::new(500, Code::StoreFailed, failed))
        })
    }))
}

/// Refuses a parameter.
fn bad(detail: String) -> Reply {
    Reply::problem(Problem::new(400, Code::InvalidParameter, detail))
}

/// Tells that what is named isn't there.
fn unknown(detail: impl Into<std::borrow::Cow<'static, str>>) -> Reply {
    Reply::problem(Problem::new(404, Code::Unknown, detail))
}

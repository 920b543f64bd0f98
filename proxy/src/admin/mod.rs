//! The admin listener: health, readiness, metrics; and, for whoever has the token, writes.

mod door;
mod log_level;
mod purge;
mod ready;
mod refusal;
mod routes;
mod token;

pub use door::Door;
pub use ready::{Latch, Ready};
pub use token::{Token, TokenError};

use crate::serve::{Content, HeadView, Method, Reply, Served, Service};
use aqs_api::Problem;
use aqs_api::problem::Code;
use refusal::Refusal;
use routes::{Read, Route, Write};
use serde_json::json;
use std::sync::Arc;

impl Service {
    /// Answers a request of the admin listener.
    pub(crate) fn admin(self: &Arc<Self>, head: &HeadView<'_>) -> Served {
        let (path, query) = head.target.split_once('?').unwrap_or((head.target, ""));
        let route = Route::of(path);
        let allow = route.map_or("", Route::allow);
        let served = match self.at(route, query, head) {
            Ok(served) => served,
            Err(refusal) => Served::Now(self.turn_down(refusal, route, head)),
        };
        match served {
            Served::Now(reply) => Served::Now(reply.for_operators(allow)),
            Served::Later(reply) => {
                Served::Later(Box::pin(async move { reply.await.for_operators(allow) }))
            }
        }
    }

    fn at(
        self: &Arc<Self>,
        route: Option<&Route>,
        query: &str,
        head: &HeadView<'_>,
    ) -> Result<Served, Refusal> {
        if !route.is_some_and(Route::is_probe) {
            self.door.admits(head)?;
        }
        let Some(route) = route else {
            return Ok(Served::Now(Reply::problem(Problem::invalid_route())));
        };
        match (head.method, route.read, route.write) {
            (Method::Get | Method::Head, Some(read), _) => self.read(read, head).map(Served::Now),
            (Method::Post, _, Some(write)) => {
                self.door.admits_writing(head)?;
                Ok(match write {
                    Write::LogLevel => Served::Now(self.set_log_level(query, &head.call)),
                    Write::Purge => self.purge_by(query, &head.call),
                })
            }
            (Method::Options, ..) => Ok(Served::Now(Reply::generated(Content::Options))),
            _ => {
                let detail = format!("method not allowed, use {}", route.allow());
                let problem = Problem::new(405, Code::MethodNotAllowed, detail);
                Ok(Served::Now(Reply::problem(problem)))
            }
        }
    }

    fn read(&self, read: Read, head: &HeadView<'_>) -> Result<Reply, Refusal> {
        Ok(match read {
            Read::Index => Reply::text(routes::index()),
            Read::Health => Reply::healthy(),
            Read::Readiness => self.readiness(),
            Read::Metrics => {
                self.door.admits_reading(head)?;
                self.metrics_page()
            }
            Read::LogLevel => {
                self.door.admits_reading(head)?;
                self.log_level()
            }
        })
    }

    fn readiness(&self) -> Reply {
        let (missing, troubles) = (self.ready.missing(), self.origin.troubles());
        if missing.is_empty() {
            return match troubles.is_empty() {
                true => Reply::json(&json!({"status": "ready"})),
                false => Reply::json(&json!({"status": "ready", "warnings": troubles})),
            };
        }
        let mut detail = format!("not ready: {}", missing.join(", "));
        if !troubles.is_empty() {
            detail.push_str(&format!(" ({})", troubles.join("; ")));
        }
        Reply::problem(Problem::new(503, Code::Unavailable, detail))
    }
}

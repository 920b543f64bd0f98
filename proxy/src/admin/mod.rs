//! The admin listener: health, readiness, metrics; and, for whoever has the token, purges.

mod door;
mod log_level;
mod purge;
mod ready;
mod token;

pub use door::Door;
pub use ready::{Latch, Ready};
pub use token::{Token, TokenError};

use crate::serve::{HeadView, Method, Reply, Served, Service};
use aqs_api::Problem;
use aqs_api::problem::Code;
use serde_json::json;
use std::sync::Arc;

impl Service {
    /// Answers a request of the admin listener.
    pub(crate) fn admin(self: &Arc<Self>, head: &HeadView<'_>) -> Served {
        let (path, query) = head.target.split_once('?').unwrap_or((head.target, ""));
        match (head.method, path) {
            (Method::Get | Method::Head, "/") => Served::Now(Reply::text(
                "/healthz\n/readyz\n/metrics\n/admin/metrics\n/admin/log-level\nPOST /admin/purge\n",
            )),
            (Method::Get | Method::Head, "/healthz") => Served::Now(Reply::healthy()),
            (Method::Get | Method::Head, "/readyz") => Served::Now(self.readiness()),
            (Method::Get | Method::Head, "/metrics" | "/admin/metrics") => {
                Served::Now(match self.door.admits_reading(head) {
                    Ok(()) => self.metrics_page(),
                    Err(problem) => Reply::problem(problem),
                })
            }
            (Method::Get | Method::Head, "/admin/log-level") => {
                Served::Now(match self.door.admits_reading(head) {
                    Ok(()) => self.log_level(),
                    Err(problem) => Reply::problem(problem),
                })
            }
            (Method::Post, "/admin/log-level") => Served::Now(match self.door.admits(head) {
                Ok(()) => self.set_log_level(query),
                Err(problem) => Reply::problem(problem),
            }),
            (Method::Post, "/admin/purge") => match self.door.admits(head) {
                Ok(()) => self.purge_by(query),
                Err(problem) => Served::Now(Reply::problem(problem)),
            },
            (
                _,
                "/" | "/healthz" | "/readyz" | "/metrics" | "/admin/metrics" | "/admin/log-level"
                | "/admin/purge",
            ) => Served::Now(Reply::problem(Problem::method_not_allowed())),
            _ => Served::Now(Reply::problem(Problem::invalid_route())),
        }
    }

    fn readiness(&self) -> Reply {
        let missing = self.ready.missing();
        if missing.is_empty() {
            return Reply::json(&json!({"status": "ready"}));
        }
        let detail = format!("not ready: {}", missing.join(", "));
        Reply::problem(Problem::new(503, Code::Unavailable, detail))
    }
}

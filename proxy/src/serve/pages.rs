//! The few pages beside the data: index, robots, health, metrics.

use super::{Content, Page, Reply, Service};
use crate::build_info;
use aqs_api::Problem;
use aqs_api::problem::Code;
use aqs_origin::Moment;
use bytes::Bytes;
use parking_lot::Mutex;
use prometheus::{Encoder, TextEncoder};
use serde::Serialize;

const DAY: &str = "max-age=86400";
/// For how many seconds clients are shown the same metrics.
const PUBLIC_METRICS_KEPT: i64 = 1;
const NO_STORE: &str = "no-store";
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";

impl Service {
    /// A page of the public listener.
    pub(super) fn page(&self, target: &str) -> Reply {
        match path(target) {
            "/" => ok(TEXT, DAY, self.index()),
            "/robots.txt" => ok(TEXT, DAY, "User-agent: *\nDisallow: /\n"),
            "/favicon.ico" => Reply::generated(Content::Page(Page {
                status: 204,
                content_type: TEXT,
                cache_control: DAY,
                body: Bytes::new(),
            })),
            "/healthz" if self.public_pages.upstream_health => Reply::upstream_health(),
            "/healthz" => Reply::healthy(),
            "/metrics" | "/admin/metrics" if self.public_pages.metrics => self.public_metrics(),
            _ => Reply::problem(Problem::invalid_route()),
        }
    }

    /// The same for clients, of whom there may be many.
    fn public_metrics(&self) -> Reply {
        let now = self.clock.now();
        let mut kept = self.public_metrics.0.lock();
        match &*kept {
            Some((made, page)) if (0..PUBLIC_METRICS_KEPT).contains(&now.seconds_since(*made)) => {
                metrics(Some(page.clone()))
            }
            _ => {
                let page = self.gathered();
                *kept = page.clone().map(|page| (now, page));
                metrics(page)
            }
        }
    }

    pub(crate) fn gathered(&self) -> Option<Bytes> {
        self.refresh_gauges();
        let mut body = Vec::new();
        let written = TextEncoder::new().encode(&self.registry.gather(), &mut body);
        let logged =
            written.inspect_err(|error| tracing::error!(%error, "the metrics can't be written"));
        logged.ok().map(|()| body.into())
    }

    fn index(&self) -> String {
        let mut text = String::from("aqs: the analytics API of the wikis\n\nEndpoints:\n");
        for (_, endpoint) in self.catalogue.endpoints() {
            text.push_str(&format!("  /metrics{}\n", endpoint.template()));
            text.push_str(&format!("      {}\n", endpoint.summary));
        }
        text.push_str("  /metrics/datasets\n      What is loaded, and how new it is\n");
        text
    }
}

/// A page with when it was made.
#[derive(Debug, Default)]
pub struct KeptPage(Mutex<Option<(Moment, Bytes)>>);

impl Reply {
    /// That the process lives, and what was built, as the upstream services say it.
    fn upstream_health() -> Self {
        /// The compiler stands where theirs is looked for.
        #[derive(Serialize)]
        struct Health {
            version: &'static str,
            build_date: &'static str,
            build_host: &'static str,
            go_version: &'static str,
        }
        let health = Health {
            version: build_info::VERSION,
            build_date: build_info::BUILD_DATE,
            build_host: build_info::BUILD_HOST,
            go_version: build_info::RUST_VERSION,
        };
        // Words under words: writing them can't fail.
        ok(JSON, NO_STORE, serde_json::to_string_pretty(&health).unwrap_or_default())
    }

    /// That the process lives.
    pub(crate) fn healthy() -> Self {
        Self::json(&serde_json::json!({"status": "ok"}))
    }

    /// A document that nobody keeps.
    pub(crate) fn json(value: &impl Serialize) -> Self {
        ok(JSON, NO_STORE, line(value))
    }
}

fn metrics(page: Option<Bytes>) -> Reply {
    match page {
        Some(page) => ok("text/plain; version=0.0.4; charset=utf-8", NO_STORE, page),
        None => Reply::problem(Problem::new(
            500,
            Code::StoreFailed,
            "The metrics can't be written; the log says why.",
        )),
    }
}

/// A document in a line.
fn line(value: &impl Serialize) -> String {
    // Structures of ours: writing them can't fail.
    serde_json::to_string(value).unwrap_or_default() + "\n"
}

fn ok(content_type: &'static str, cache_control: &'static str, body: impl Into<Bytes>) -> Reply {
    Reply::generated(Content::Page(Page {
        status: 200,
        content_type,
        cache_control,
        body: body.into(),
    }))
}

fn path(target: &str) -> &str {
    target.split('?').next().unwrap_or(target)
}

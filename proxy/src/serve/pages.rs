//! The few pages beside the data: index, robots, health, metrics.

use super::{Content, Page, Reply, Service};
use aqs_api::Problem;
use bytes::Bytes;
use prometheus::{Encoder, TextEncoder};

const DAY: &str = "max-age=86400";
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
            "/healthz" => Reply::healthy(),
            _ => Reply::problem(Problem::invalid_route()),
        }
    }

    /// The metrics as Prometheus reads them.
    pub(crate) fn metrics_page(&self) -> Reply {
        self.refresh_gauges();
        let mut body = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut body) {
            Ok(()) => ok("text/plain; version=0.0.4; charset=utf-8", NO_STORE, body),
            Err(error) => {
                tracing::error!(%error, "the metrics can't be written");
                Reply::problem(Problem::new(
                    500,
                    aqs_api::problem::Code::StoreFailed,
                    "The metrics can't be written; the log says why.",
                ))
            }
        }
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

impl Reply {
    /// That the process lives.
    pub(crate) fn healthy() -> Self {
        Self::json(&serde_json::json!({"status": "ok"}))
    }

    /// A document that nobody keeps.
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        ok(JSON, NO_STORE, format!("{value}\n"))
    }

    /// A text that nobody keeps.
    pub(crate) fn text(text: &'static str) -> Self {
        ok(TEXT, NO_STORE, text)
    }
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

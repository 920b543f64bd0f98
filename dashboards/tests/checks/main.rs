//! Checks of the dashboard, the rules, the runbook and the links of all pages. `.ci/prometheus` runs `evaluation`, which
//! needs a real Prometheus.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end where it fails"
)]

mod dashboard;
mod evaluation;
mod expressions;
mod links;
mod metrics;
mod rules;
mod runbook;

//! The lines that the upstream services begin with.

use crate::build_info::{BUILD_DATE, BUILD_HOST, RUST_VERSION};

/// Says what starts (contract §6.3), with our language where theirs stands.
pub fn initializing(service: &str) {
    let rust = RUST_VERSION.trim_start_matches("rustc ");
    tracing::info!(
        "initializing service {service} (Rust version {rust}, Build host {BUILD_HOST}, Timestamp {BUILD_DATE})"
    );
}

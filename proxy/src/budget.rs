//! The size of the memory budget.

use sysinfo::System;

/// What is taken where the machine doesn't tell its size.
const UNKNOWN: u64 = 256 * 1024 * 1024;

/// Half of what the control group allows, or a quarter of the machine.
pub fn default_bytes() -> u64 {
    let Ok(mut system) = System::new() else { return UNKNOWN };
    system.refresh_memory();
    match system.cgroup_limits() {
        // Without a limit it tells the machine's size.
        Some(limits) if limits.total_memory < system.total_memory() => limits.total_memory / 2,
        _ => system.total_memory() / 4,
    }
}

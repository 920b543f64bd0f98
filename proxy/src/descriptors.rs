//! File descriptors: how many connections they allow.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What listeners, stores and logs need beside connections.
const RESERVE: u64 = 128;

/// Raises the limit of open files as far as it goes, and gives how many connections it leaves
/// room for: beyond it, accepting would fail.
pub fn for_connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(_) => limit.current,
    };
    match files {
        Some(files) => usize::try_from(files.saturating_sub(RESERVE).max(16)).unwrap_or(usize::MAX),
        None => usize::MAX,
    }
}

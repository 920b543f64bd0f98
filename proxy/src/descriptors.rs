//! File descriptors: how many connections they allow.

use crate::admin::MAX_CONNECTIONS as ADMIN_CONNECTIONS;
use crate::config::Config;
use crate::net::max_rejections;
use aqs_origin::store::embedded::MAX_OPEN_FILES;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Standard streams, the runtime's own, the state directory; some to spare.
const OTHERS: usize = 64;
/// A listener has one of its own and one that accepts.
const LISTENER: usize = 2;

/// What is needed, of so many files, beside the connections of clients.
fn reserve(config: &Config, files: usize) -> usize {
    let refusals = max_rejections(config.limits.connections.min(files));
    let listeners = LISTENER * (config.public_addresses().len() + config.admin.listen.len());
    ADMIN_CONNECTIONS + refusals + listeners + MAX_OPEN_FILES + OTHERS
}

/// Raises the limit of open files as far as it goes, and gives how many connections it leaves
/// room for: beyond it, accepting would fail.
pub fn for_connections(config: &Config) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(_) => limit.current,
    };
    match files {
        Some(files) => {
            let files = usize::try_from(files).unwrap_or(usize::MAX);
            left(files, reserve(config, files))
        }
        None => usize::MAX,
    }
}

/// With hardly any files there is still a service, if a bad one.
fn left(files: usize, reserve: usize) -> usize {
    files.saturating_sub(reserve).max(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_refusals_and_the_store_have_their_files() {
        let config = Config::default();
        for (files, refusals) in [(1024, 64), (16_000, 1000), (1 << 20, 1024)] {
            let needed = 100 + refusals + 64 + 2 * (1 + 1) + MAX_OPEN_FILES;
            assert!(reserve(&config, files) >= needed, "{files}");
            assert!(reserve(&config, files) < needed + 100, "{files}");
        }
        assert_eq!(left(1024, 400), 624);
        assert_eq!(left(100, 400), 16);
    }
}

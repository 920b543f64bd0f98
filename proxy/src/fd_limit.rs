//! The number of connections that the limit of open files allows.

use crate::admin::MAX_CONNECTIONS as ADMIN_CONNECTIONS;
use crate::config::Config;
use crate::net::max_rejections;
use aqs_origin::store::embedded::MAX_OPEN_FILES;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Standard streams, the runtime, the state directory, and a margin.
const OTHERS: usize = 64;
/// A listener has two sockets.
const LISTENER: usize = 2;

/// The files that are not available to client connections.
fn reserve(config: &Config, files: usize) -> usize {
    let refusals = max_rejections(config.limits.connections.min(files));
    let listeners = LISTENER * (config.public_addresses().len() + config.admin.listen.len());
    ADMIN_CONNECTIONS + refusals + listeners + MAX_OPEN_FILES + OTHERS
}

/// Raises the limit of open files to the hard limit. Returns how many connections it allows;
/// beyond it, accepting fails.
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

/// Some connections are always allowed, so that there is a service.
fn left(files: usize, reserve: usize) -> usize {
    files.saturating_sub(reserve).max(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_reserved_for_admin_rejections_and_store() {
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

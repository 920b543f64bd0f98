//! The admin listener's paths: one table, which answers, the index and `Allow` are made from.

/// A path and what it is for.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) path: &'static str,
    /// What GET and HEAD give.
    pub(super) read: Option<Read>,
    /// What POST does.
    pub(super) write: Option<Write>,
}

/// What can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Index,
    Health,
    Readiness,
    Metrics,
    LogLevel,
}

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    LogLevel,
    Purge,
}

const fn reads(path: &'static str, read: Read) -> Route {
    Route { path, read: Some(read), write: None }
}

static ROUTES: [Route; 7] = [
    reads("/", Read::Index),
    reads("/healthz", Read::Health),
    reads("/readyz", Read::Readiness),
    reads("/metrics", Read::Metrics),
    reads("/admin/metrics", Read::Metrics),
    Route { path: "/admin/log-level", read: Some(Read::LogLevel), write: Some(Write::LogLevel) },
    Route { path: "/admin/purge", read: None, write: Some(Write::Purge) },
];

impl Route {
    /// The route of a path.
    pub(super) fn of(path: &str) -> Option<&'static Self> {
        ROUTES.iter().find(|route| route.path == path)
    }

    /// Whether it is asked by probes, which name hosts as they like.
    pub(super) fn is_probe(&self) -> bool {
        matches!(self.read, Some(Read::Health | Read::Readiness))
    }

    /// The methods that it takes.
    pub(super) fn allow(&self) -> &'static str {
        match (self.read, self.write) {
            (Some(_), None) => "GET, HEAD, OPTIONS",
            (Some(_), Some(_)) => "GET, HEAD, POST, OPTIONS",
            (None, _) => "POST, OPTIONS",
        }
    }
}

/// What can be asked, a line each.
pub(super) fn index() -> String {
    let mut text = String::new();
    for route in &ROUTES[1..] {
        for (method, takes) in [("", route.read.is_some()), ("POST ", route.write.is_some())] {
            if takes {
                text.push_str(&format!("{method}{}\n", route.path));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_names_every_way_in() {
        assert_eq!(
            index(),
            "/healthz\n/readyz\n/metrics\n/admin/metrics\n/admin/log-level\n\
             POST /admin/log-level\nPOST /admin/purge\n"
        );
    }
}

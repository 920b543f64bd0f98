//! From a request target to the path inside the API, and back to the `uri` of a fault.

use crate::key::Dialect;
use crate::percent;
use serde::{Serialize, Serializer};
use std::fmt;

/// The public prefixes of the endpoints, with the dialect of each.
pub const PREFIXES: &[(&str, Dialect)] = &[
    ("/metrics", Dialect::V2),
    ("/api/rest_v1/metrics", Dialect::V2),
    ("/wikimedia.org/v1/metrics", Dialect::V2),
    ("/analytics.wikimedia.org/v1", Dialect::V1),
];

/// A request target without its public prefix and query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    pub dialect: Dialect,
    /// The path after the prefix, undecoded, with its leading slash.
    pub path: &'a str,
}

impl<'a> Target<'a> {
    /// Cuts prefix and query off a target in origin form; `None` if it is under no prefix.
    pub fn parse(target: &'a str) -> Option<Self> {
        let path = without_query(target);
        PREFIXES.iter().find_map(|&(prefix, dialect)| {
            let rest = path.strip_prefix(prefix)?;
            rest.starts_with('/').then_some(Self { dialect, path: rest })
        })
    }
}

/// The `uri` of a fault (contract §2.1): the target with its public prefix replaced by `/metrics`
/// and without its query. Nothing is decoded, but bytes above ASCII are escaped.
#[derive(Clone, Copy, Debug)]
pub struct Uri<'a> {
    prefix: &'static str,
    rest: &'a str,
}

impl<'a> Uri<'a> {
    pub fn of(target: &'a str) -> Self {
        let path = without_query(target);
        PREFIXES
            .iter()
            .filter(|(_, dialect)| *dialect == Dialect::V2)
            .filter_map(|(prefix, _)| path.strip_prefix(prefix))
            .find(|rest| rest.is_empty() || rest.starts_with('/'))
            .map_or(Self { prefix: "", rest: path }, |rest| Self { prefix: "/metrics", rest })
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix)?;
        percent::escape_non_ascii(self.rest, f)
    }
}

impl Serialize for Uri<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn without_query(target: &str) -> &str {
    let end = memchr::memchr2(b'?', b'#', target.as_bytes());
    end.and_then(|end| target.get(..end)).unwrap_or(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_leads_to_the_same_path() {
        for prefix in ["/metrics", "/api/rest_v1/metrics", "/wikimedia.org/v1/metrics"] {
            let target = format!("{prefix}/pageviews/top/a%2Fb/x?utm=1");
            let expected = Target { dialect: Dialect::V2, path: "/pageviews/top/a%2Fb/x" };
            assert_eq!(Target::parse(&target), Some(expected));
            assert_eq!(Uri::of(&target).to_string(), "/metrics/pageviews/top/a%2Fb/x");
        }
    }

    #[test]
    fn the_old_dialect_keeps_its_own_uri() {
        let target = "/analytics.wikimedia.org/v1/pageviews/x";
        assert_eq!(Target::parse(target).map(|found| found.dialect), Some(Dialect::V1));
        assert_eq!(Uri::of(target).to_string(), target);
    }

    #[test]
    fn other_paths_are_refused() {
        for other in ["/", "/metrics", "/metricsx/a", "/healthz", "", "*"] {
            assert_eq!(Target::parse(other), None, "{other}");
        }
        assert_eq!(Uri::of("/a/Café?x").to_string(), "/a/Caf%C3%A9");
    }
}

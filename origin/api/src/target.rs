//! From a request target to the path inside the API, and back to the `uri` of a problem.

use crate::dialect::Dialect;
use crate::percent;

/// The prefixes under which the endpoints are reached, and the dialect that each speaks.
pub const PREFIXES: &[(&str, Dialect)] = &[
    ("/metrics", Dialect::V2),
    ("/api/rest_v1/metrics", Dialect::V2),
    ("/wikimedia.org/v1/metrics", Dialect::V2),
    ("/analytics.wikimedia.org/v1", Dialect::V1),
];

/// A request target without its public prefix and query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Whose rules answer it.
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

/// The target as the service sees it: what a problem calls its `uri` (contract §2.1).
///
/// A public prefix is replaced by `/metrics`; nothing is decoded; the query is left out.
pub fn uri(target: &str) -> String {
    let mut uri = String::with_capacity(target.len());
    let path = without_query(target);
    let inside = PREFIXES
        .iter()
        .filter(|(_, dialect)| *dialect == Dialect::V2)
        .filter_map(|(prefix, _)| path.strip_prefix(prefix))
        .find(|rest| rest.is_empty() || rest.starts_with('/'));
    if inside.is_some() {
        uri.push_str("/metrics");
    }
    percent::escape_non_ascii_into(&mut uri, inside.unwrap_or(path).as_bytes());
    uri
}

fn without_query(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or(target)
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
            assert_eq!(uri(&target), "/metrics/pageviews/top/a%2Fb/x");
        }
    }

    #[test]
    fn the_old_dialect_keeps_its_own_uri() {
        let target = "/analytics.wikimedia.org/v1/pageviews/x";
        assert_eq!(Target::parse(target).map(|found| found.dialect), Some(Dialect::V1));
        assert_eq!(uri(target), target);
    }

    #[test]
    fn other_paths_are_no_targets() {
        for other in ["/", "/metrics", "/metricsx/a", "/healthz", "", "*"] {
            assert_eq!(Target::parse(other), None, "{other}");
        }
        assert_eq!(uri("/a/Café?x"), "/a/Caf%C3%A9");
    }
}

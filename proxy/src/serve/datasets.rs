//! `/metrics/datasets`: what is loaded, for clients that ask how new the data is.

use super::{Content, Page, Reply, Service};
use aqs_api::problem::Code;
use aqs_api::{Dialect, Problem, Target, json};

const PATH: &str = "/datasets";

impl Service {
    /// The page, if it is what is asked for: the oldest and newest period of each dataset, in the
    /// digits that `start` and `end` take; 503 as long as that could not be learned.
    pub(super) fn datasets_page(&self, target: Target<'_>) -> Option<Reply> {
        if target.path != PATH || target.dialect != Dialect::V2 {
            return None;
        }
        let coverage = self.origin.coverage();
        // A store that is away is never one that holds nothing.
        if coverage.is_empty() && !self.origin.health_issues().is_empty() {
            let detail =
                "What the data store holds is not known at the moment. Please try again later.";
            return Some(Reply::problem(Problem::new(503, Code::Unavailable, detail)));
        }
        let mut body = b"{\"items\":[".to_vec();
        for dataset in self.catalogue.datasets() {
            let Some(extent) = coverage.get(dataset) else { continue };
            if !body.ends_with(b"[") {
                body.push(b',');
            }
            for (before, text) in [
                ("{\"dataset\":", dataset.name),
                (",\"granularity\":", dataset.granularity.as_str()),
                (",\"first\":", extent.first.as_str()),
                (",\"last\":", extent.last.as_str()),
            ] {
                body.extend_from_slice(before.as_bytes());
                json::string(&mut body, text);
            }
            body.push(b'}');
        }
        body.extend_from_slice(b"]}");
        Some(Reply::generated(Content::Page(Page {
            status: 200,
            content_type: "application/json; charset=utf-8",
            cache_control: "s-maxage=60, max-age=60",
            body: body.into(),
        })))
    }
}

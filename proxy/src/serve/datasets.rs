//! `/metrics/datasets`: what is loaded, for clients that ask how new the data is.

use super::{Content, Page, Reply, Service};
use aqs_api::{Dialect, Target, json};

const PATH: &str = "/datasets";

impl Service {
    /// The page, if it is what is asked for: the oldest and newest period of each dataset, in the
    /// digits that `start` and `end` take.
    pub(super) fn datasets_page(&self, target: Target<'_>) -> Option<Reply> {
        if target.path != PATH || target.dialect != Dialect::V2 {
            return None;
        }
        let coverage = self.origin.coverage();
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
            location: None,
            body: body.into(),
        })))
    }
}

//! The pages besides the data: index, robots, health, metrics, datasets.

use super::{MetricsPage, Service};
use crate::build_info;
use crate::http::{Content, Page, Reply};
use aqs_api::calendar::Granularity;
use aqs_api::target::PREFIXES;
use aqs_api::{Dialect, Fault, Target};
use bytes::Bytes;
use serde::Serialize;

const DAY: &str = "max-age=86400";
const NO_STORE: &str = "no-store";
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";

/// What the public listeners serve besides the API.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublicPages {
    /// Whether `/healthz` describes the build, as in the upstream services.
    pub upstream_health: bool,
    pub metrics: bool,
}

impl Service {
    pub(super) fn page(&self, target: &str) -> Reply {
        match target.split('?').next().unwrap_or(target) {
            "/" => page(200, TEXT, DAY, self.index()),
            "/robots.txt" => page(200, TEXT, DAY, "User-agent: *\nDisallow: /\n"),
            "/favicon.ico" => page(204, TEXT, DAY, Bytes::new()),
            "/healthz" if self.public_pages.upstream_health => upstream_health(),
            "/healthz" => page(200, JSON, NO_STORE, "{\"status\":\"ok\"}\n"),
            "/metrics" | "/admin/metrics" if self.public_pages.metrics => {
                match self.metrics_page.recent() {
                    Ok(body) => page(200, MetricsPage::CONTENT_TYPE, NO_STORE, body),
                    Err(_) => Reply::fault(MetricsPage::fault(), Dialect::V2),
                }
            }
            path => {
                let roots = PREFIXES.iter().chain([&("/api/rest_v1", Dialect::V2)]);
                let is_root = |(prefix, _): &&(&str, Dialect)| {
                    path.strip_prefix(prefix).is_some_and(|rest| ["", "/"].contains(&rest))
                };
                let root = roots.copied().find(|root| is_root(&root));
                let root = root.map(|(_, dialect)| Target { dialect, path: "/" });
                let listing = root.and_then(|root| self.listing_page(root));
                listing.unwrap_or_else(|| Reply::fault(Fault::InvalidRoute, Dialect::V2))
            }
        }
    }

    fn index(&self) -> String {
        let mut text = String::from("aqs: the analytics API of the wikis\n\n");
        if let Some(notice) = self.notice {
            text.push_str(&format!("{notice}\n\n"));
        }
        text.push_str("Endpoints:\n");
        for (_, endpoint) in self.origin.catalogue().endpoints() {
            text.push_str(&format!("  /metrics{}\n", endpoint.template()));
            text.push_str(&format!("      {}\n", endpoint.summary));
        }
        text.push_str("  /metrics/datasets\n      What is loaded, and how new it is\n");
        text
    }

    /// What is below a path that is shorter than that of any endpoint.
    pub(super) fn listing_page(&self, target: Target<'_>) -> Option<Reply> {
        #[derive(Serialize)]
        struct Listing {
            items: Vec<String>,
        }
        let mut items = self.origin.catalogue().listing(target)?;
        if target.path == "/" {
            items.push("datasets".to_owned());
        }
        // A struct of strings: writing it can't fail.
        let body = serde_json::to_vec(&Listing { items }).unwrap_or_default();
        Some(page(200, JSON, "s-maxage=600, max-age=600", body))
    }

    /// `/metrics/datasets`, if it is the target: the first and last period of each dataset in ISO
    /// 8601, and the endpoints that are answered from it; 503 while the coverage of the store is
    /// unknown.
    pub(super) fn datasets_page(&self, target: Target<'_>) -> Option<Reply> {
        #[derive(Serialize)]
        struct Datasets {
            items: Vec<Dataset>,
        }
        #[derive(Serialize)]
        struct Dataset {
            dataset: &'static str,
            granularity: &'static str,
            first: String,
            last: String,
            endpoints: Vec<Served>,
        }
        #[derive(Serialize)]
        struct Served {
            endpoint: &'static str,
            granularities: Vec<&'static str>,
        }
        if target.path != "/datasets" || target.dialect != Dialect::V2 {
            return None;
        }
        let coverage = self.origin.coverage();
        // An unreachable store is not an empty one.
        let may_be_more = coverage.is_empty() || !self.origin.is_known();
        if may_be_more && !self.origin.health_issues().is_empty() {
            let detail =
                "What the data store holds is not known at the moment. Please try again later.";
            return Some(Reply::fault(Fault::other(503, detail), target.dialect));
        }
        let catalogue = self.origin.catalogue();
        let items = catalogue.datasets().iter().filter_map(|dataset| {
            let extent = coverage.get(dataset)?;
            let served = catalogue.endpoints().filter_map(|(_, endpoint)| {
                let granularities = endpoint.granularities_of(dataset);
                let granularities: Vec<_> =
                    granularities.into_iter().map(Granularity::as_str).collect();
                let endpoint = endpoint.name;
                (!granularities.is_empty()).then_some(Served { endpoint, granularities })
            });
            Some(Dataset {
                dataset: dataset.name,
                granularity: dataset.granularity.as_str(),
                first: extent.first.iso(dataset.granularity),
                last: extent.last.iso(dataset.granularity),
                endpoints: served.collect(),
            })
        });
        // Structs of strings: writing them can't fail.
        let body = serde_json::to_vec(&Datasets { items: items.collect() }).unwrap_or_default();
        Some(page(200, JSON, "s-maxage=60, max-age=60", body))
    }
}

/// `/healthz` in the form of the upstream services; the compiler's version takes Go's place.
fn upstream_health() -> Reply {
    #[derive(Serialize)]
    struct Health {
        version: &'static str,
        build_date: &'static str,
        build_host: &'static str,
        go_version: &'static str,
    }
    let health = Health {
        version: build_info::VERSION,
        build_date: build_info::BUILD_DATE,
        build_host: build_info::BUILD_HOST,
        go_version: build_info::RUST_VERSION,
    };
    page(200, JSON, NO_STORE, serde_json::to_string_pretty(&health).unwrap_or_default())
}

fn page(
    status: u16,
    content_type: &'static str,
    cache_control: &'static str,
    body: impl Into<Bytes>,
) -> Reply {
    let body = body.into();
    Reply::generated(Content::Page(Page { status, content_type, cache_control, body }))
}

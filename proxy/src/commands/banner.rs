//! The text that is printed at the start: addresses, loaded data, examples.

use super::format;
use crate::build_info;
use crate::server::Server;
use aqs_api::calendar::{Digits, Form, Granularity, Hour};
use aqs_api::param::Role;
use aqs_api::table::ALL_DAYS;
use aqs_api::{Catalogue, Coverage, Dataset, Endpoint, Representation, Target};
use aqs_origin::{Origin, Priority, RequestContext};
use std::time::{Duration, Instant};

const EXAMPLES: usize = 3;
/// How long the search for examples may take: the store may be slow or unreachable.
const EXAMPLES_TIMEOUT: Duration = Duration::from_secs(5);

/// Describes a server and its stores; `known` says whether the coverage of all stores is known.
pub(super) async fn text(
    server: &Server,
    catalogue: &Catalogue,
    stores: &[String],
    known: bool,
) -> String {
    let coverage = server.components.origin.coverage();
    let examples = examples(catalogue, &server.components.origin, &coverage);
    let examples = tokio::time::timeout(EXAMPLES_TIMEOUT, examples).await.unwrap_or_default();
    let mut lines = vec![format!("aqs {} listens at", build_info::VERSION)];
    lines.extend(server.addresses.iter().map(|address| format!("  http://{address}")));
    lines.extend(
        server.admin_addresses.iter().map(|address| {
            format!("  http://{address} (for operators: /healthz, /readyz, /metrics)")
        }),
    );
    lines.extend(server.admin_sockets.iter().map(|path| {
        let path = path.display();
        format!("  {path} (for operators: curl --unix-socket {path} http://localhost/)")
    }));
    lines.extend(stores.iter().cloned());
    let notice = server.components.service.notice.unwrap_or_default();
    lines.extend(notice.lines().map(|line| format!("  {line}")));
    if !coverage.is_empty() {
        lines.push(coverage_table(catalogue, &coverage).trim_end().to_owned());
    } else if known {
        lines.push("  nothing yet: fill it with `aqs load DIR --store PATH`".to_owned());
    }
    if !known {
        lines.push("  its coverage is not known yet: see /readyz and the log".to_owned());
    }
    if let (Some(address), false) = (server.addresses.first(), examples.is_empty()) {
        lines.push("Try".to_owned());
        lines.extend(examples.iter().map(|target| format!("  curl 'http://{address}{target}'")));
    }
    lines.join("\n") + "\n"
}

/// A line for each loaded dataset.
fn coverage_table(catalogue: &Catalogue, coverage: &Coverage) -> String {
    let rows = catalogue.datasets().iter().filter_map(|dataset| {
        let extent = coverage.get(dataset)?;
        let label = |period: Digits| period.label(dataset.granularity);
        let series = extent.series.map_or("?".to_owned(), |count| count.to_string());
        Some([format!("  {}", dataset.name), label(extent.first), label(extent.last), series])
    });
    format::table(["  dataset", "first", "last", "series"], rows)
}

/// Up to three targets of different endpoints for which the store has data.
async fn examples(catalogue: &Catalogue, origin: &Origin, coverage: &Coverage) -> Vec<String> {
    let mut found = Vec::new();
    for (_, endpoint) in catalogue.endpoints() {
        if found.len() == EXAMPLES {
            break;
        }
        let Some(target) = example(endpoint, coverage) else { continue };
        let Some(parsed) = Target::parse(&target) else { continue };
        let Ok(query) = catalogue.resolve(parsed) else { continue };
        let ctx = RequestContext::new(Instant::now() + Duration::from_secs(5), Priority::Live, 0);
        let answered = origin.answer(&query, &ctx).await;
        if answered.is_ok_and(|entry| matches!(entry.representation, Representation::Body(_))) {
            found.push(target);
        }
    }
    found
}

/// The example of an endpoint for the newest loaded periods.
fn example(endpoint: &'static Endpoint, coverage: &Coverage) -> Option<String> {
    let (dataset, extent) =
        endpoint.datasets().iter().find_map(|dataset| Some((*dataset, coverage.get(dataset)?)))?;
    let last = extent.last;
    let part = |range: std::ops::Range<usize>| Some(last.as_str().get(range)?.to_owned());
    let rule = endpoint.date_rule(dataset.granularity);
    let path = endpoint.path(|param| match param.role {
        Role::Granularity { .. } => Some(dataset.granularity.as_str().to_owned()),
        Role::Start(_) => Some(first_period(dataset, last, rule?.accepts == Form::Hour)),
        Role::End => {
            let end = rule?.end_after(Hour::parse(last.as_str())?)?;
            Some(end.digits(rule?.accepts).as_str().to_owned())
        }
        Role::Year => part(0..4),
        Role::Month => part(4..6),
        Role::Day { .. } if dataset.granularity == Granularity::Monthly => {
            Some(ALL_DAYS.to_owned())
        }
        Role::Day { .. } => part(6..8),
        Role::Project { .. } | Role::OneProject => {
            let loaded = coverage.projects().unwrap_or_default();
            let other = loaded.first().filter(|_| coverage.lacks_project(param.example));
            Some(other.map_or(param.example, |project| project).to_owned())
        }
        Role::Referer { .. }
        | Role::Enumeration { .. }
        | Role::Title
        | Role::CommonsPage
        | Role::File
        | Role::User
        | Role::Country
        | Role::Id
        | Role::Text => Some(param.example.to_owned()),
    });
    Some(format!("/metrics{}", path?))
}

/// The start of an example that ends with the newest period: of the same month, or of its year.
fn first_period(dataset: &Dataset, last: Digits, hours: bool) -> String {
    let part = |end: usize| last.as_str().get(..end).unwrap_or_default();
    let mut first = match dataset.granularity {
        Granularity::Hourly => part(8).to_owned(),
        Granularity::Daily => part(6).to_owned() + "01",
        Granularity::Monthly => part(4).to_owned() + "0101",
    };
    if hours {
        first.push_str("00");
    }
    first
}

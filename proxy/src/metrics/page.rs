//! The page that lists metrics.

use aqs_origin::metric_declarations::Declared;

/// The page that lists metrics, as `dashboards/METRICS.md` has it.
pub fn page(declared: &[Declared]) -> String {
    let mut page = String::from(
        "# Metrics\n\nAt `/metrics` of the admin listener, and of the public one if `public_metrics` is on. This page is\nmade from the declarations; a test compares it (`AQS_WRITE_PAGES=1 cargo test -p aqs-proxy`\nwrites it). Metrics without `aqs_` have the names that dashboards of the upstream services and of\nprocesses use.\n\n\
         | metric | type | labels | meaning |\n|---|---|---|---|\n",
    );
    for Declared { name, kind, labels, help } in declared {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        page.push_str(&format!("| `{name}` | {kind} | {} | {help} |\n", labels.join(", ")));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;
    use aqs_api::Catalogue;
    use aqs_origin::metric_declarations::Declarations;
    use aqs_origin::metrics::CassandraMetrics;
    use prometheus::Registry;
    use std::path::Path;

    #[test]
    fn the_page_lists_what_is_declared() {
        let registry = Registry::new();
        let mut declarations = Declarations::of(&registry);
        Metrics::declare(&mut declarations, &Catalogue::standard().unwrap(), None).unwrap();
        aqs_origin::Metrics::declare(&mut declarations).unwrap();
        aqs_warmers::metrics::Metrics::declare(&mut declarations).unwrap();
        CassandraMetrics::new().unwrap().declare(&mut declarations).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards/METRICS.md");
        let page = page(&declarations.declared);
        if std::env::var_os("AQS_WRITE_PAGES").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "the page is stale");
        for Declared { name, kind, .. } in &declarations.declared {
            let ours = ["aqs_", "http_", "process_", "service_scaffold_golang_build_info"];
            assert!(ours.iter().any(|prefix| name.starts_with(prefix)), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == "counter", "{name} is a {kind}");
        }
    }
}

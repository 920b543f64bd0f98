//! A fingerprint of everything that decides the bytes of an answer besides the stored data.

use crate::catalogue::Catalogue;
use crate::catalogue::sample_rows::{Filling, sample_paths, sample_rows};
use crate::endpoint::{Endpoint, Query};
use crate::fault::Fault;
use crate::key::Dialect;
use crate::render::render;
use crate::representation::Representation;
use crate::shape::shape;
use crate::target::{Target, Uri};
use xxhash_rust::xxh3::Xxh3;

/// Returns a number that differs whenever a client may get other bytes for the same stored rows:
/// the rules, templates, parameters, keys, tables and response fields differ, or a shape makes
/// another body of sample rows. It is the same in every process of one build.
///
/// Every combination of the closed parameters (enumerations, granularities, whole months) is
/// rendered, so a body changes the fingerprint without a version that is raised by hand.
pub fn fingerprint(catalogue: &Catalogue) -> u64 {
    let mut hash = Xxh3::new();
    let mut add = |part: &[u8]| {
        // The length first, so that no two lists of parts are the same bytes.
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    add(format!("{:?}", catalogue.rules()).as_bytes());
    for (_, endpoint) in catalogue.endpoints() {
        add(endpoint.name.as_bytes());
        add(endpoint.template().as_bytes());
        add(format!("{:?} {:?}", endpoint.source, endpoint.body).as_bytes());
        let Endpoint { protect, dialect, no_data, .. } = endpoint;
        add(format!("{protect:?} {dialect:?} {no_data:?}").as_bytes());
        for param in endpoint.params() {
            add(format!("{:?}", param.role).as_bytes());
        }
        for path in sample_paths(endpoint) {
            add(path.as_bytes());
            let target = Target { dialect: endpoint.dialect, path: &path };
            match catalogue.resolve(target) {
                Ok(query) => add_answers(catalogue, &query, &mut add),
                Err(fault) => add(&document(&fault, target.dialect, &path)),
            }
        }
    }
    hash.digest()
}

/// Adds the lookup of a query and its body for each filling of its table.
fn add_answers(catalogue: &Catalogue, query: &Query, add: &mut impl FnMut(&[u8])) {
    let lookup = query.lookup();
    add(query.key().path().as_bytes());
    add(format!("{lookup:?}").as_bytes());
    use Filling::{Empty, FirstNull, Full, Nulls, Numeric};
    for filling in [Empty, Full, Numeric, FirstNull, Nulls] {
        let rows = match sample_rows(query, filling) {
            Ok(rows) => rows,
            Err(error) => {
                add(error.to_string().as_bytes());
                continue;
            }
        };
        let answer = shape(query, &rows, catalogue.rules());
        match answer.and_then(|answer| render(query, &answer)) {
            Err(error) => add(error.to_string().as_bytes()),
            Ok(Representation::Body(body)) => add(&body.identity),
            Ok(Representation::NoData(no_data)) => {
                add(&document(&no_data.fault(), no_data.dialect, query.key().path()));
            }
        }
    }
}

fn document(fault: &Fault, dialect: Dialect, path: &str) -> Vec<u8> {
    let mut document = Vec::new();
    fault.render(dialect, "get", Uri::of(path), &mut document);
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;
    use crate::countries::ProtectedCountries;
    use crate::endpoint::Noun;
    use crate::endpoints::ALL;
    use crate::shape::Rules;
    use crate::source::{KeyValue, Source, TableSource};
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// The standard endpoints, one of them changed.
    fn changed(name: &str, change: impl FnOnce(&mut Endpoint)) -> u64 {
        let mut endpoints = ALL.to_vec();
        let slot = endpoints.iter_mut().find(|endpoint| endpoint.name == name).unwrap();
        let mut endpoint = **slot;
        change(&mut endpoint);
        *slot = Box::leak(Box::new(endpoint));
        fingerprint(&Catalogue::new(endpoints.leak()).unwrap())
    }

    #[test]
    fn a_changed_body_changes_the_fingerprint() {
        let standard = fingerprint(&Catalogue::standard().unwrap());
        assert_eq!(standard, fingerprint(&Catalogue::standard().unwrap()));
        assert_eq!(standard, changed("pageviews/top", |_| {}));
        assert_eq!(standard, changed("pageviews/top", |endpoint| endpoint.summary = "other"));

        let by_country = "pageviews/top-by-country";
        let mut others = vec![
            changed("unique-devices", |endpoint| endpoint.no_data = Some(Noun::User)),
            changed(by_country, |endpoint| {
                let Body::List { item, entry, .. } = endpoint.body else { return };
                endpoint.body = Body::List { item, list: "lands", entry };
            }),
            // The sample rows have no country that the default rules protect.
            changed("pageviews/top-per-country", |endpoint| endpoint.protect = &[]),
            // The same keys, other figures.
            changed("unique-devices", |endpoint| {
                let Body::Items { item } = endpoint.body else { return };
                let mut item = item.to_vec();
                let [.., offset, underestimate] = item.as_mut_slice() else { return };
                std::mem::swap(&mut offset.value, &mut underestimate.value);
                endpoint.body = Body::Items { item: item.leak() };
            }),
            changed("legacy/pagecounts/aggregate", |endpoint| {
                let Source::Table(source) = endpoint.source else { return };
                let [project, _, granularity] = source.partition else { return };
                let partition = Box::new([*project, KeyValue::Const("other"), *granularity]);
                let partition = Box::leak(partition);
                let source = TableSource { partition, ..*source };
                endpoint.source = Source::Table(Box::leak(Box::new(source)));
            }),
        ];
        let protected = ProtectedCountries::new(["FR"]);
        let rules = Rules { protected };
        others.push(fingerprint(&Catalogue::standard().unwrap().with_rules(rules)));
        others.push(fingerprint(&Catalogue::new(&ALL[1..]).unwrap()));
        others.push(standard);
        let count = others.len();
        others.sort_unstable();
        others.dedup();
        assert_eq!(others.len(), count);
    }

    type Keys<'a> = BTreeSet<&'a str>;

    /// The keys around the rows, and those of the first row.
    fn keys<'a>(json: &'a Value, body: &Body) -> (Keys<'a>, Keys<'a>) {
        let item = &json["items"][0];
        let (around, row) = match body {
            Body::Items { .. } => (&Value::Null, item),
            Body::List { list, .. } => (item, &item[list][0]),
            Body::Top { .. } => (item, &item["results"][0]["top"][0]),
            Body::Context { .. } => (&json["context"], item),
        };
        let keys = |object: &'a Value| {
            object.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
        };
        (keys(around), keys(row))
    }

    fn declared(body: &Body) -> (Keys<'static>, Keys<'static>) {
        let list = match body {
            Body::List { list, .. } => Some(*list),
            Body::Top { .. } => Some("results"),
            Body::Items { .. } | Body::Context { .. } => None,
        };
        let around = body.around().iter().map(|field| field.key).chain(list);
        (around.collect(), body.row().iter().map(|field| field.key).collect())
    }

    /// Each endpoint's sample rows make at least one body that has something in it.
    #[test]
    fn sample_rows_make_bodies_of_every_endpoint() {
        let catalogue = Catalogue::standard().unwrap();
        for (_, endpoint) in catalogue.endpoints() {
            let paths = sample_paths(endpoint);
            let mut made = 0;
            for path in &paths {
                let query = catalogue.resolve(Target { dialect: Dialect::V2, path }).unwrap();
                let rows = sample_rows(&query, Filling::Numeric).unwrap();
                let answer = shape(&query, &rows, catalogue.rules()).unwrap();
                let Representation::Body(body) = render(&query, &answer).unwrap() else { continue };
                let body = serde_json::from_slice(&body.identity).unwrap();
                assert_eq!(keys(&body, &endpoint.body), declared(&endpoint.body), "{path}");
                made += 1;
            }
            assert_eq!(made, paths.len(), "{}", endpoint.name);
        }
    }
}

//! What is there, compared with what should be.

use crate::store::cassandra::present::PresentTable;
use crate::store::cassandra::replication::Replication;
use aqs_api::Table;
use aqs_api::table::{Column, Kind};
use std::collections::BTreeMap;

/// Whether a keyspace is replicated as asked, given what `system_schema` says of it.
pub(super) fn is_replicated(present: &BTreeMap<String, String>, asked: &Replication) -> bool {
    let class = present.get("class").map(String::as_str).unwrap_or_default();
    let centres = present.iter().filter(|(name, _)| *name != "class");
    let asked = asked.centres().map(|(centre, copies)| (centre.to_owned(), copies.to_string()));
    class.ends_with("NetworkTopologyStrategy")
        && centres.map(|(centre, copies)| (centre.clone(), copies.clone())).eq(asked)
}

/// How a keyspace is replicated, in words.
pub(super) fn replication(present: &BTreeMap<String, String>) -> String {
    let class = present.get("class").map(String::as_str).unwrap_or_default();
    let class = class.rsplit('.').next().unwrap_or(class);
    let rest = present.iter().filter(|(name, _)| *name != "class");
    let rest: Vec<_> = rest.map(|(name, value)| format!("{name}={value}")).collect();
    format!("{class} {}", rest.join(","))
}

/// What of a table can't be what it should be, if anything: its key, or a column's type.
pub(super) fn difference(present: &PresentTable, table: &Table) -> Option<String> {
    let partition = ["_domain"].into_iter().chain(table.partition.iter().map(|part| part.name));
    let clustering = table.clustering.iter().map(|part| part.name).chain(["_tid"]);
    if !present.partition().eq(partition) || !present.clustering().eq(clustering) {
        let (partition, clustering) = (list(present.partition()), list(present.clustering()));
        return Some(format!("its key is (({partition}), {clustering})"));
    }
    table.columns().find_map(|column| {
        let kind = present.kind(column.name)?;
        (!holds(kind, column.kind)).then(|| format!("its column {:?} is {kind}", column.name))
    })
}

/// The value columns that a table lacks.
pub(super) fn lacks(
    present: &PresentTable,
    table: &Table,
) -> impl Iterator<Item = &'static Column> {
    table.values.iter().filter(|column| present.kind(column.name).is_none())
}

/// Whether a type of the cluster's holds what a column is for. Tables of production have some
/// counts as int and some as bigint; either is read and written.
fn holds(there: &str, kind: Kind) -> bool {
    match kind {
        Kind::Text | Kind::Json => there == "text",
        Kind::Int | Kind::BigInt => there == "int" || there == "bigint",
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn replication_is_compared_by_class_and_number() {
        let asked = Replication::of([("a".to_owned(), 3), ("b".to_owned(), 2)]);
        let network = ("class", "org.apache.cassandra.locator.NetworkTopologyStrategy");
        assert!(is_replicated(&said(&[network, ("a", "3"), ("b", "2")]), &asked));
        assert!(!is_replicated(&said(&[network, ("a", "3")]), &asked));
        assert!(!is_replicated(&said(&[network, ("a", "3"), ("b", "1")]), &asked));
        let simple = ("class", "org.apache.cassandra.locator.SimpleStrategy");
        assert!(!is_replicated(&said(&[simple, ("a", "3"), ("b", "2")]), &asked));
        assert_eq!(
            replication(&said(&[simple, ("replication_factor", "1")])),
            "SimpleStrategy replication_factor=1"
        );
    }

    #[test]
    fn either_width_of_integers_will_do() {
        for kind in [Kind::Int, Kind::BigInt] {
            assert!(holds("int", kind) && holds("bigint", kind));
            assert!(!holds("text", kind) && !holds("counter", kind));
        }
        assert!(holds("text", Kind::Json) && !holds("blob", Kind::Json));
    }
}

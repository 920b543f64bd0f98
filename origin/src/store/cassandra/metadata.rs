//! The schema of a cluster as the driver knows it, compared with the catalogue.

#![allow(clippy::wildcard_enum_match_arm, reason = "the driver's enums are open")]

use super::cql;
use super::replication::Replication;
use aqs_api::Table;
use aqs_api::table::{Column, ColumnType};
use scylla::cluster::ClusterState;
pub(super) use scylla::cluster::metadata::Table as TableMetadata;
use scylla::cluster::metadata::{ColumnType as CqlType, NativeType, Strategy};
use std::collections::BTreeMap;

/// Returns the cluster's table; `None` if it does not exist.
pub(super) fn table<'c>(cluster: &'c ClusterState, table: &Table) -> Option<&'c TableMetadata> {
    cluster.get_keyspace(cql::keyspace(table))?.tables.get(cql::table_name(table))
}

pub(super) fn type_name(typ: &CqlType<'_>) -> String {
    match typ {
        CqlType::Native(native) => format!("{native:?}").to_lowercase(),
        other => format!("{other:?}"),
    }
}

/// Returns the columns of `table` that the cluster's table lacks.
pub(super) fn missing_columns(
    metadata: &TableMetadata,
    table: &Table,
) -> impl Iterator<Item = &'static Column> {
    table.columns().filter(|column| !metadata.columns.contains_key(column.name))
}

/// Describes how the cluster's table differs from `table` in what can't be altered: its key, or
/// the type of a column.
pub(super) fn difference(metadata: &TableMetadata, table: &Table) -> Option<String> {
    let (partition, clustering) = (cql::partition_key(table), cql::clustering_key(table));
    let (found_partition, found_clustering) = (&metadata.partition_key, &metadata.clustering_key);
    if partition != *found_partition || clustering != *found_clustering {
        let (partition, clustering) = (found_partition.join(", "), found_clustering.join(", "));
        return Some(format!("its key is (({partition}), {clustering})"));
    }
    table.columns().find_map(|column| {
        let typ = &metadata.columns.get(column.name)?.typ;
        let differs = !is_writable(typ, column.kind);
        differs.then(|| format!("its column {:?} is {}", column.name, type_name(typ)))
    })
}

/// Whether values of a kind can be written to a column. Tables of production have some counts as
/// int and some as bigint.
fn is_writable(typ: &CqlType<'_>, kind: ColumnType) -> bool {
    match kind {
        ColumnType::Text | ColumnType::Json => matches!(typ, CqlType::Native(NativeType::Text)),
        ColumnType::Int | ColumnType::BigInt => {
            matches!(typ, CqlType::Native(NativeType::Int | NativeType::BigInt))
        }
        ColumnType::Double => matches!(typ, CqlType::Native(NativeType::Double)),
        ColumnType::Timestamp => matches!(typ, CqlType::Native(NativeType::Timestamp)),
        ColumnType::Date => matches!(typ, CqlType::Native(NativeType::Date)),
    }
}

pub(super) fn is_replicated(strategy: &Strategy, requested: &Replication) -> bool {
    let Strategy::NetworkTopologyStrategy { datacenter_repfactors: copies } = strategy else {
        return false;
    };
    let found: BTreeMap<_, _> =
        copies.iter().map(|(name, copies)| (name.as_str(), *copies)).collect();
    found == requested.data_centers().map(|(name, copies)| (name, copies.into())).collect()
}

pub(super) fn describe_replication(strategy: &Strategy) -> String {
    match strategy {
        Strategy::NetworkTopologyStrategy { datacenter_repfactors } => {
            let copies: BTreeMap<_, _> = datacenter_repfactors.iter().collect();
            let copies: Vec<_> =
                copies.iter().map(|(name, copies)| format!("{name}={copies}")).collect();
            format!("NetworkTopologyStrategy {}", copies.join(","))
        }
        Strategy::SimpleStrategy { replication_factor } => {
            format!("SimpleStrategy replication_factor={replication_factor}")
        }
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replication_is_compared_by_strategy_and_copies() {
        let requested = Replication::new([("a".to_owned(), 3), ("b".to_owned(), 2)]);
        let network = |copies: &[(&str, usize)]| Strategy::NetworkTopologyStrategy {
            datacenter_repfactors: copies
                .iter()
                .map(|(name, copies)| ((*name).to_owned(), *copies))
                .collect(),
        };
        assert!(is_replicated(&network(&[("a", 3), ("b", 2)]), &requested));
        assert!(!is_replicated(&network(&[("a", 3)]), &requested));
        assert!(!is_replicated(&network(&[("a", 3), ("b", 1)]), &requested));
        let simple = Strategy::SimpleStrategy { replication_factor: 1 };
        assert!(!is_replicated(&simple, &requested));
        assert_eq!(describe_replication(&simple), "SimpleStrategy replication_factor=1");
        let described = describe_replication(&network(&[("b", 2), ("a", 3)]));
        assert_eq!(described, "NetworkTopologyStrategy a=3,b=2");
    }

    #[test]
    fn integers_may_have_either_width() {
        let native = |native| CqlType::Native(native);
        for kind in [ColumnType::Int, ColumnType::BigInt] {
            assert!(is_writable(&native(NativeType::Int), kind));
            assert!(is_writable(&native(NativeType::BigInt), kind));
            assert!(!is_writable(&native(NativeType::Text), kind));
            assert!(!is_writable(&native(NativeType::Counter), kind));
        }
        assert!(is_writable(&native(NativeType::Text), ColumnType::Json));
        assert!(!is_writable(&native(NativeType::Blob), ColumnType::Json));
    }
}

use super::*;
use aqs_api::Catalogue;
use std::fs;
use std::path::Path;

/// Production's users are named after their service (contract §4.1).
const USER: &str = "aqs";

/// Also writes the files if `AQS_WRITE_PAGES` is set.
#[test]
fn the_committed_schema_is_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/schema");
    let tables = Catalogue::standard().map(|catalogue| catalogue.tables()).unwrap_or_default();
    let pages = [
        ("keyspaces.cql", keyspaces_cql(&tables, &Replication::default())),
        ("tables.cql", tables_cql(&tables)),
        ("grants.cql", grants_cql(&tables, USER)),
    ];
    for (name, text) in &pages {
        let path = folder.join(name);
        if std::env::var_os("AQS_WRITE_PAGES").is_some() {
            assert!(fs::create_dir_all(&folder).and(fs::write(&path, text)).is_ok());
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == *text,
            "config/schema/{name} is stale: AQS_WRITE_PAGES=1 cargo test -p aqs-origin --lib schema"
        );
    }
    let names = pages.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let found = fs::read_dir(&folder).map(|entries| {
        let mut found: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        found.retain(|name| !names.iter().any(|page| name == *page));
        found
    });
    assert_eq!(found.ok(), Some(Vec::new()), "files that the schema does not make");
}

#[test]
fn a_script_has_grants_only_for_a_user() {
    let tables: &[&'static Table] = &[&aqs_api::tables::UNIQUE_DEVICES];
    let replication = Replication::new([("eqiad".to_owned(), 2)]);
    let without = script(tables, &replication, None);
    assert!(!without.contains("GRANT"), "{without}");
    assert_eq!(without.matches("'eqiad': 2").count(), 2, "{without}");
    let with = script(tables, &replication, Some("Reader"));
    assert!(with.starts_with(&without));
    let granted = r#"GRANT SELECT ON KEYSPACE "local_group_default_T_unique_devices" TO "Reader";"#;
    assert!(with.contains(granted), "{with}");
    assert!(with.contains(r#"GRANT SELECT ON KEYSPACE "aqs" TO "Reader";"#), "{with}");
}

#[test]
fn the_configuration_table_is_created() {
    assert_eq!(
        create_config_table(),
        "CREATE TABLE IF NOT EXISTS \"aqs\".\"config\" (\n    \"param\" text,\n    \
         \"value\" text,\n    PRIMARY KEY (\"param\")\n)"
    );
}

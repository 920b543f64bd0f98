//! The schema as CQL to read, or to give to whoever looks after a cluster.

use super::create_config_table;
use crate::store::cassandra::cql;
use crate::store::cassandra::replication::Replication;
use aqs_api::Table;

/// A file of CQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What it is called.
    pub name: &'static str,
    /// What is in it.
    pub text: String,
}

/// Keyspaces, tables, and what lets a user read them.
pub fn pages(tables: &[&'static Table], replication: &Replication, user: &str) -> Vec<Page> {
    vec![
        Page { name: "keyspaces.cql", text: keyspaces(tables, replication) },
        Page { name: "tables.cql", text: create_tables(tables) },
        Page { name: "grants.cql", text: grants(tables, user) },
    ]
}

/// All of it as one script, with grants if there is a user to grant to.
pub fn script(tables: &[&'static Table], replication: &Replication, user: Option<&str>) -> String {
    let mut script = format!("{}\n{}", keyspaces(tables, replication), create_tables(tables));
    if let Some(user) = user {
        script.push('\n');
        script.push_str(&grants(tables, user));
    }
    script
}

fn keyspaces(tables: &[&'static Table], replication: &Replication) -> String {
    let head = "-- A keyspace for each table. Names are mixed in case, so they are quoted.\n";
    let names = super::keyspaces(tables);
    page(head, names.iter().map(|name| cql::create_keyspace(name, replication)), "\n")
}

fn create_tables(tables: &[&'static Table]) -> String {
    let head = "-- The tables. \"_domain\" is always the same; \"_tid\" too, so that a load overwrites.\n\n";
    let created = tables.iter().map(|table| cql::create_table(table));
    page(head, created.chain(std::iter::once(create_config_table())), "\n\n")
}

fn grants(tables: &[&'static Table], user: &str) -> String {
    let head = format!(
        "-- What a server needs: it only reads. The user must be there already, as by\n\
         --   CREATE ROLE {} WITH LOGIN = true AND PASSWORD = '...';\n",
        cql::quote(user)
    );
    let names = super::keyspaces(tables);
    page(&head, names.iter().map(|name| cql::grant(name, user)), "\n")
}

fn page(head: &str, statements: impl Iterator<Item = String>, between: &str) -> String {
    let statements: Vec<_> = statements.map(|statement| format!("{statement};")).collect();
    format!("{head}{}\n", statements.join(between))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::Catalogue;
    use std::fs;
    use std::path::Path;

    /// The user that reads in production is called after the service (contract §4.1).
    const USER: &str = "aqs";

    /// Also writes the pages if asked to: the one way to bring them up to date.
    #[test]
    fn the_committed_schema_is_fresh() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/schema");
        let tables = Catalogue::standard().map(|catalogue| catalogue.tables()).unwrap_or_default();
        let pages = pages(&tables, &Replication::default(), USER);
        for page in &pages {
            let path = folder.join(page.name);
            if std::env::var_os("AQS_WRITE_PAGES").is_some() {
                assert!(fs::create_dir_all(&folder).and(fs::write(&path, &page.text)).is_ok());
            }
            let committed = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                committed == page.text,
                "config/schema/{} is stale: AQS_WRITE_PAGES=1 cargo test -p aqs-origin --lib schema",
                page.name
            );
        }
        let names = pages.iter().map(|page| page.name).collect::<Vec<_>>();
        let found = fs::read_dir(&folder).map(|entries| {
            let mut found: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
            found.retain(|name| !names.iter().any(|page| name == *page));
            found
        });
        assert_eq!(found.ok(), Some(Vec::new()), "files of no page");
    }

    #[test]
    fn a_script_grants_only_to_somebody() {
        let tables: &[&'static Table] = &[&aqs_api::tables::UNIQUE_DEVICES];
        let replication = Replication::of([("eqiad".to_owned(), 2)]);
        let without = script(tables, &replication, None);
        assert!(!without.contains("GRANT"), "{without}");
        assert_eq!(without.matches("'eqiad': 2").count(), 2, "{without}");
        let with = script(tables, &replication, Some("Reader"));
        assert!(with.starts_with(&without));
        let granted =
            r#"GRANT SELECT ON KEYSPACE "local_group_default_T_unique_devices" TO "Reader";"#;
        assert!(with.contains(granted), "{with}");
        assert!(with.contains(r#"GRANT SELECT ON KEYSPACE "aqs" TO "Reader";"#), "{with}");
    }

    #[test]
    fn the_configuration_has_its_table() {
        assert_eq!(
            create_config_table(),
            "CREATE TABLE IF NOT EXISTS \"aqs\".\"config\" (\n    \"param\" text,\n    \
             \"value\" text,\n    PRIMARY KEY (\"param\")\n)"
        );
    }
}

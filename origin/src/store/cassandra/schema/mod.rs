//! The schema of a cluster: as pages to read, and as what is done to a cluster that lacks it.

mod apply;
mod compare;
mod error;
mod pages;

pub use apply::{Change, Wanted, apply};
pub use error::ApplyError;
pub use pages::{Page, pages, script};

/// The keyspace of the services' own configuration (contract §4.6).
const CONFIG_KEYSPACE: &str = "aqs";
/// The table of it.
const CONFIG_TABLE: &str = "config";

/// The statement that creates the table of the services' own configuration.
fn create_config_table() -> String {
    let (keyspace, table) = (super::cql::quote(CONFIG_KEYSPACE), super::cql::quote(CONFIG_TABLE));
    format!(
        "CREATE TABLE IF NOT EXISTS {keyspace}.{table} (\n    \"param\" text,\n    \"value\" \
         text,\n    PRIMARY KEY (\"param\")\n)"
    )
}

/// Every keyspace of these tables, and that of the configuration.
fn keyspaces(tables: &[&'static aqs_api::Table]) -> Vec<String> {
    let of_tables = tables.iter().map(|table| super::cql::keyspace(table));
    of_tables.chain(std::iter::once(CONFIG_KEYSPACE.to_owned())).collect()
}

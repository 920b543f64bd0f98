//! Rows in real tables, written by Cassandra's own JSON: neither by the program's statements nor
//! by its loader, which would refuse rows that are broken on purpose.

use aqs_api::table::{DOMAIN, TID};
use aqs_api::{Catalogue, Table};
use aqs_origin::store::cassandra::cql;
use aqs_origin::store::cassandra::replication::Replication;
use aqs_scenarios::Topic;
use scylla::client::session::Session;
use serde_json::{Map, Value};
use std::path::Path;

/// Creates the missing tables, with `copies` replicas.
pub(crate) async fn create_tables(session: &Session, catalogue: &Catalogue, copies: u8) {
    let replication = Replication::new([("datacenter1".to_owned(), copies)]);
    for table in catalogue.tables() {
        run(session, &cql::create_keyspace(&cql::keyspace(table), &replication)).await;
        run(session, &cql::create_table(table)).await;
    }
}

/// Empties all tables.
pub(crate) async fn empty(session: &Session, catalogue: &Catalogue) {
    for table in catalogue.tables() {
        run(session, &format!("TRUNCATE {}", cql::data(table))).await;
    }
}

/// Writes a directory of rows, if it exists.
pub(crate) async fn write(session: &Session, catalogue: &Catalogue, rows: &Path) {
    for table in catalogue.tables() {
        let file = rows.join(format!("{}.ndjson", table.name));
        let Ok(text) = std::fs::read_to_string(file) else { continue };
        for line in text.lines() {
            insert(session, table, line).await;
        }
    }
}

/// Replaces the content of all tables by the rows of a topic, broken ones too.
pub(crate) async fn replace(session: &Session, catalogue: &Catalogue, topic: &Topic) {
    empty(session, catalogue).await;
    write(session, catalogue, &topic.rows()).await;
    write(session, catalogue, &topic.broken_rows()).await;
}

/// Writes a row, which is a JSON object; missing columns stay unset.
pub(crate) async fn insert(session: &Session, table: &Table, row: &str) {
    let row: Map<String, Value> = serde_json::from_str(row).unwrap();
    // Names in mixed case are quoted within the quotes of JSON.
    let mut quoted: Map<String, Value> =
        row.into_iter().map(|(name, value)| (cql::quote(&name), value)).collect();
    quoted.insert(cql::quote("_domain"), DOMAIN.into());
    quoted.entry(cql::quote("_tid")).or_insert(TID.into());
    let insert = format!("INSERT INTO {} JSON ? DEFAULT UNSET", cql::data(table));
    let row = Value::Object(quoted).to_string();
    session.query_unpaged(insert, (row,)).await.unwrap();
}

/// Runs a statement without results.
pub(crate) async fn run(session: &Session, statement: &str) {
    if let Err(error) = session.query_unpaged(statement, ()).await {
        panic!("{statement}: {error}");
    }
}

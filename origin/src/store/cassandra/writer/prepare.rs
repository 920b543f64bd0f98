//! The statements of a load, and what must be there for them.

use super::error::WriterError;
use crate::store::cassandra::cql;
use crate::store::cassandra::present::Present;
use aqs_api::Table;
use scylla::client::execution_profile::ExecutionProfileHandle;
use scylla::client::session::Session;
use scylla::policies::retry::FallthroughRetryPolicy;
use scylla::statement::Consistency;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::unprepared::Statement;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long one attempt to write a row may take. Cassandra itself gives up after 2 s.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// A table's insert, ready to be bound.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) insert: PreparedStatement,
    /// What tells the table from one of the same name that is made later.
    pub(super) id: Arc<str>,
    profile: ExecutionProfileHandle,
}

impl Prepared {
    /// The insert, so many times in one message. All are of one partition, so that a replica
    /// writes them as one, without the log that batches of several have.
    pub(super) fn batch(&self, rows: usize) -> Batch {
        let mut batch = Batch::new(BatchType::Unlogged);
        for _ in 0..rows {
            batch.append_statement(self.insert.clone());
        }
        batch.set_execution_profile_handle(Some(self.profile.clone()));
        batch.set_is_idempotent(true);
        batch
    }
}

/// Prepares the inserts of tables. It fails if one of them, or one of its columns, is not there.
pub(super) async fn all(
    session: &Session,
    tables: &[&'static Table],
    consistency: Consistency,
) -> Result<HashMap<&'static str, Prepared>, WriterError> {
    // Reads' retries and speculation are not for writes: those are tried again here, with a pause.
    let profile = session
        .get_default_execution_profile_handle()
        .pointee_to_builder()
        .consistency(consistency)
        .request_timeout(Some(WRITE_WITHIN))
        .retry_policy(Arc::new(FallthroughRetryPolicy::new()))
        .speculative_execution_policy(None)
        .build()
        .into_handle();
    let keyspaces = tables.iter().map(|table| cql::keyspace(table)).collect();
    let present = Present::read(session, keyspaces).await?;
    let mut prepared = HashMap::new();
    for table in tables {
        let Some(there) = present.table(&cql::keyspace(table), cql::DATA) else {
            return Err(WriterError::NoTable { table: cql::data(table) });
        };
        let absent = table.columns().filter(|column| there.kind(column.name).is_none());
        let columns: Vec<_> = absent.map(|column| cql::quote(column.name)).collect();
        if !columns.is_empty() {
            return Err(WriterError::NoColumns { table: cql::data(table), columns });
        }
        let text = cql::insert(table);
        let mut insert =
            session.prepare(text.as_str()).await.map_err(|error| refused(&text, error))?;
        insert.set_execution_profile_handle(Some(profile.clone()));
        insert.set_is_idempotent(true);
        let (id, profile) = (there.id().into(), profile.clone());
        prepared.insert(table.name, Prepared { insert, id, profile });
    }
    Ok(prepared)
}

/// What the cluster calls itself.
pub(super) async fn cluster_name(session: &Session) -> Result<String, WriterError> {
    let text = "SELECT cluster_name FROM system.local";
    let mut statement = Statement::new(text);
    // It is each node's own, whatever rows are written at.
    statement.set_consistency(Consistency::One);
    let rows = session
        .query_unpaged(statement, ())
        .await
        .map_err(|error| refused(text, error))?
        .into_rows_result()
        .map_err(|error| refused(text, error))?;
    let (name,): (String,) = rows.single_row().map_err(|error| refused(text, error))?;
    Ok(name)
}

fn refused(statement: &str, error: impl ToString) -> WriterError {
    WriterError::Refused { statement: statement.to_owned(), reason: error.to_string() }
}

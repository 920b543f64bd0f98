//! The projects of tables whose keys begin with them.

use super::schema::quote;
use aqs_api::coverage::Projects;
use aqs_api::{Catalogue, Table};
use rusqlite::Connection;
use std::sync::Arc;

/// Rows of a project are counted up to this number, so that counting costs little.
const MAX_COUNTED: u32 = 100;

/// A table whose key begins with the project.
#[derive(Clone, Debug)]
pub(super) struct ProjectTable {
    pub(super) table: &'static Table,
    sql: String,
}

impl ProjectTable {
    pub(super) fn all(catalogue: &Catalogue) -> Vec<Self> {
        let tables = catalogue.tables().into_iter();
        tables.filter_map(|table| Self::of(catalogue, table)).collect()
    }

    fn of(catalogue: &Catalogue, table: &'static Table) -> Option<Self> {
        catalogue.key_rules(table).first().filter(|rule| rule.has_projects())?;
        let (name, column) = (quote(table.name), quote(table.partition.first()?.name));
        // SQLite has no loose index scan: each step finds the next project by the key.
        let sql = format!(
            "WITH RECURSIVE project(name) AS (\
               SELECT min({column}) FROM {name} UNION ALL \
               SELECT (SELECT min({column}) FROM {name} WHERE {column} > project.name) \
               FROM project WHERE project.name IS NOT NULL) \
             SELECT name, (SELECT count(*) FROM \
               (SELECT 1 FROM {name} WHERE {column} = project.name LIMIT {MAX_COUNTED})) \
             FROM project WHERE name IS NOT NULL"
        );
        Some(Self { table, sql })
    }

    pub(super) fn read(&self, conn: &Connection) -> rusqlite::Result<Projects> {
        let mut statement = conn.prepare_cached(&self.sql)?;
        let found =
            statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, u32>(1)?.into())))?;
        Ok(Arc::new(found.collect::<Result<_, _>>()?))
    }
}

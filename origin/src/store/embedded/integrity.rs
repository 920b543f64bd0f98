//! Looks for damage of the file in the background.
//!
//! A damaged page can hide rows without any error: a series is short, or seems to have no data. So a
//! table in which damage was found is not read until a check finds it intact.

use super::error::QueryError;
use super::schema::{ActualColumns, quote};
use crate::metric_declarations::Declarations;
use crate::metrics;
use aqs_api::Table;
use prometheus::IntGaugeVec;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::Notify;

/// What a check of a table has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TableState {
    /// The check did not end yet, or not in time.
    Unchecked,
    Intact,
    /// A column is missing; answers that need it fail.
    Lacking(Vec<&'static str>),
    Damaged(String),
}

#[derive(Debug)]
pub(super) struct Integrity {
    tables: Mutex<BTreeMap<&'static str, TableState>>,
    /// Wakes the check.
    pub(super) recheck: Notify,
    /// There is none until it is declared.
    gauge: OnceLock<IntGaugeVec>,
}

impl Integrity {
    pub(super) fn new(tables: &[&'static Table]) -> Self {
        let tables = tables.iter().map(|table| (table.name, TableState::Unchecked)).collect();
        Self { tables: Mutex::new(tables), recheck: Notify::new(), gauge: OnceLock::new() }
    }

    pub(super) fn declare(
        &self,
        path: &Path,
        to: &mut Declarations<'_>,
    ) -> Result<(), prometheus::Error> {
        let gauge = metrics::embedded_tables(&path.to_string_lossy())?;
        let gauge = self.gauge.get_or_init(|| gauge);
        self.count(&self.tables());
        to.add(gauge.clone())
    }

    /// Forgets what was found, since another file was opened, and wakes the check.
    pub(super) fn reset(&self) {
        let mut tables = self.tables();
        tables.values_mut().for_each(|state| *state = TableState::Unchecked);
        self.count(&tables);
        self.recheck.notify_one();
    }

    /// Notes the state of a table, and logs it if it is new.
    pub(super) fn set(&self, table: &'static str, state: TableState) {
        let mut tables = self.tables();
        let before = tables.insert(table, state.clone());
        self.count(&tables);
        drop(tables);
        if before.as_ref() == Some(&state) {
            return;
        }
        match state {
            TableState::Damaged(problem) => tracing::error!(
                table,
                problem,
                "a table of the embedded store is damaged and is not read; load the data into a new path"
            ),
            TableState::Lacking(columns) => tracing::warn!(
                table,
                ?columns,
                "a table of the embedded store lacks columns; a load with this program adds them"
            ),
            TableState::Intact if matches!(before, Some(TableState::Damaged(_))) => {
                tracing::info!(table, "a table of the embedded store is intact again");
            }
            TableState::Intact | TableState::Unchecked => {}
        }
    }

    /// Notes damage that a read has met, and wakes the check.
    pub(super) fn suspect(&self, table: &'static str, problem: String) {
        self.set(table, TableState::Damaged(problem));
        self.recheck.notify_one();
    }

    /// The damage of a table.
    pub(super) fn damage(&self, table: &str) -> Option<String> {
        match self.tables().get(table) {
            Some(TableState::Damaged(problem)) => Some(problem.clone()),
            Some(TableState::Unchecked | TableState::Intact | TableState::Lacking(_)) | None => {
                None
            }
        }
    }

    /// What is wrong with the tables, in sentences.
    pub(super) fn issues(&self) -> Vec<String> {
        let tables = self.tables();
        let issues = tables.iter().filter_map(|(table, state)| match state {
            TableState::Damaged(problem) => {
                Some(format!("table {table} is damaged and is not read: {problem}"))
            }
            TableState::Lacking(columns) => {
                Some(format!("table {table} lacks the columns {}", columns.join(", ")))
            }
            TableState::Unchecked | TableState::Intact => None,
        });
        issues.collect()
    }

    fn count(&self, tables: &BTreeMap<&'static str, TableState>) {
        let Some(gauge) = self.gauge.get() else { return };
        let names = ["unchecked", "intact", "lacking", "damaged"];
        let mut counts = [0; 4];
        for state in tables.values() {
            let index = match state {
                TableState::Unchecked => 0,
                TableState::Intact => 1,
                TableState::Lacking(_) => 2,
                TableState::Damaged(_) => 3,
            };
            if let Some(count) = counts.get_mut(index) {
                *count += 1;
            }
        }
        for (name, count) in names.iter().zip(counts) {
            gauge.with_label_values(&[*name]).set(count);
        }
    }

    fn tables(&self) -> MutexGuard<'_, BTreeMap<&'static str, TableState>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks every page of the file. Returns the state of each table.
pub(super) fn check(
    conn: &Connection,
    tables: &[&'static Table],
) -> Result<Vec<(&'static str, TableState)>, QueryError> {
    let problems = page_check(conn, None)?;
    // Pages without a parent have rows of an unknown table.
    let lost = problems.iter().find(|problem| problem.contains("never used"));
    let mut states = Vec::new();
    for table in tables {
        let columns = ActualColumns::read(conn, table)?;
        let damage = match lost {
            Some(lost) => Some(lost.clone()),
            None if problems.is_empty() || columns.is_empty() => None,
            None => page_check(conn, Some(table))?.into_iter().next(),
        };
        let lacking = table.columns().filter(|column| !columns.contains(column));
        let state = match damage {
            Some(damage) => TableState::Damaged(damage),
            None if columns.is_empty() => TableState::Intact,
            None => match lacking.map(|column| column.name).collect::<Vec<_>>() {
                none if none.is_empty() => TableState::Intact,
                lacking => TableState::Lacking(lacking),
            },
        };
        states.push((table.name, state));
    }
    let is_damaged = |state: &TableState| matches!(state, TableState::Damaged(_));
    if let Some(problem) = problems.first()
        && !states.iter().any(|(_, state)| is_damaged(state))
    {
        states.iter_mut().for_each(|(_, state)| *state = TableState::Damaged(problem.clone()));
    }
    Ok(states)
}

/// The problems of a table, or of the file; none if it is intact.
fn page_check(conn: &Connection, table: Option<&Table>) -> Result<Vec<String>, QueryError> {
    let argument = table.map(|table| format!("({})", quote(table.name))).unwrap_or_default();
    let mut statement = conn.prepare(&format!("PRAGMA integrity_check{argument}"))?;
    let problems = statement.query_map([], |row| row.get::<_, String>(0))?;
    let problems = problems.collect::<Result<Vec<_>, _>>()?;
    Ok(problems.into_iter().filter(|problem| problem != "ok").collect())
}

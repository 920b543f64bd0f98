//! Removes rows from a store.

use super::error::{FileError, WriteError};
use super::schema::quote;
use super::summary::period_sql;
use super::writer::StoreWriter;
use aqs_api::calendar::Digits;
use aqs_api::{Catalogue, Dataset, Table};
use rusqlite::params_from_iter;
use thiserror::Error;

/// Which rows to remove: those that meet all conditions.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Of all datasets if there is none.
    pub datasets: Vec<String>,
    /// Key columns and their values. Tables without one of the columns are left out.
    pub values: Vec<(String, String)>,
    /// The first and the last day, in 8 digits. The first day of a row's period counts.
    pub from: Option<Digits>,
    pub to: Option<Digits>,
}

#[derive(Debug, Error)]
pub enum SelectionError {
    #[error("there is no dataset {name:?}{}", hint(nearest))]
    Dataset { name: String, nearest: Option<String> },
    #[error("none of these tables has a key column {name:?}{}", hint(nearest))]
    Column { name: String, nearest: Option<String> },
    #[error("no table has all of these key columns: {}", .0.join(", "))]
    Columns(Vec<String>),
    #[error("{column} must be {expected}, not {value:?}")]
    Value { column: String, expected: String, value: String },
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

/// The rows of one dataset to remove.
#[derive(Debug)]
pub struct Part {
    pub dataset: &'static Dataset,
    table: &'static Table,
    conditions: Vec<String>,
    values: Vec<String>,
}

impl Selection {
    /// Returns the datasets with rows that may meet the conditions, with these in SQL.
    pub fn parts(&self, catalogue: &Catalogue) -> Result<Vec<Part>, SelectionError> {
        let all = catalogue.datasets();
        for name in &self.datasets {
            if !all.iter().any(|dataset| dataset.name == name) {
                let nearest =
                    crate::suggest(name, all.iter().map(|dataset| dataset.name)).map(str::to_owned);
                return Err(SelectionError::Dataset { name: name.clone(), nearest });
            }
        }
        let named = |dataset: &Dataset| {
            self.datasets.is_empty() || self.datasets.iter().any(|name| name == dataset.name)
        };
        let chosen = all.iter().copied().filter(|dataset| named(dataset));
        let chosen: Vec<_> =
            chosen.filter_map(|dataset| Some((dataset, dataset.table()?))).collect();
        for (name, _) in &self.values {
            let columns = || chosen.iter().flat_map(|(_, table)| table.key_columns());
            if !columns().any(|column| column.name == name) {
                let nearest =
                    crate::suggest(name, columns().map(|column| column.name)).map(str::to_owned);
                return Err(SelectionError::Column { name: name.clone(), nearest });
            }
        }
        let mut parts = Vec::new();
        let mut refused = None;
        for (dataset, table) in chosen {
            match self.part(catalogue, dataset, table) {
                Ok(part) => parts.extend(part),
                Err(error) => refused = Some(error),
            }
        }
        match (parts.is_empty(), refused) {
            (true, Some(error)) => Err(error),
            (true, None) => {
                let names = self.values.iter().map(|(name, _)| name.clone());
                Err(SelectionError::Columns(names.collect()))
            }
            (false, _) => Ok(parts),
        }
    }

    /// Returns `None` for a table without one of the columns.
    fn part(
        &self,
        catalogue: &Catalogue,
        dataset: &'static Dataset,
        table: &'static Table,
    ) -> Result<Option<Part>, SelectionError> {
        let rules = catalogue.key_rules(table);
        let (mut conditions, mut values) = (Vec::new(), Vec::new());
        for (name, value) in &self.values {
            let Some(at) = table.key_columns().position(|column| column.name == name) else {
                return Ok(None);
            };
            let value = match rules.get(at) {
                Some(rule) => rule.normalise(value.clone().into()).map_err(|expected| {
                    SelectionError::Value { column: name.clone(), expected, value: value.clone() }
                })?,
                None => value.into(),
            };
            conditions.push(format!("{} = ?", quote(name)));
            values.push(value.into_owned());
        }
        let day = format!("substr({}, 1, 8)", period_sql(table, dataset));
        for (limit, operator) in [(&self.from, ">="), (&self.to, "<=")] {
            if let Some(limit) = limit {
                conditions.push(format!("{day} {operator} ?"));
                values.push(limit.as_str().to_owned());
            }
        }
        Ok(Some(Part { dataset, table, conditions, values }))
    }
}

impl StoreWriter {
    /// Removes rows and returns their number. It becomes visible with [`commit`](Self::commit).
    pub fn remove(&mut self, part: &Part) -> Result<usize, WriteError> {
        let (conn, path, tables) = self.parts();
        let failed = |error| FileError::sqlite(path, "removing rows", error);
        let table = tables.iter_mut().find(|writer| writer.table.name == part.table.name);
        let summary = table.and_then(|writer| writer.summary(part.dataset));
        let Some(summary) = summary else { return Ok(0) };
        let mut sql = format!("DELETE {}", summary.rows_sql(part.table));
        for condition in &part.conditions {
            sql.push_str(" AND ");
            sql.push_str(condition);
        }
        let removed = conn.execute(&sql, params_from_iter(&part.values)).map_err(failed)?;
        if removed > 0 {
            summary.scan_again(conn, part.table).map_err(|error| WriteError::Summary {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
        }
        Ok(removed)
    }
}

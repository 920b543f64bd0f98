//! What tables and columns mean, from the endpoints that read them.

use super::Catalogue;
use crate::body::{Count, RowValue, Value};
use crate::source::{KeyValue, Source};
use crate::table::{Column, ColumnRole, ColumnType, Table};

/// A column as the documentation describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDoc {
    pub name: &'static str,
    /// What a row of NDJSON has there.
    pub takes: String,
    pub meaning: String,
    pub is_key: bool,
}

/// A table as the documentation describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDoc {
    pub name: &'static str,
    /// The endpoints that read it.
    pub endpoints: Vec<&'static str>,
    pub datasets: Vec<&'static str>,
    pub columns: Vec<ColumnDoc>,
}

impl Catalogue {
    /// The documentation of a table.
    pub fn table_doc(&self, table: &'static Table) -> TableDoc {
        let endpoints = self.endpoints.iter().filter(|endpoint| {
            matches!(endpoint.source, Source::Table(source) if source.table.name == table.name)
        });
        let datasets = self
            .datasets
            .iter()
            .filter(|dataset| dataset.table().is_some_and(|other| other.name == table.name));
        let keys = table.key_columns().count();
        let rules = self.key_rules(table);
        let columns = table.columns().enumerate().map(|(at, column)| ColumnDoc {
            name: column.name,
            takes: rules.get(at).and_then(|rule| rule.takes()).unwrap_or_else(|| takes(column)),
            meaning: self.meaning(table, at, column),
            is_key: at < keys,
        });
        TableDoc {
            name: table.name,
            endpoints: endpoints.map(|endpoint| endpoint.name).collect(),
            datasets: datasets.map(|dataset| dataset.name).collect(),
            columns: columns.collect(),
        }
    }

    /// The summary of the parameter that a key column is read by, or the descriptions of the fields
    /// that a value column is shown in.
    fn meaning(&self, table: &Table, at: usize, column: &Column) -> String {
        let mut meanings: Vec<String> = Vec::new();
        for endpoint in self.endpoints {
            let Source::Table(source) = endpoint.source else { continue };
            if source.table.name != table.name {
                continue;
            }
            match source.partition.get(at) {
                Some(KeyValue::Param(param)) => meanings.push(param.summary.to_owned()),
                Some(KeyValue::Const(word)) => meanings.push(format!("Always {word}")),
                None => {}
            }
            if source.list.is_some_and(|list| list.columns.contains(&column.name)) {
                let names = source.list.iter().flat_map(|list| list.members);
                let names: Vec<_> = names.map(|member| member.name).collect();
                let old =
                    source.list.is_some_and(|list| list.columns.first() != Some(&column.name));
                let old = if old { ", in old rows" } else { "" };
                meanings.push(format!("A list of objects with {}{old}", names.join(", ")));
            }
            for field in endpoint.body.row() {
                let Value::Row(value) = field.value else { continue };
                let name = column.name;
                meanings.extend(of_value(&value, name, field.description));
            }
        }
        meanings.sort();
        meanings.dedup();
        match (meanings.is_empty(), column.role) {
            (false, _) => meanings.join("; "),
            (true, ColumnRole::Period(_)) => "The first moment of the period, in UTC".to_owned(),
            (true, ColumnRole::Rank) => "The rank in its list".to_owned(),
            (
                true,
                ColumnRole::Plain
                | ColumnRole::Granularity
                | ColumnRole::Year
                | ColumnRole::Month
                | ColumnRole::Day,
            ) => "Not read by any endpoint".to_owned(),
        }
    }
}

/// What a field says of a column, if it shows it.
fn of_value(value: &RowValue, column: &str, description: &str) -> Option<String> {
    let count = match value {
        RowValue::Count(count) | RowValue::CountIfLoaded(count) => count,
        RowValue::OptionalInt(name)
        | RowValue::Double(name)
        | RowValue::Text(name)
        | RowValue::Redacted(name)
        | RowValue::Interval(name)
        | RowValue::RoundedUp(name) => {
            return (*name == column).then(|| description.to_owned());
        }
        RowValue::Timestamp(_) | RowValue::Position => return None,
    };
    match count {
        Count::FirstOf(columns) => match columns.iter().position(|name| *name == column)? {
            0 => Some(description.to_owned()),
            _ => Some(format!("{description}, in old rows")),
        },
        Count::SumBy(param, sums) => {
            let (value, _) = sums.iter().find(|(_, columns)| *columns == [column])?;
            Some(format!("{description} by {} {value}", param.name))
        }
        Count::Codes(params) => {
            let mut rest = vec![(column, Vec::new())];
            for (param, codes) in *params {
                let next = rest.iter().flat_map(|(rest, values)| {
                    codes.iter().filter_map(move |(value, code)| {
                        let rest = rest.strip_prefix(code)?;
                        let value = format!("{} {value}", param.name);
                        Some((rest, values.iter().cloned().chain([value]).collect::<Vec<_>>()))
                    })
                });
                rest = next.collect();
            }
            let (_, values) = rest.into_iter().find(|(rest, _)| rest.is_empty())?;
            Some(format!("{description} by {}", values.join(" and ")))
        }
    }
}

/// What a column takes by its type.
fn takes(column: &Column) -> String {
    let taken = match column.kind {
        ColumnType::Text => "text",
        ColumnType::Json => "text that holds JSON",
        ColumnType::Int => "integer of 32 bits",
        ColumnType::BigInt => "integer of 64 bits",
        ColumnType::Double => "number",
        ColumnType::Timestamp | ColumnType::Date => "text, digits or RFC 3339",
    };
    match column.role {
        ColumnRole::Period(form) => format!("{} digits: {}", form.len(), form.format_name()),
        ColumnRole::Year => "4 digits".to_owned(),
        ColumnRole::Month => "2 digits".to_owned(),
        ColumnRole::Day => "2 digits, or all-days".to_owned(),
        ColumnRole::Plain | ColumnRole::Granularity | ColumnRole::Rank => taken.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints::tables::{PAGEVIEWS_PER_ARTICLE, TOP_PAGEVIEWS};

    #[test]
    fn every_column_of_every_table_is_explained() {
        let catalogue = Catalogue::standard().unwrap();
        for table in catalogue.tables() {
            let doc = catalogue.table_doc(table);
            assert!(!doc.endpoints.is_empty() && !doc.datasets.is_empty(), "{}", doc.name);
            for column in &doc.columns {
                assert!(!column.takes.is_empty() && !column.meaning.is_empty(), "{column:?}");
            }
        }
    }

    #[test]
    fn counters_are_explained_by_their_code() {
        let doc = Catalogue::standard().unwrap().table_doc(&PAGEVIEWS_PER_ARTICLE);
        let meaning = |name| {
            let column = doc.columns.iter().find(|column| column.name == name);
            column.map(|column| column.meaning.as_str())
        };
        assert_eq!(
            meaning("aa"),
            Some("Views of the article by access all-access and agent all-agents")
        );
        assert_eq!(
            meaning("mwu"),
            Some("Views of the article by access mobile-web and agent user")
        );
        let doc = Catalogue::standard().unwrap().table_doc(&TOP_PAGEVIEWS);
        let old = doc.columns.iter().find(|column| column.name == "articles").unwrap();
        assert_eq!(old.meaning, "A list of objects with article, views, rank, in old rows");
    }
}

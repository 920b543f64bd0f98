//! Rows of tables that `tables` does not describe, made of their columns and of the endpoints that
//! read them.
//!
//! A count is the sum of its parts: of the other values of a closed set for its `all-…`, of its days
//! for a month. So sums of one table agree with each other.

use super::bundled::World;
use super::cube::split;
use super::noise::Noise;
use super::numbers::{ALL_PROJECTS, DAY, days, number};
use super::{END, tables};
use crate::row::Cell;
use aqs_api::calendar::Granularity;
use aqs_api::countries::ProtectedCountries;
use aqs_api::param::{self, Param, Role};
use aqs_api::source::{JsonList, KeyValue, MemberType, Source, TableSource};
use aqs_api::table::{ALL_DAYS, Column, ColumnRole, ColumnType};
use aqs_api::{Catalogue, Dataset, Query, Table, Target};
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The rows of a partition with ranks, or the entries of its list in JSON.
const RANKED: u64 = 20;
/// The rows of a period that other columns tell apart.
const ROWS: u64 = 3;

/// A value of the partition key, and the values that it sums: only itself if it is no sum.
type KeyPart = (String, Vec<String>);

/// The beginning of a period.
type Begin = (Date, i8);

/// The tables of a catalogue that are not described.
pub(super) fn tables_of(catalogue: &Catalogue) -> Vec<&'static Table> {
    let is_described = |table: &Table| tables::all().any(|known| known.name == table.name);
    let mut tables = catalogue.tables();
    tables.retain(|table| !is_described(table));
    tables
}

/// Calls `write` with each row of a table.
pub(super) fn write<E>(
    catalogue: &Catalogue,
    world: &World,
    table: &'static Table,
    mut write: impl FnMut(Vec<Cell<'static>>) -> Result<(), E>,
) -> Result<(), E> {
    let sources = sources(catalogue, table);
    let generator = Generator { catalogue, world, table, sources };
    for key in generator.keys() {
        let leaves = generator.leaves(&key);
        for dataset in catalogue.datasets().iter().filter(|dataset| dataset.table() == Some(table))
        {
            for begin in generator.periods(dataset) {
                for row in generator.rows(&key, &leaves, dataset, begin) {
                    write(row)?;
                }
            }
        }
    }
    Ok(())
}

struct Generator<'a> {
    catalogue: &'a Catalogue,
    world: &'a World,
    table: &'static Table,
    /// What reads the table, with the endpoint's example.
    sources: Vec<(&'static TableSource, Query)>,
}

fn sources(catalogue: &Catalogue, table: &Table) -> Vec<(&'static TableSource, Query)> {
    let sources = catalogue.endpoints().filter_map(|(_, endpoint)| {
        let Source::Table(source) = endpoint.source else { return None };
        (source.table == table).then_some(())?;
        let target = Target { dialect: endpoint.dialect, path: &endpoint.example() };
        Some((source, catalogue.resolve(target).ok()?))
    });
    sources.collect()
}

impl Generator<'_> {
    /// Every combination of values of the partition key. Those of a period are empty.
    fn keys(&self) -> Vec<Vec<KeyPart>> {
        let mut keys = vec![Vec::new()];
        for (index, column) in self.table.partition.iter().enumerate() {
            let values = self.values(index, column);
            let extended = |key: &Vec<KeyPart>| -> Vec<Vec<KeyPart>> {
                values
                    .iter()
                    .map(|value| [key.as_slice(), std::slice::from_ref(value)].concat())
                    .collect()
            };
            keys = keys.iter().flat_map(extended).collect();
        }
        keys
    }

    fn values(&self, index: usize, column: &Column) -> Vec<KeyPart> {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        match column.role {
            ColumnRole::Granularity | ColumnRole::Year | ColumnRole::Month | ColumnRole::Day => {
                return vec![(String::new(), Vec::new())];
            }
            ColumnRole::Plain | ColumnRole::Period(_) | ColumnRole::Rank => {}
        }
        for (source, example) in &self.sources {
            match source.partition.get(index) {
                Some(KeyValue::Const(word)) => {
                    values.entry((*word).to_owned()).or_default();
                }
                Some(KeyValue::Param(param)) => {
                    let example = example.value(param).unwrap_or_default();
                    values.entry(example.to_owned()).or_default();
                    let set = self.set(param);
                    let total = if param.role.is_project() {
                        (example == ALL_PROJECTS).then_some(ALL_PROJECTS)
                    } else {
                        set.iter().copied().find(|value| value.starts_with("all-"))
                    };
                    let parts = set.iter().filter(|value| Some(**value) != total);
                    let parts: Vec<String> = parts.map(|part| (*part).to_owned()).collect();
                    values.extend(parts.iter().map(|part| (part.clone(), Vec::new())));
                    values.extend(total.map(|total| (total.to_owned(), parts)));
                }
                None => {}
            }
        }
        let itself = |(value, parts): (String, Vec<String>)| match parts.is_empty() {
            true => (value.clone(), vec![value]),
            false => (value, parts),
        };
        values.into_iter().map(itself).collect()
    }

    /// The values of a parameter besides its example.
    fn set(&self, param: &Param) -> Vec<&str> {
        if param.role.is_project() {
            return self.world.projects.iter().map(|project| project.name.as_str()).collect();
        }
        if let Role::Referer { words, .. } = param.role {
            return words.to_vec();
        }
        param.role.closed_values().unwrap_or_default()
    }

    /// The noise of each combination that a key sums.
    fn leaves(&self, key: &[KeyPart]) -> Vec<Noise> {
        let mut names = vec![vec![self.table.name]];
        for (_, parts) in key.iter().filter(|(_, parts)| !parts.is_empty()) {
            let extended = |name: Vec<_>| {
                let extend = move |part| [name.as_slice(), &[part]].concat();
                parts.iter().map(String::as_str).map(extend)
            };
            names = names.into_iter().flat_map(extended).collect();
        }
        names.iter().map(|name| Noise::of(name)).collect()
    }

    /// The periods of a dataset, ascending: the newest, and those of the examples.
    fn periods(&self, dataset: &Dataset) -> BTreeSet<Begin> {
        let is_series = self.table.is_series();
        let newest = match (dataset.granularity, is_series) {
            (Granularity::Hourly, _) => 6.days(),
            (Granularity::Daily, true) => 364.days(),
            (Granularity::Daily, false) => 30.days(),
            (Granularity::Monthly, true) => 36.months(),
            (Granularity::Monthly, false) => 12.months(),
        };
        let mut ranges: Vec<(Date, Date)> =
            END.checked_sub(newest).map(|first| (first, END)).into_iter().collect();
        for (_, example) in &self.sources {
            if let Some(span) = example.span()
                && example.dataset() == dataset
            {
                let (first, last) = span.bounds();
                ranges.push((first.date(), last.date().min(END)));
            }
        }
        let hours = if dataset.granularity == Granularity::Hourly { 0..24 } else { 0..1 };
        let is_begin = |date: &Date| dataset.granularity != Granularity::Monthly || date.day() == 1;
        ranges
            .into_iter()
            .flat_map(|(first, last)| days(first, last))
            .filter(is_begin)
            .flat_map(|date| hours.clone().map(move |hour| (date, hour)))
            .collect()
    }

    /// The rows of one period.
    fn rows(
        &self,
        key: &[KeyPart],
        leaves: &[Noise],
        dataset: &Dataset,
        begin: Begin,
    ) -> Vec<Vec<Cell<'static>>> {
        let counts = |line: u64, column: u64| -> u64 {
            let count = |leaf: &Noise| {
                let noise = leaf.branch(column);
                // From 2 to 500 a day; each line has less than the one before, on average.
                let mean = 2.0 + 500.0 * noise.unit(0) * noise.unit(1) / (1 + line) as f64;
                let noise = noise.branch(line);
                let day = |date| noise.count(number(date), mean);
                match dataset.granularity {
                    Granularity::Hourly => {
                        split(day(begin.0), &DAY).get(begin.1 as usize).copied().unwrap_or(0)
                    }
                    Granularity::Daily => day(begin.0),
                    Granularity::Monthly => days(begin.0, begin.0.last_of_month()).map(day).sum(),
                }
            };
            leaves.iter().map(count).sum()
        };
        let has_rank = self.table.clustering.iter().any(|column| column.role == ColumnRole::Rank);
        let others = self.table.clustering.iter().any(|column| column.role == ColumnRole::Plain);
        let lines = match (has_rank, others) {
            (true, _) => RANKED,
            (false, true) => ROWS,
            (false, false) => 1,
        };
        let mut lines: Vec<u64> = (0..lines).collect();
        if has_rank {
            lines.sort_by_cached_key(|line| Reverse(counts(*line, 0)));
        }
        let row = |(rank, line): (i64, u64)| {
            let key = self.table.partition.iter().zip(key).map(|(column, (value, _))| {
                let text = match column.role {
                    ColumnRole::Granularity => dataset.granularity.as_str().to_owned(),
                    ColumnRole::Year => format!("{:04}", begin.0.year()),
                    ColumnRole::Month => format!("{:02}", begin.0.month()),
                    ColumnRole::Day if dataset.granularity == Granularity::Monthly => {
                        ALL_DAYS.to_owned()
                    }
                    ColumnRole::Day => format!("{:02}", begin.0.day()),
                    ColumnRole::Plain | ColumnRole::Period(_) | ColumnRole::Rank => value.clone(),
                };
                key_cell(column, text)
            });
            let clustering = self.table.clustering.iter().map(|column| match column.role {
                ColumnRole::Rank => Cell::Int(rank),
                ColumnRole::Period(form) => {
                    let digits = begin.0.at(begin.1, 0, 0, 0).strftime("%Y%m%d%H").to_string();
                    key_cell(column, digits.get(..form.len()).unwrap_or_default().to_owned())
                }
                ColumnRole::Plain
                | ColumnRole::Granularity
                | ColumnRole::Year
                | ColumnRole::Month
                | ColumnRole::Day => key_cell(column, self.text(column, line)),
            });
            let values = (0..).zip(self.table.values).map(|(index, column)| match column.kind {
                ColumnType::Text => text_cell(self.text(column, line)),
                ColumnType::Json => match self.list(column) {
                    Some(list) => text_cell(self.json(list, &counts)),
                    None => Cell::Null,
                },
                ColumnType::Int | ColumnType::BigInt => {
                    Cell::Int(counts(line, index).try_into().unwrap_or(i64::MAX))
                }
                ColumnType::Double => Cell::Double(counts(line, index) as f64 / 8.0),
                // Only periods are, which are no values.
                ColumnType::Timestamp | ColumnType::Date => Cell::Null,
            });
            key.chain(clustering).chain(values).collect()
        };
        (1..).zip(lines).map(row).collect()
    }

    /// The list in JSON that a column holds. Of several columns that may, the first has it.
    fn list(&self, column: &Column) -> Option<&'static JsonList> {
        let lists = self.sources.iter().filter_map(|(source, _)| source.list);
        lists.into_iter().find(|list| list.columns.first() == Some(&column.name))
    }

    fn json(&self, list: &JsonList, counts: &dyn Fn(u64, u64) -> u64) -> String {
        let mut lines: Vec<u64> = (0..RANKED).collect();
        lines.sort_by_cached_key(|line| Reverse(counts(*line, 0)));
        let mut known = BTreeSet::new();
        let mut entries = Vec::new();
        for line in lines {
            let texts: Vec<_> = list
                .members
                .iter()
                .filter(|member| member.kind == MemberType::Text)
                .map(|member| self.named(member.name, line))
                .collect();
            if !known.insert(texts) {
                continue;
            }
            let rank = known.len();
            let members = list.members.iter().map(|member| {
                let value = match member.kind {
                    MemberType::Text => self.named(member.name, line).into(),
                    MemberType::Int if member.name.ends_with("rank") => rank.into(),
                    MemberType::Int | MemberType::OptionalInt | MemberType::IntOrText => {
                        counts(line, 0).into()
                    }
                };
                (member.name.to_owned(), value)
            });
            entries.push(Value::Object(members.collect::<Map<_, _>>()));
        }
        Value::Array(entries).to_string()
    }

    /// A text of a row, different in each line. Numbers are written as text, too.
    fn text(&self, column: &Column, line: u64) -> String {
        match column.kind {
            ColumnType::Text | ColumnType::Json | ColumnType::Timestamp | ColumnType::Date => {
                self.named(column.name, line)
            }
            ColumnType::Int | ColumnType::BigInt | ColumnType::Double => (line + 1).to_string(),
        }
    }

    /// A text that a column or member of this name may hold: that of the parameter of this name.
    fn named(&self, name: &str, line: u64) -> String {
        let Some(param) = self.catalogue.param_of(name) else {
            return format!("{name}_{}", line + 1);
        };
        let mut set = self.set(param);
        if matches!(param.role, Role::Country) {
            let protected = ProtectedCountries::default();
            set = self.world.countries.iter().map(|country| country.code.as_str()).collect();
            set.retain(|country| !protected.contains(country));
        }
        match set.get(line as usize % set.len().max(1)) {
            Some(value) => (*value).to_owned(),
            None => numbered(param, line),
        }
    }
}

/// The example of an open parameter, with a number after its name.
fn numbered(param: &Param, line: u64) -> String {
    let mut example = Cow::Borrowed(param.example);
    if matches!(param.role, Role::Title | Role::CommonsPage) {
        example = param::title(example);
    } else if matches!(param.role, Role::File) {
        example = param::file(example);
    }
    if line == 0 {
        return example.into_owned();
    }
    match example.rsplit_once('.') {
        Some((name, extension)) if extension.len() < 5 => {
            format!("{name}_{}.{extension}", line + 1)
        }
        _ => format!("{example}_{}", line + 1),
    }
}

fn key_cell(column: &Column, text: String) -> Cell<'static> {
    match (column.kind, text.parse()) {
        (ColumnType::Int | ColumnType::BigInt, Ok(number)) => Cell::Int(number),
        _ => text_cell(text),
    }
}

fn text_cell(text: String) -> Cell<'static> {
    Cell::Text(text.into())
}

/// Differs if the rows of the tables do; `None` if there is no such table.
pub(super) fn version(catalogue: &Catalogue) -> Option<u64> {
    let mut texts = Vec::new();
    for table in tables_of(catalogue) {
        for (source, example) in sources(catalogue, table) {
            texts.push(format!("{table:?} {source:?} {}", example.key().path()));
        }
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    (!texts.is_empty()).then(|| Noise::of(&texts).count(0, 1e9))
}

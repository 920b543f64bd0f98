//! The rules that an endpoint must keep. They are checked when a catalogue is built, so that a
//! mistake in a declaration is found before any request.

use super::table_rules::{self, TableError};
use crate::body::{Body, Constant, Count, Field, RowValue, Value};
use crate::calendar::Granularity;
use crate::endpoint::{Endpoint, Protection};
use crate::json;
use crate::param::{self, Param, Role};
use crate::source::{EventSource, Grouping, JsonList, KeyValue, MemberType, Source, TableSource};
use crate::table::{ALL_DAYS, Column, ColumnRole, ColumnType, Dataset, Table};
use thiserror::Error;

/// A mistake in the declaration of an endpoint.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EndpointError {
    #[error("parameter {0:?} is none of its path")]
    NoParam(&'static str),
    #[error("start and end must follow each other, after the granularity that rules them")]
    Dates,
    #[error("year, month and day must follow each other in this order; the day may be left out")]
    PeriodOrder,
    #[error("no dataset has the granularity {}", .0.as_str())]
    NoDataset(Granularity),
    #[error("dataset {0:?} has something else than the endpoint reads")]
    Content(&'static str),
    #[error("the partition key of table {table} has {expected} columns, not {found}")]
    PartitionLength { table: &'static str, expected: usize, found: usize },
    #[error("table {table}: {source}")]
    Table { table: &'static str, source: TableError },
    #[error("{value:?} is no value of the partition column {column:?}")]
    PartitionValue { column: &'static str, value: &'static str },
    #[error(
        "the probe of dataset {dataset:?} must have a value for {expected} columns, not {found}"
    )]
    Probe { dataset: &'static str, expected: usize, found: usize },
    #[error("the probe of dataset {dataset:?} names no partition: {column} is never {value:?}")]
    ProbeValue { dataset: &'static str, column: &'static str, value: &'static str },
    #[error(
        "the name of dataset {0:?} must end with its granularity, and begin with `legacy-` if and \
         only if the data have ended: alerts for late data select by these names"
    )]
    DatasetName(&'static str),
    #[error("there is no column {0:?} of the type that the body needs")]
    NoColumn(String),
    #[error("the body needs the periods of rows, and they have none")]
    NoPeriods,
    #[error("the body has the key {0:?} twice, or it needs escaping")]
    Key(&'static str),
    #[error("the field {0:?} needs a row, and its object is none")]
    NotInRow(&'static str),
    #[error("the field {0:?} can't be summed to months")]
    NotSummable(&'static str),
    #[error("parameter {param:?} has the value {value:?}, which selects no column")]
    NoCode { param: &'static str, value: &'static str },
    #[error("parameter {0:?} is no number")]
    NoNumber(&'static str),
    #[error("the body needs dates of the request, and it has none")]
    NoSpan,
    #[error("the body lacks {0}")]
    Incomplete(&'static str),
    #[error("{0:?} has another member to fall back on, which a list in JSON does not support")]
    Fallback(&'static str),
    #[error("its example {0} is refused")]
    Example(String),
    #[error("failed to make a body of sample rows for {path}: {reason}")]
    Body { path: String, reason: String },
}

/// Checks an endpoint.
pub(super) fn check(endpoint: &Endpoint) -> Result<(), EndpointError> {
    let check = Check { endpoint };
    check.dates()?;
    check.period()?;
    match endpoint.source {
        Source::Table(source) => check.table(source)?,
        Source::Events(source) => check.events(source)?,
    }
    check.protection()?;
    check.body()
}

struct Check<'e> {
    endpoint: &'e Endpoint,
}

impl Check<'_> {
    fn has(&self, param: &'static Param) -> Result<(), EndpointError> {
        let known = self.endpoint.params().any(|known| known.is(param));
        if known { Ok(()) } else { Err(EndpointError::NoParam(param.name)) }
    }

    fn position(&self, is: fn(&Role) -> bool) -> Option<usize> {
        self.endpoint.params().position(|param| is(&param.role))
    }

    /// Start and end follow each other, after a granularity if the start has no rule of its own.
    fn dates(&self) -> Result<(), EndpointError> {
        let granularity = self.position(|role| matches!(role, Role::Granularity { .. }));
        let start = self.position(|role| matches!(role, Role::Start(_)));
        let end = self.position(|role| matches!(role, Role::End));
        let ruled = self.position(|role| matches!(role, Role::Start(Some(_)))).is_some();
        let in_order = match (start, end) {
            (None, None) => true,
            (Some(start), Some(end)) => {
                let after = granularity.is_some_and(|granularity| granularity < start);
                end == start + 1 && after != ruled
            }
            _ => false,
        };
        if in_order { Ok(()) } else { Err(EndpointError::Dates) }
    }

    /// Year, month and day follow each other, since the last of them validates the date.
    fn period(&self) -> Result<(), EndpointError> {
        let is_part =
            |param: &&Param| matches!(param.role, Role::Year | Role::Month | Role::Day { .. });
        let parts = self.endpoint.params().filter(is_part).count();
        let params = self.endpoint.params().skip_while(|param| !is_part(param)).take(parts);
        let roles: Vec<Role> = params.map(|param| param.role).collect();
        match roles.as_slice() {
            [] | [Role::Year, Role::Month] | [Role::Year, Role::Month, Role::Day { .. }] => Ok(()),
            _ => Err(EndpointError::PeriodOrder),
        }
    }

    /// The granularities of its queries.
    fn granularities(&self) -> Vec<Granularity> {
        self.endpoint
            .params()
            .flat_map(|param| match param.role {
                Role::Granularity { allowed, .. } => allowed.iter().map(|(one, _)| *one).collect(),
                Role::Month if super::has_day(self.endpoint) => Vec::new(),
                Role::Start(Some(_)) | Role::Month => vec![Granularity::Monthly],
                Role::Day { .. } => vec![Granularity::Daily, Granularity::Monthly],
                Role::Project { .. }
                | Role::OneProject
                | Role::Referer { .. }
                | Role::Enumeration { .. }
                | Role::Title
                | Role::CommonsPage
                | Role::File
                | Role::User
                | Role::Country
                | Role::Id
                | Role::Text
                | Role::Year
                | Role::Start(None)
                | Role::End => Vec::new(),
            })
            .collect()
    }

    fn datasets(&self) -> Result<(), EndpointError> {
        for granularity in self.granularities() {
            self.endpoint
                .dataset(Some(granularity))
                .ok_or(EndpointError::NoDataset(granularity))?;
        }
        self.endpoint.datasets().iter().try_for_each(|dataset| dataset_name(dataset))
    }

    fn table(&self, source: &'static TableSource) -> Result<(), EndpointError> {
        self.datasets()?;
        let table = source.table;
        table_rules::check(table)
            .and_then(|()| table_rules::datasets(source))
            .map_err(|source| EndpointError::Table { table: table.name, source })?;
        for dataset in source.datasets {
            if dataset.table() != Some(table) {
                return Err(EndpointError::Content(dataset.name));
            }
            let (expected, found) = (table.partition.len(), source.partition.len());
            if expected != found {
                return Err(EndpointError::PartitionLength { table: table.name, expected, found });
            }
            probe(dataset, table)?;
            for (column, value) in table.partition.iter().zip(source.partition) {
                self.partition_value(column, *value)?;
            }
            for ((column, value), probe) in
                table.partition.iter().zip(source.partition).zip(dataset.probe())
            {
                if !can_be(column, *value, probe, dataset.granularity) {
                    let (dataset, column) = (dataset.name, column.name);
                    return Err(EndpointError::ProbeValue { dataset, column, value: probe });
                }
            }
            if let Some(list) = source.list {
                if list.columns.is_empty() {
                    return Err(EndpointError::NoColumn(String::new()));
                }
                for name in list.columns {
                    column(table.values, name, &[ColumnType::Json])?;
                }
                for (name, _) in list.order {
                    self.column(name, &[ColumnType::Int, ColumnType::Text])?;
                }
            }
        }
        Ok(())
    }

    /// A parameter fills the column of its name. So a key in the wrong order is found.
    fn partition_value(
        &self,
        column: &'static Column,
        value: KeyValue,
    ) -> Result<(), EndpointError> {
        let is_same = |name: &str| name.replace('-', "_") == column.name.replace('-', "_");
        let value = match value {
            KeyValue::Param(param) => {
                self.has(param)?;
                if is_same(param.name) && fills(param, column) {
                    return Ok(());
                }
                param.name
            }
            // The granularity that is stored.
            KeyValue::Const(word) if column.role == ColumnRole::Granularity => {
                let is_stored = |dataset: &&Dataset| dataset.granularity.as_str() == word;
                if self.endpoint.datasets().iter().all(is_stored) {
                    return Ok(());
                }
                word
            }
            KeyValue::Const(word) if column.role == ColumnRole::Plain && is_of(column, word) => {
                return Ok(());
            }
            KeyValue::Const(word) => word,
        };
        Err(EndpointError::PartitionValue { column: column.name, value })
    }

    fn events(&self, source: &'static EventSource) -> Result<(), EndpointError> {
        self.datasets()?;
        if let Some(other) = source.datasets.iter().find(|dataset| dataset.table().is_some()) {
            return Err(EndpointError::Content(other.name));
        }
        if self.is_series() {
            self.periods()?;
        }
        column(source.columns, source.metric, &[ColumnType::Int, ColumnType::BigInt])?;
        source.filters.iter().try_for_each(|(param, _)| self.has(param))
    }

    fn protection(&self) -> Result<(), EndpointError> {
        self.endpoint.protect.iter().try_for_each(|protection| match protection {
            Protection::Country(param) => self.has(param),
            // Rows of tables are not filtered yet.
            Protection::Countries(name) if self.endpoint.source.list().is_none() => {
                Err(EndpointError::NoColumn((*name).to_owned()))
            }
            Protection::Countries(name) => self.column(name, &[ColumnType::Text]),
        })
    }

    fn body(&self) -> Result<(), EndpointError> {
        let body = &self.endpoint.body;
        let list = match body {
            Body::List { list, .. } => Some(*list),
            Body::Top { .. } => Some("results"),
            Body::Items { .. } | Body::Context { .. } => None,
        };
        keys(body.around().iter().map(|field| field.key).chain(list))?;
        keys(body.row().iter().map(|field| field.key))?;
        for field in body.around() {
            match field.value {
                Value::Constant(value) => self.constant(value)?,
                Value::Row(_) => return Err(EndpointError::NotInRow(field.key)),
            }
        }
        for field in body.row() {
            match field.value {
                Value::Constant(value) => self.constant(value)?,
                Value::Row(value) => self.row_value(field, value)?,
            }
        }
        self.is_complete()
    }

    /// The body echoes each parameter that is no date, and its rows have values; those of a series
    /// have periods.
    fn is_complete(&self) -> Result<(), EndpointError> {
        let body = &self.endpoint.body;
        let fields = || body.around().iter().chain(body.row());
        for param in self.endpoint.params().filter(|param| !param.role.is_date()) {
            let echoes = |field: &Field| match field.value {
                Value::Constant(Constant::Param(echoed) | Constant::Number(echoed)) => {
                    echoed.is(param)
                }
                Value::Constant(
                    Constant::Text(_)
                    | Constant::Start(_)
                    | Constant::End(_)
                    | Constant::Granularity,
                )
                | Value::Row(_) => false,
            };
            if !fields().any(echoes) {
                return Err(EndpointError::Incomplete(param.name));
            }
        }
        let is_period = |field: &Field| matches!(field.value, Value::Row(RowValue::Timestamp(_)));
        let is_value = |field: &Field| matches!(field.value, Value::Row(_)) && !is_period(field);
        if self.is_series() && !body.row().iter().any(is_period) {
            return Err(EndpointError::Incomplete("the periods of its rows"));
        }
        let has_values = body.row().iter().any(is_value);
        if has_values { Ok(()) } else { Err(EndpointError::Incomplete("a value of its rows")) }
    }

    /// Whether its rows are periods.
    fn is_series(&self) -> bool {
        match self.endpoint.source {
            Source::Table(source) => source.table.is_series(),
            Source::Events(source) => match source.grouping {
                Grouping::ByPeriod | Grouping::BySparsePeriod => true,
                Grouping::Top(_) => false,
            },
        }
    }

    fn constant(&self, value: Constant) -> Result<(), EndpointError> {
        let is_given = match value {
            Constant::Param(param) => return self.has(param),
            Constant::Number(param) => {
                self.has(param)?;
                let is_number = matches!(param.role, Role::Id | Role::Year | Role::Month);
                let error = EndpointError::NoNumber(param.name);
                return if is_number { Ok(()) } else { Err(error) };
            }
            Constant::Text(_) => true,
            Constant::Start(_) | Constant::End(_) | Constant::Granularity => {
                !self.granularities().is_empty()
            }
        };
        if is_given { Ok(()) } else { Err(EndpointError::NoSpan) }
    }

    fn row_value(&self, field: &Field, value: RowValue) -> Result<(), EndpointError> {
        use ColumnType::{BigInt, Double, Int, Text};
        let is_summed = self.is_summed();
        match value {
            RowValue::Timestamp(_) => self.periods(),
            RowValue::Count(count) | RowValue::CountIfLoaded(count) => self.count(count),
            _ if is_summed => Err(EndpointError::NotSummable(field.key)),
            RowValue::OptionalInt(name) => self.column(name, &[Int, BigInt]),
            RowValue::Double(name) => self.column(name, &[Double]),
            RowValue::Text(name) | RowValue::Redacted(name) => self.column(name, &[Text]),
            RowValue::Position => Ok(()),
            RowValue::Interval(name) | RowValue::RoundedUp(name) => {
                let is = |list: &JsonList| member(list, name) == Some(MemberType::IntOrText);
                let is_known = self.endpoint.source.list().is_some_and(is);
                if is_known { Ok(()) } else { Err(EndpointError::NoColumn(name.to_owned())) }
            }
        }
    }

    /// Whether months are summed from stored days.
    fn is_summed(&self) -> bool {
        let days = self.endpoint.datasets();
        let days = days.iter().all(|dataset| dataset.granularity == Granularity::Daily);
        let granular = self.position(|role| matches!(role, Role::Granularity { .. })).is_some();
        days && granular && self.granularities().contains(&Granularity::Monthly)
    }

    fn count(&self, count: Count) -> Result<(), EndpointError> {
        let int = |name: &str| self.column(name, &[ColumnType::Int, ColumnType::BigInt]);
        match count {
            Count::FirstOf([]) => Err(EndpointError::NoColumn(String::new())),
            Count::FirstOf([name, _, ..]) if self.endpoint.source.list().is_some() => {
                Err(EndpointError::Fallback(name))
            }
            Count::FirstOf(names) => names.iter().try_for_each(|name| int(name)),
            Count::SumBy(param, columns) => {
                self.has(param)?;
                selects(param, columns.iter().map(|(value, _)| *value))?;
                columns.iter().flat_map(|(_, names)| *names).try_for_each(|name| int(name))
            }
            Count::Codes(codes) => {
                let mut names = vec![String::new()];
                for (param, codes) in codes {
                    self.has(param)?;
                    selects(param, codes.iter().map(|(value, _)| *value))?;
                    let extended = |name: &String| -> Vec<String> {
                        codes.iter().map(|(_, code)| format!("{name}{code}")).collect()
                    };
                    names = names.iter().flat_map(extended).collect();
                }
                names.iter().try_for_each(|name| int(name))
            }
        }
    }

    /// Rows have periods.
    fn periods(&self) -> Result<(), EndpointError> {
        let have_periods = match self.endpoint.source {
            Source::Events(source) => source.columns.iter().any(|column| column.form().is_some()),
            Source::Table(TableSource { list: Some(_), .. }) => false,
            Source::Table(source) => source.table.is_series(),
        };
        if have_periods { Ok(()) } else { Err(EndpointError::NoPeriods) }
    }

    /// A column of the rows, of one of these types.
    fn column(&self, name: &str, types: &[ColumnType]) -> Result<(), EndpointError> {
        match self.endpoint.source {
            Source::Events(source) => column(source.columns, name, types),
            Source::Table(TableSource { list: Some(list), .. }) => {
                let fits = match member(list, name) {
                    Some(MemberType::Int | MemberType::OptionalInt) => {
                        types.contains(&ColumnType::Int)
                    }
                    Some(MemberType::Text) => types.contains(&ColumnType::Text),
                    Some(MemberType::IntOrText) | None => false,
                };
                if fits { Ok(()) } else { Err(EndpointError::NoColumn(name.to_owned())) }
            }
            Source::Table(source) => {
                let mut columns = source.table.read_columns();
                let fits =
                    columns.any(|column| column.name == name && types.contains(&column.kind));
                if fits { Ok(()) } else { Err(EndpointError::NoColumn(name.to_owned())) }
            }
        }
    }
}

/// Whether a partition column that is filled by a value may have a text, in a dataset of a
/// granularity.
fn can_be(column: &Column, value: KeyValue, text: &str, granularity: Granularity) -> bool {
    if column.role == ColumnRole::Granularity {
        return text == granularity.as_str();
    }
    match value {
        KeyValue::Param(param) => {
            let closed = param.role.closed_values();
            let is_project = !param.role.is_project()
                || param::project(text).is_some_and(|project| project == text);
            is_project && closed.is_none_or(|values| values.contains(&text))
        }
        // Other endpoints of the dataset may have other constants.
        KeyValue::Const(_) => true,
    }
}

/// Whether the values of a parameter fit a column's type and role.
fn fills(param: &Param, column: &Column) -> bool {
    match (column.role, param.role) {
        (ColumnRole::Granularity, role) => matches!(role, Role::Granularity { .. }),
        (ColumnRole::Year, role) => matches!(role, Role::Year),
        (ColumnRole::Month, role) => matches!(role, Role::Month),
        (ColumnRole::Day, role) => matches!(role, Role::Day { .. }),
        (ColumnRole::Plain | ColumnRole::Period(_) | ColumnRole::Rank, role) => {
            !role.is_date() && (matches!(role, Role::Id) || !column.kind.is_integer())
        }
    }
}

/// Whether a text is a value of a column's type.
fn is_of(column: &Column, text: &str) -> bool {
    match column.kind {
        ColumnType::Int => text.parse::<u32>().is_ok_and(|number| i32::try_from(number).is_ok()),
        ColumnType::BigInt => text.parse::<u64>().is_ok_and(|number| i64::try_from(number).is_ok()),
        ColumnType::Text
        | ColumnType::Json
        | ColumnType::Double
        | ColumnType::Timestamp
        | ColumnType::Date => true,
    }
}

fn member(list: &JsonList, name: &str) -> Option<MemberType> {
    list.members.iter().find(|member| member.name == name).map(|member| member.kind)
}

fn column(columns: &[Column], name: &str, types: &[ColumnType]) -> Result<(), EndpointError> {
    let fits = columns.iter().any(|column| column.name == name && types.contains(&column.kind));
    if fits { Ok(()) } else { Err(EndpointError::NoColumn(name.to_owned())) }
}

/// Each value of a closed parameter must select something.
fn selects(
    param: &'static Param,
    selected: impl Iterator<Item = &'static str> + Clone,
) -> Result<(), EndpointError> {
    for value in param.role.closed_values().unwrap_or_default() {
        if !selected.clone().any(|one| one == value) {
            return Err(EndpointError::NoCode { param: param.name, value });
        }
    }
    Ok(())
}

/// Keys of one object are different and need no escaping.
fn keys(keys: impl Iterator<Item = &'static str>) -> Result<(), EndpointError> {
    let mut known = Vec::new();
    for key in keys {
        if !json::is_plain(key) || key.is_empty() || known.contains(&key) {
            return Err(EndpointError::Key(key));
        }
        known.push(key);
    }
    Ok(())
}

/// A probe has a value for each column of the partition key before the date.
fn probe(dataset: &Dataset, table: &Table) -> Result<(), EndpointError> {
    let (columns, probe) = (table.probe_columns(), dataset.probe());
    let (expected, found) = (columns.len(), probe.len());
    let is_value = |(column, text): (&Column, &&str)| is_of(column, text);
    let fits = columns.iter().zip(probe).all(is_value);
    if found != expected || !fits || probe.contains(&"") || probe.contains(&ALL_DAYS) {
        return Err(EndpointError::Probe { dataset: dataset.name, expected, found });
    }
    Ok(())
}

fn dataset_name(dataset: &Dataset) -> Result<(), EndpointError> {
    let stem = dataset.name.strip_suffix(dataset.granularity.as_str());
    let is_named = stem.is_some_and(|stem| stem.len() > 1 && stem.ends_with('-'));
    let fits = is_named && dataset.name.starts_with("legacy-") == dataset.ended;
    if fits { Ok(()) } else { Err(EndpointError::DatasetName(dataset.name)) }
}

#[cfg(test)]
mod mutation_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::{self, TIMESTAMP as TIMESTAMP_FIELD, TimeForm, count, row, text};
    use crate::endpoint::Segment;
    use crate::endpoints::ALL;
    use crate::table::{Content, Layout, bigint, int, text as text_column};

    /// The error of a standard endpoint with one mistake.
    fn mistake(name: &str, make: impl FnOnce(&mut Endpoint)) -> EndpointError {
        let mut endpoint = **ALL.iter().find(|endpoint| endpoint.name == name).unwrap();
        assert_eq!(check(&endpoint), Ok(()), "{name}");
        make(&mut endpoint);
        check(&endpoint).unwrap_err()
    }

    /// The error of a standard endpoint whose rows come from elsewhere.
    fn of_source(name: &str, make: impl FnOnce(&TableSource) -> TableSource) -> EndpointError {
        mistake(name, |endpoint| {
            let Source::Table(source) = endpoint.source else { panic!("no table") };
            endpoint.source = Source::Table(Box::leak(Box::new(make(source))));
        })
    }

    /// The error of a standard endpoint whose table is another.
    fn of_table(name: &str, make: impl Fn(&Table) -> Table) -> EndpointError {
        of_source(name, |source| {
            let table = Box::leak(Box::new(make(source.table)));
            let changed = source.datasets.iter().map(|dataset| {
                let content = Content::Table { table, probe: dataset.probe() };
                &*Box::leak(Box::new(Dataset { content, ..**dataset }))
            });
            TableSource { table, datasets: changed.collect::<Vec<_>>().leak(), ..*source }
        })
    }

    fn of_item(name: &str, item: &'static [Field]) -> EndpointError {
        mistake(name, |endpoint| endpoint.body = Body::Items { item })
    }

    fn param(name: &str, param: &str) -> &'static Param {
        let endpoint = ALL.iter().find(|endpoint| endpoint.name == name).unwrap();
        endpoint.params().find(|known| known.name == param).unwrap()
    }

    const BY_COUNTRY: &str = "pageviews/top-by-country";
    const DEVICES: &str = "unique-devices";
    const TOP: &str = "pageviews/top";
    const ARTICLE: &str = "pageviews/per-article";

    #[test]
    fn a_partition_has_the_columns_of_its_table_in_order() {
        let partition = |change: fn(&mut Vec<KeyValue>)| {
            of_source(DEVICES, |source| {
                let mut partition = source.partition.to_vec();
                change(&mut partition);
                TableSource { partition: partition.leak(), ..*source }
            })
        };
        let length = |found| {
            let table = "unique_devices";
            EndpointError::PartitionLength { table, expected: 3, found }
        };
        assert_eq!(partition(|partition| partition.truncate(2)), length(2));
        assert_eq!(partition(|partition| partition.push(KeyValue::Const("x"))), length(4));
        let swapped = EndpointError::PartitionValue { column: "project", value: "access-site" };
        assert_eq!(partition(|partition| partition.swap(0, 1)), swapped);
        let value = EndpointError::PartitionValue { column: "granularity", value: "hourly" };
        assert_eq!(partition(|partition| partition[2] = KeyValue::Const("hourly")), value);
        let other = of_source(DEVICES, |source| {
            let mut partition = source.partition.to_vec();
            partition[2] = KeyValue::Param(param(ARTICLE, "granularity"));
            TableSource { partition: partition.leak(), ..*source }
        });
        assert_eq!(other, EndpointError::NoParam("granularity"));
    }

    #[test]
    fn datasets_fit_the_queries() {
        let datasets = |change: fn(&mut Dataset)| {
            of_source(DEVICES, |source| {
                let changed = source.datasets.iter().map(|dataset| {
                    let mut dataset = Dataset { ..**dataset };
                    change(&mut dataset);
                    &*Box::leak(Box::new(dataset))
                });
                TableSource { datasets: changed.collect::<Vec<_>>().leak(), ..*source }
            })
        };
        let no_dataset = EndpointError::NoDataset(Granularity::Monthly);
        assert_eq!(datasets(|dataset| dataset.granularity = Granularity::Daily), no_dataset);
        let name = EndpointError::DatasetName;
        assert_eq!(datasets(|dataset| dataset.name = "unique-devices"), name("unique-devices"));
        assert_eq!(datasets(|dataset| dataset.name = "daily"), name("daily"));
        let swapped = datasets(|dataset| dataset.name = "unique-devices-monthly");
        assert_eq!(swapped, name("unique-devices-monthly"));
        let ended = datasets(|dataset| dataset.ended = true);
        assert_eq!(ended, name("unique-devices-daily"));
        let legacy = datasets(|dataset| {
            if dataset.granularity == Granularity::Daily {
                dataset.name = "legacy-devices-daily";
            }
        });
        assert_eq!(legacy, name("legacy-devices-daily"));
        let probe = |found| {
            let dataset = "unique-devices-daily";
            EndpointError::Probe { dataset, expected: 3, found }
        };
        assert_eq!(datasets(|dataset| dataset.set_probe(&["en.wikipedia"])), probe(1));
        assert_eq!(datasets(|dataset| dataset.set_probe(&["en.wikipedia", "", "daily"])), probe(3));
        let other = datasets(|dataset| {
            if dataset.granularity == Granularity::Monthly {
                dataset.content = Content::Events { datasource: "x" };
            }
        });
        assert_eq!(other, EndpointError::Content("unique-devices-monthly"));
    }

    #[test]
    fn numbers_fill_number_columns() {
        let partition = |change: fn(&mut Vec<Column>)| {
            of_table(BY_COUNTRY, |table| {
                let mut partition = table.partition.to_vec();
                change(&mut partition);
                Table { partition: partition.leak(), ..*table }
            })
        };
        let dataset = "pageviews-top-by-country-monthly";
        let probe = || EndpointError::Probe { dataset, expected: 2, found: 2 };
        assert_eq!(partition(|partition| partition[0] = bigint("project")), probe());
        assert_eq!(partition(|partition| partition[1] = int("access")), probe());
        let constant = of_source(BY_COUNTRY, |source| {
            let mut partition = source.partition.to_vec();
            partition[3] = KeyValue::Const("01");
            TableSource { partition: partition.leak(), ..*source }
        });
        let value = EndpointError::PartitionValue { column: "month", value: "01" };
        assert_eq!(constant, value);
        assert!(fills(param(TOP, "month"), &int("month").month()));
        assert!(!fills(param(TOP, "month"), &int("month")));
        assert!(!fills(param(TOP, "access"), &int("access")));
        assert!(!fills(param(TOP, "year"), &text_column("year")));
        assert!(!is_of(&int("a"), "2147483648") && is_of(&bigint("a"), "2147483648"));
    }

    #[test]
    fn tables_are_sound_and_datasets_select_their_rows() {
        let error = |table, source| EndpointError::Table { table, source };
        let plain = of_table(BY_COUNTRY, |table| Table {
            layout: Layout::Plain { keyspace: "k" },
            ..*table
        });
        assert_eq!(plain, error("top_bycountry", TableError::NoClustering));
        let unselected = of_table(DEVICES, |table| {
            let mut partition = table.partition.to_vec();
            partition[2] = text_column("granularity");
            Table { partition: partition.leak(), ..*table }
        });
        assert_eq!(unselected, error("unique_devices", TableError::Granularity));
        let hourly = of_source(DEVICES, |source| {
            let (name, granularity) = ("unique-devices-hourly", Granularity::Hourly);
            let hourly = Dataset { name, granularity, ..*source.datasets[0] };
            let hourly: &'static Dataset = Box::leak(Box::new(hourly));
            let datasets = [source.datasets, &[hourly]].concat().leak();
            TableSource { datasets, ..*source }
        });
        assert_eq!(hourly, error("unique_devices", TableError::Hours));
    }

    #[test]
    fn fields_have_columns_of_their_type() {
        let no_column = |name: &str| EndpointError::NoColumn(name.to_owned());
        assert_eq!(of_item(DEVICES, const { &[count(&["device"], "")] }), no_column("device"));
        assert_eq!(of_item(DEVICES, const { &[count(&[], "").named("x")] }), no_column(""));
        assert_eq!(of_item(DEVICES, const { &[text("devices", "")] }), no_column("devices"));
        const DOUBLE: &[Field] = &[row("x", RowValue::Double("devices"), "")];
        assert_eq!(of_item(DEVICES, DOUBLE), no_column("devices"));
        assert_eq!(of_item(TOP, const { &[count(&["article"], "")] }), no_column("article"));
        assert_eq!(of_item(TOP, const { &[TIMESTAMP_FIELD] }), EndpointError::NoPeriods);
        const INTERVAL: &[Field] = &[row("x", RowValue::Interval("views"), "")];
        assert_eq!(of_item(TOP, INTERVAL), no_column("views"));
        const SUMMED: &[Field] = &[row("x", RowValue::OptionalInt("aa"), "")];
        assert_eq!(of_item(ARTICLE, SUMMED), EndpointError::NotSummable("x"));
        let list = of_source(TOP, |source| {
            let list = JsonList { columns: &["articlesjson"], ..*source.list.unwrap() };
            TableSource { list: Some(Box::leak(Box::new(list))), ..*source }
        });
        assert_eq!(list, no_column("articlesjson"));
    }

    #[test]
    fn every_value_of_a_parameter_selects_a_column() {
        let agent = param(ARTICLE, "agent");
        let selecting = |count| {
            let field = row("views", RowValue::Count(count), "");
            of_item(ARTICLE, Box::leak(Box::new([field])))
        };
        let no_code = |value| EndpointError::NoCode { param: "agent", value };
        let codes =
            |codes: &'static [(&str, &str)]| Count::Codes(Box::leak(Box::new([(agent, codes)])));
        let few = codes(&[("all-agents", "aa"), ("user", "au"), ("spider", "as")]);
        assert_eq!(selecting(few), no_code("automated"));
        let wrong =
            codes(&[("all-agents", "aa"), ("user", "au"), ("spider", "as"), ("automated", "zz")]);
        assert_eq!(selecting(wrong), EndpointError::NoColumn("zz".to_owned()));
        let sum = Count::SumBy(agent, &[("all-agents", &["au", "as"]), ("user", &["au"])]);
        assert_eq!(selecting(sum), no_code("automated"));
        let foreign = Count::SumBy(param(DEVICES, "access-site"), &[]);
        assert_eq!(selecting(foreign), EndpointError::NoParam("access-site"));
    }

    #[test]
    fn keys_and_objects_are_sound() {
        let project = param(DEVICES, "project");
        let twice = Box::leak(Box::new([body::param(project), body::param(project)]));
        assert_eq!(of_item(DEVICES, twice), EndpointError::Key("project"));
        let escaped = Box::leak(Box::new([body::param(project).named("pro\"ject")]));
        assert_eq!(of_item(DEVICES, escaped), EndpointError::Key("pro\"ject"));
        let foreign = Box::leak(Box::new([body::param(param(TOP, "day"))]));
        assert_eq!(of_item(DEVICES, foreign), EndpointError::NoParam("day"));
        let list = mistake(TOP, |endpoint| {
            let Body::List { entry, .. } = endpoint.body else { return };
            endpoint.body = Body::List { item: entry, list: "articles", entry };
        });
        assert_eq!(list, EndpointError::NotInRow("article"));
        let list = mistake(TOP, |endpoint| {
            let Body::List { item, entry, .. } = endpoint.body else { return };
            endpoint.body = Body::List { item, list: "year", entry };
        });
        assert_eq!(list, EndpointError::Key("year"));
        let protection = mistake(TOP, |endpoint| {
            endpoint.protect = &[Protection::Countries("country")];
        });
        assert_eq!(protection, EndpointError::NoColumn("country".to_owned()));
        let span = mistake(DEVICES, |endpoint| {
            const SPAN: &[Field] = &[Field {
                key: "start",
                value: Value::Constant(Constant::Start(TimeForm::Rfc3339)),
                description: "",
            }];
            endpoint.segments = &[Segment::Word("x")];
            let table = &crate::tables::LEGACY_PAGECOUNTS;
            let source = TableSource { table, datasets: &[], partition: &[], list: None };
            endpoint.source = Source::Table(Box::leak(Box::new(source)));
            endpoint.body = Body::Items { item: SPAN };
        });
        assert_eq!(span, EndpointError::NoSpan);
    }

    #[test]
    fn dates_follow_their_granularity() {
        let segments = |change: fn(&mut Vec<Segment>)| {
            mistake(DEVICES, |endpoint| {
                let mut segments = endpoint.segments.to_vec();
                change(&mut segments);
                endpoint.segments = segments.leak();
            })
        };
        assert_eq!(segments(|segments| segments.swap(4, 5)), EndpointError::Dates);
        assert_eq!(segments(|segments| segments.swap(3, 4)), EndpointError::Dates);
        assert_eq!(segments(|segments| segments.truncate(5)), EndpointError::Dates);
        let removed = segments(|segments| {
            segments.remove(2);
        });
        assert_eq!(removed, EndpointError::NoParam("access-site"));
    }

    #[test]
    fn year_month_and_day_follow_each_other() {
        let segments = |change: fn(&mut Vec<Segment>)| {
            mistake(TOP, |endpoint| {
                let mut segments = endpoint.segments.to_vec();
                change(&mut segments);
                endpoint.segments = segments.leak();
            })
        };
        assert_eq!(segments(|segments| segments.swap(4, 6)), EndpointError::PeriodOrder);
        assert_eq!(segments(|segments| segments.swap(3, 4)), EndpointError::PeriodOrder);
        assert_eq!(segments(|segments| segments.truncate(5)), EndpointError::PeriodOrder);
        let without_month = segments(|segments| {
            segments.remove(5);
        });
        assert_eq!(without_month, EndpointError::PeriodOrder);
    }
}

//! All endpoints as one value: it routes, validates and normalises.

mod check;
mod key_rules;
pub(crate) mod sample_rows;
mod table_docs;
mod table_rules;

pub use check::EndpointError;
pub use key_rules::KeyRule;
pub use table_docs::{ColumnDoc, TableDoc};
pub use table_rules::TableError;

use crate::answer::ShapeError;
use crate::calendar::{DateRule, Granularity, Hour, Span};
use crate::endpoint::{Endpoint, EndpointId, Query, Segment};
use crate::endpoints;
use crate::fault::{DateFault, Fault};
use crate::key::{Dialect, Key};
use crate::param::{self, Param, Role};
use crate::percent;
use crate::render::render;
use crate::shape::{Rules, shape};
use crate::table::{ALL_DAYS, Dataset, DatasetId, Table, tables_of};
use crate::target::Target;
use crate::text_list::TextList;
use jiff::civil::Date;
use sample_rows::Filling;
use std::borrow::Cow;
use thiserror::Error;

/// The endpoints that a service answers, and the rules that their shapes apply.
pub struct Catalogue {
    endpoints: &'static [&'static Endpoint],
    /// By dialect: the same path may be an endpoint of each.
    routers: [matchit::Router<EndpointId>; Dialect::ALL.len()],
    datasets: Vec<&'static Dataset>,
    rules: Rules,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum CatalogueError {
    #[error("endpoint {endpoint}: failed to route path {template}: {reason}")]
    Route { endpoint: &'static str, template: String, reason: String },
    #[error("endpoint {endpoint}: {source}")]
    Endpoint { endpoint: &'static str, source: EndpointError },
    /// Metrics, plans and purge tags identify endpoints by name.
    #[error("two endpoints have the name {0}")]
    Name(&'static str),
    #[error("dataset {0} is declared twice, differently")]
    Dataset(&'static str),
    #[error("table {0} is declared twice, differently")]
    Table(&'static str),
    #[error("too many endpoints")]
    TooMany,
}

impl Catalogue {
    /// A catalogue with the default rules.
    pub fn new(endpoints: &'static [&'static Endpoint]) -> Result<Self, CatalogueError> {
        let mut routers = Dialect::ALL.map(|_| matchit::Router::new());
        let mut datasets: Vec<&'static Dataset> = Vec::new();
        for (index, endpoint) in endpoints.iter().enumerate() {
            let id = EndpointId(u16::try_from(index).map_err(|_| CatalogueError::TooMany)?);
            let name = endpoint.name;
            if endpoints.iter().take(index).any(|other| other.name == name) {
                return Err(CatalogueError::Name(name));
            }
            check::check(endpoint)
                .map_err(|source| CatalogueError::Endpoint { endpoint: name, source })?;
            let template = endpoint.template();
            let router = &mut routers[endpoint.dialect as usize];
            router.insert(template.clone(), id).map_err(|error| CatalogueError::Route {
                endpoint: endpoint.name,
                template,
                reason: error.to_string(),
            })?;
            for dataset in endpoint.datasets() {
                if let Some(table) = dataset.table() {
                    let mut held = datasets.iter().filter_map(|held| held.table());
                    if held.any(|held| held.name == table.name && held != table) {
                        return Err(CatalogueError::Table(table.name));
                    }
                }
                match datasets.iter().find(|held| held.name == dataset.name) {
                    None => datasets.push(dataset),
                    Some(held) if std::ptr::eq(*held, *dataset) => {}
                    Some(held) => return Err(CatalogueError::Dataset(held.name)),
                }
            }
        }
        let catalogue = Self { endpoints, routers, datasets, rules: Rules::default() };
        for endpoint in endpoints {
            catalogue
                .check_body(endpoint)
                .map_err(|source| CatalogueError::Endpoint { endpoint: endpoint.name, source })?;
        }
        Ok(catalogue)
    }

    /// Makes bodies of sample rows, as requests do of stored ones.
    fn check_body(&self, endpoint: &Endpoint) -> Result<(), EndpointError> {
        let example = endpoint.example();
        let mut paths = sample_rows::few_sample_paths(endpoint);
        paths.push(example.clone());
        for path in paths {
            let query = match self.resolve(Target { dialect: endpoint.dialect, path: &path }) {
                Ok(query) => query,
                // The days of an example need not be full months.
                Err(Fault::Date(_)) if path != example => continue,
                Err(_) => return Err(EndpointError::Example(path)),
            };
            let made = sample_rows::sample_rows(&query, Filling::Full)
                .map_err(ShapeError::from)
                .and_then(|rows| render(&query, &shape(&query, &rows, &self.rules)?));
            if let Err(error) = made {
                return Err(EndpointError::Body { path, reason: error.to_string() });
            }
        }
        Ok(())
    }

    pub fn standard() -> Result<Self, CatalogueError> {
        Self::new(endpoints::ALL)
    }

    pub fn with_rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    pub fn endpoints(&self) -> impl ExactSizeIterator<Item = (EndpointId, &'static Endpoint)> {
        self.endpoints
            .iter()
            .enumerate()
            .map(|(index, endpoint)| (EndpointId(index as u16), *endpoint))
    }

    /// The parameter whose values are texts of this name in rows, lists or bodies.
    pub fn param_of(&self, name: &str) -> Option<&'static Param> {
        let mut params = self.endpoints.iter().flat_map(|endpoint| endpoint.params());
        params.find(|param| param.key == name || param.name == name)
    }

    /// Every dataset that an endpoint reads, once.
    pub fn datasets(&self) -> &[&'static Dataset] {
        &self.datasets
    }

    /// The id of a dataset; `None` if no endpoint reads it.
    pub fn dataset_id(&self, dataset: &Dataset) -> Option<DatasetId> {
        let index = self.datasets.iter().position(|one| std::ptr::eq(*one, dataset))?;
        u16::try_from(index).ok().map(DatasetId)
    }

    /// Every table that an endpoint reads, once. Events are no table.
    pub fn tables(&self) -> Vec<&'static Table> {
        tables_of(&self.datasets)
    }

    /// The dialect of the faults of a target: that of its prefix, or AQS 2.0 if no endpoint answers
    /// in that dialect.
    pub fn fault_dialect(&self, target: Target<'_>) -> Dialect {
        let serves = |dialect| self.endpoints.iter().any(|endpoint| endpoint.dialect == dialect);
        if serves(target.dialect) { target.dialect } else { Dialect::V2 }
    }

    /// What is below a path that is shorter than that of any endpoint: words, and parameters in
    /// braces. `None` if nothing is.
    pub fn listing(&self, target: Target<'_>) -> Option<Vec<String>> {
        let given: Vec<&str> = match target.path.strip_prefix('/')? {
            "" => Vec::new(),
            path => path.split('/').collect(),
        };
        let mut below: Vec<String> = Vec::new();
        for endpoint in self.endpoints.iter().filter(|one| one.dialect == target.dialect) {
            let Some((above, rest)) = endpoint.segments.split_at_checked(given.len()) else {
                continue;
            };
            let is_below = above.iter().zip(&given).all(|(segment, word)| match segment {
                Segment::Word(own) => own == word,
                Segment::Param(_) => false,
            });
            let next = match rest.first() {
                Some(Segment::Word(word)) => (*word).to_owned(),
                Some(Segment::Param(param)) => format!("{{{}}}", param.name),
                None => continue,
            };
            if is_below && !below.contains(&next) {
                below.push(next);
            }
        }
        (!below.is_empty()).then_some(below)
    }

    /// Routes and validates a target.
    pub fn resolve(&self, target: Target<'_>) -> Result<Query, Fault> {
        let router = &self.routers[target.dialect as usize];
        let found =
            router.at(target.path).map_err(|_| match endpoints::is_unserved(target.path) {
                true => Fault::NotServed,
                false => Fault::InvalidRoute,
            })?;
        let id = *found.value;
        let endpoint = *self.endpoints.get(id.index()).ok_or(Fault::InvalidRoute)?;
        let mut reader =
            PathReader { path: String::with_capacity(target.path.len()), ..PathReader::default() };
        let mut raw_values = found.params.iter();
        for segment in endpoint.segments {
            match segment {
                Segment::Word(word) => reader.word(word),
                Segment::Param(param) => {
                    let (_, raw) = raw_values.next().ok_or(Fault::InvalidRoute)?;
                    let decoded = percent::decode(raw).ok_or(Fault::BadEncoding(param))?;
                    reader.param(endpoint, param, decoded)?;
                }
            }
        }
        Ok(Query {
            endpoint,
            id,
            key: Key::new(target.dialect, &reader.path),
            values: reader.values,
            granularity: reader.granularity,
            span: reader.span,
            dataset: endpoint.dataset(reader.granularity).ok_or(Fault::InvalidRoute)?,
        })
    }
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.endpoints.iter().map(|endpoint| endpoint.name)).finish()
    }
}

/// Reads a path segment by segment into values and canonical form.
#[derive(Default)]
struct PathReader {
    values: TextList,
    path: String,
    granularity: Option<Granularity>,
    rule: Option<DateRule>,
    start: Option<Hour>,
    span: Option<Span>,
    year: Option<i16>,
    month: Option<i8>,
    /// The first part of a date that has not as many digits as it should.
    malformed: Option<&'static Param>,
}

impl PathReader {
    fn word(&mut self, word: &str) {
        self.path.push('/');
        self.path.push_str(word);
    }

    fn value(&mut self, value: &str) {
        self.value_spelled(value, value);
    }

    /// A value with another spelling in the key.
    fn value_spelled(&mut self, value: &str, in_key: &str) {
        self.path.push('/');
        percent::encode_into(&mut self.path, in_key);
        self.values.push(value);
    }

    fn param(
        &mut self,
        endpoint: &Endpoint,
        param: &'static Param,
        text: Cow<'_, str>,
    ) -> Result<(), Fault> {
        match param.role {
            Role::Project { .. } => self.project(param, &text, false)?,
            Role::OneProject => self.project(param, &text, true)?,
            Role::Referer { words, aliases } => {
                match param::closed(text.trim_matches(' '), words, aliases) {
                    Some(word) => self.value(word),
                    None => self.project(param, &text, false)?,
                }
            }
            Role::Enumeration { values, aliases } => {
                let value = param::closed(&text, values, aliases);
                self.value(value.ok_or(Fault::NotAllowed(param))?);
            }
            Role::Granularity { allowed, unrouted, refusal: _ } => {
                if unrouted.iter().any(|name| name.eq_ignore_ascii_case(&text)) {
                    return Err(Fault::InvalidRoute);
                }
                let matching = |(granularity, _): &&(Granularity, _)| {
                    granularity.as_str().eq_ignore_ascii_case(&text)
                };
                let found = allowed.iter().find(matching);
                let (granularity, rule) = found.ok_or(Fault::NotAllowed(param))?;
                (self.granularity, self.rule) = (Some(*granularity), Some(*rule));
                self.value(granularity.as_str());
            }
            Role::Title | Role::CommonsPage => self.value(&param::title(text)),
            Role::File => self.value(&param::file(text)),
            Role::User | Role::Text => self.value(&text),
            Role::Country => self.value(&text.to_ascii_uppercase()),
            Role::Id => self.value(param::id(&text).ok_or(Fault::BadId(param))?),
            Role::Start(rule) => {
                if rule.is_some() {
                    (self.granularity, self.rule) = (Some(Granularity::Monthly), rule);
                }
                self.start = Some(self.hour(param, &text)?);
            }
            Role::End => self.dates(self.hour(param, &text)?)?,
            // A top list's date is validated as a whole, at its last segment.
            Role::Year => {
                self.year = self.digits(param, &text, 4);
                self.value(&text);
            }
            Role::Month => {
                self.month = self.digits(param, &text, 2).map(|month| month as i8);
                if !has_day(endpoint) {
                    self.period(Granularity::Monthly, Some(1))
                        .ok_or(Fault::Date(DateFault::BadYearMonth(self.malformed)))?;
                }
                self.value(&text);
            }
            Role::Day { aliases } => {
                let all_days = param::closed(&text, &[ALL_DAYS], aliases);
                let (granularity, day) = match all_days {
                    Some(_) => (Granularity::Monthly, Some(1)),
                    None => {
                        let day = self.digits(param, &text, 2).map(|day| day as i8);
                        (Granularity::Daily, day)
                    }
                };
                self.period(granularity, day)
                    .ok_or(Fault::Date(DateFault::BadYearMonthDay(self.malformed)))?;
                self.value(all_days.unwrap_or(&text));
            }
        }
        Ok(())
    }

    fn project(&mut self, param: &'static Param, text: &str, only_one: bool) -> Result<(), Fault> {
        let project = param::project(text).ok_or(Fault::BadProject(param))?;
        if only_one && project.starts_with("all-") {
            return Err(Fault::SeveralProjects);
        }
        self.value_spelled(&project, &param::project_in_key(&project));
        Ok(())
    }

    fn hour(&self, param: &'static Param, text: &str) -> Result<Hour, Fault> {
        let rule = self.rule.ok_or(Fault::InvalidRoute)?;
        rule.read(text).ok_or(Fault::Date(DateFault::Invalid(param, rule.accepts)))
    }

    /// Both dates, at the segment of the end.
    fn dates(&mut self, end: Hour) -> Result<(), Fault> {
        let rule = self.rule.ok_or(Fault::InvalidRoute)?;
        let start = self.start.ok_or(Fault::InvalidRoute)?;
        if start > end {
            return Err(Fault::Date(DateFault::WrongOrder));
        }
        if let Some(days) = rule.exceeded(start, end) {
            return Err(Fault::Date(DateFault::TooLong(days)));
        }
        let no_months = |reason| Fault::Date(DateFault::NoFullMonths(reason));
        let span = rule.apply(start, end).map_err(no_months)?;
        let (start, end) = span.bounds();
        self.value(start.digits(rule.accepts).as_str());
        self.value(end.digits(rule.accepts).as_str());
        self.span = Some(span);
        Ok(())
    }

    /// A part of a date.
    fn digits(&mut self, param: &'static Param, text: &str, count: usize) -> Option<i16> {
        let number = digits(text, count);
        if number.is_none() {
            self.malformed = self.malformed.or(Some(param));
        }
        number
    }

    /// The one period of a top list; `None` if it does not exist.
    fn period(&mut self, granularity: Granularity, day: Option<i8>) -> Option<()> {
        let date = Date::new(self.year?, self.month?, day?).ok()?;
        let start = Hour::midnight(date)?;
        self.granularity = Some(granularity);
        self.span = start.next(granularity).map(|end| Span::HalfOpen { start, end });
        Some(())
    }
}

/// Whether dates of its path have a day after the month.
fn has_day(endpoint: &Endpoint) -> bool {
    endpoint.params().any(|param| matches!(param.role, Role::Day { .. }))
}

fn digits(text: &str, count: usize) -> Option<i16> {
    let proper = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    proper.then(|| text.parse().ok()).flatten()
}

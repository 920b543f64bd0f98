//! All endpoints as one value: it routes, validates and normalises.

use crate::calendar::{DateRule, Granularity, Hour};
use crate::endpoint::{Endpoint, EndpointId, Query, Rules, Segment};
use crate::endpoints;
use crate::key::{Dialect, Key};
use crate::param::{self, Param, ParamKind};
use crate::percent;
use crate::problem::Problem;
use crate::table::{ALL_DAYS, Dataset, DatasetId, Table};
use crate::target::Target;
use crate::text_list::TextList;
use jiff::civil::Date;
use std::borrow::Cow;
use thiserror::Error;

/// The endpoints that a service answers, and the rules that their shapes apply.
pub struct Catalogue {
    endpoints: &'static [&'static Endpoint],
    router: matchit::Router<EndpointId>,
    datasets: Vec<&'static Dataset>,
    rules: Rules,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum CatalogueError {
    #[error("endpoint {endpoint}: failed to route path {template}: {reason}")]
    Route { endpoint: &'static str, template: String, reason: String },
    #[error("dataset {0} is declared twice, differently")]
    Dataset(&'static str),
    #[error("too many endpoints")]
    TooMany,
}

impl Catalogue {
    /// A catalogue with the default rules.
    pub fn new(endpoints: &'static [&'static Endpoint]) -> Result<Self, CatalogueError> {
        let mut router = matchit::Router::new();
        let mut datasets: Vec<&'static Dataset> = Vec::new();
        for (index, endpoint) in endpoints.iter().enumerate() {
            let id = EndpointId(u16::try_from(index).map_err(|_| CatalogueError::TooMany)?);
            let template = endpoint.template();
            router.insert(template.clone(), id).map_err(|error| CatalogueError::Route {
                endpoint: endpoint.name,
                template,
                reason: error.to_string(),
            })?;
            for dataset in endpoint.datasets {
                match datasets.iter().find(|held| held.name == dataset.name) {
                    None => datasets.push(dataset),
                    Some(held) if std::ptr::eq(*held, *dataset) => {}
                    Some(held) => return Err(CatalogueError::Dataset(held.name)),
                }
            }
        }
        Ok(Self { endpoints, router, datasets, rules: Rules::default() })
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

    /// Every dataset that an endpoint reads, once.
    pub fn datasets(&self) -> &[&'static Dataset] {
        &self.datasets
    }

    /// The id of a dataset; `None` if no endpoint reads it.
    pub fn dataset_id(&self, dataset: &Dataset) -> Option<DatasetId> {
        let index = self.datasets.iter().position(|one| std::ptr::eq(*one, dataset))?;
        u16::try_from(index).ok().map(DatasetId)
    }

    /// Every table that an endpoint reads, once.
    pub fn tables(&self) -> Vec<&'static Table> {
        let mut tables: Vec<&'static Table> = Vec::new();
        for dataset in &self.datasets {
            if !tables.iter().any(|held| held.name == dataset.table.name) {
                tables.push(dataset.table);
            }
        }
        tables
    }

    /// Routes and validates a target.
    pub fn resolve(&self, target: Target<'_>) -> Result<Query, Problem> {
        // No endpoint speaks the old dialect yet.
        if target.dialect == Dialect::V1 {
            return Err(Problem::invalid_route());
        }
        let found = self.router.at(target.path).map_err(|_| Problem::invalid_route())?;
        let id = *found.value;
        let endpoint = *self.endpoints.get(id.index()).ok_or_else(Problem::invalid_route)?;
        let mut reader =
            PathReader { path: String::with_capacity(target.path.len()), ..PathReader::default() };
        let mut raw_values = found.params.iter();
        for segment in endpoint.segments {
            match segment {
                Segment::Word(word) => reader.word(word),
                Segment::Param(param) => {
                    let (_, raw) = raw_values.next().ok_or_else(Problem::invalid_route)?;
                    let decoded =
                        percent::decode(raw).ok_or_else(|| Problem::bad_encoding(param.name))?;
                    reader.param(param, decoded)?;
                }
            }
        }
        Ok(Query {
            endpoint,
            id,
            key: Key::new(target.dialect, &reader.path),
            values: reader.values,
            granularity: reader.dates.map(|(granularity, _)| granularity),
            span: reader.span,
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
    dates: Option<(Granularity, DateRule)>,
    start: Option<Hour>,
    span: Option<(Hour, Hour)>,
    year: Option<i16>,
    month: Option<i8>,
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

    fn param(&mut self, param: &'static Param, text: Cow<'_, str>) -> Result<(), Problem> {
        match &param.kind {
            ParamKind::Project => {
                let project =
                    param::project(&text).ok_or_else(|| Problem::bad_project(param.name))?;
                self.value_spelled(&project, &param::project_in_key(&project));
            }
            ParamKind::Choice(values) => {
                let value = values.iter().find(|value| value.eq_ignore_ascii_case(&text));
                self.value(value.ok_or_else(|| Problem::not_allowed(param))?);
            }
            ParamKind::Granularity { allowed, unrouted, refusal } => {
                if unrouted.iter().any(|name| name.eq_ignore_ascii_case(&text)) {
                    return Err(Problem::invalid_route());
                }
                let matching = |(granularity, _): &&(Granularity, _)| {
                    granularity.as_str().eq_ignore_ascii_case(&text)
                };
                let refused = || match refusal {
                    Some(detail) => Problem::invalid_parameter(*detail),
                    None => Problem::not_allowed(param),
                };
                let (granularity, rule) = allowed.iter().find(matching).ok_or_else(refused)?;
                self.dates = Some((*granularity, *rule));
                self.value(granularity.as_str());
            }
            ParamKind::Title => self.value(&param::title(text)),
            ParamKind::Country => self.value(&text.to_ascii_uppercase()),
            ParamKind::Start => self.start = Some(self.hour(param, &text)?),
            ParamKind::End => self.dates(self.hour(param, &text)?)?,
            // A top list's date is validated as a whole, at its last segment.
            ParamKind::Year => {
                self.year = digits(&text, 4);
                self.value(&text);
            }
            ParamKind::Month { then_day } => {
                self.month = digits(&text, 2).map(|month| month as i8);
                if !then_day {
                    self.calendar_day(Some(1)).ok_or_else(Problem::bad_year_month)?;
                }
                self.value(&text);
            }
            ParamKind::Day => {
                let all_days = text.eq_ignore_ascii_case(ALL_DAYS);
                let day = if all_days { Some(1) } else { digits(&text, 2).map(|day| day as i8) };
                self.calendar_day(day).ok_or_else(Problem::bad_year_month_day)?;
                self.value(if all_days { ALL_DAYS } else { &text });
            }
        }
        Ok(())
    }

    fn hour(&self, param: &'static Param, text: &str) -> Result<Hour, Problem> {
        let (_, rule) = self.dates.ok_or_else(Problem::invalid_route)?;
        rule.read(text).ok_or_else(|| Problem::bad_date(param.name, rule.format_name()))
    }

    /// Both dates, at the segment of the end.
    fn dates(&mut self, end: Hour) -> Result<(), Problem> {
        let (_, rule) = self.dates.ok_or_else(Problem::invalid_route)?;
        let start = self.start.ok_or_else(Problem::invalid_route)?;
        if start > end {
            return Err(Problem::wrong_order());
        }
        let (start, end) = rule.apply(start, end).ok_or_else(Problem::no_full_months)?;
        self.value(start.digits(rule.accepts).as_str());
        self.value(end.digits(rule.accepts).as_str());
        self.span = Some((start, end));
        Ok(())
    }

    fn calendar_day(&self, day: Option<i8>) -> Option<Date> {
        Date::new(self.year?, self.month?, day?).ok()
    }
}

fn digits(text: &str, count: usize) -> Option<i16> {
    let proper = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    proper.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{Field, Response};
    use crate::json;

    #[test]
    fn endpoints_are_described_consistently() {
        for (_, endpoint) in Catalogue::standard().unwrap().endpoints() {
            // Start and end follow each other, after a granularity.
            let position = |is: fn(&ParamKind) -> bool| endpoint.params().position(|p| is(&p.kind));
            let granularity = position(|kind| matches!(kind, ParamKind::Granularity { .. }));
            let start = position(|kind| matches!(kind, ParamKind::Start));
            let end = position(|kind| matches!(kind, ParamKind::End));
            assert_eq!(end, start.map(|start| start + 1), "{}", endpoint.name);
            assert!(start.is_none() || granularity.is_some_and(|at| Some(at) < start));
            let mut keys = endpoint.response.item().to_vec();
            if let Response::List { list, entry, .. } = endpoint.response {
                keys.extend(entry.iter().chain([&Field::Text(list)]));
            }
            for key in keys {
                assert!(json::is_plain(key.name()), "{} has the key {key:?}", endpoint.name);
                if let Field::Param(name) = key {
                    assert!(endpoint.param_index(name).is_some(), "{}: {name}", endpoint.name);
                }
            }
        }
    }

    #[test]
    fn endpoints_read_datasets_that_they_declare() {
        let catalogue = Catalogue::standard().unwrap();
        for (_, endpoint) in catalogue.endpoints() {
            let path = endpoint.path(|param| Some(param.example)).unwrap();
            let target = Target { dialect: Dialect::V2, path: &path };
            let query = catalogue.resolve(target).unwrap();
            let lookup = (endpoint.lookup)(&query);
            let declared = endpoint.datasets.iter().any(|one| one.name == lookup.dataset().name);
            assert!(declared, "{} reads {}", endpoint.name, lookup.dataset().name);
        }
    }
}

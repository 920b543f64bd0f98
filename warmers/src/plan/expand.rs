//! From a plan to the questions that it asks.

use super::address::{self, ANY_DATES, Chosen, Dates};
use super::check::{closed_set, find, is_date};
use super::tops::Tops;
use super::values::ValueSet;
use super::{Item, Plan, Window};
use aqs_api::calendar::Form;
use aqs_api::param::{Kind, Param};
use aqs_api::table::ALL_DAYS;
use aqs_api::text_list::TextList;
use aqs_api::{Catalogue, Coverage, Dataset, Dialect, Endpoint, Key, Lookup, Query, Target};
use jiff::civil::Date;
use std::collections::{BTreeSet, HashMap, HashSet};
use thiserror::Error;

/// What a plan asks for.
#[derive(Debug, Default)]
pub struct Expansion {
    /// The questions, those together that are answered from one partition.
    pub groups: Vec<Vec<Query>>,
    /// Datasets that it asks of and of which nothing is loaded.
    pub unloaded: BTreeSet<&'static str>,
    /// The datasets that its questions are about.
    pub datasets: BTreeSet<&'static str>,
}

impl Expansion {
    /// How many answers it wants.
    pub fn keys(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }
}

/// A plan that asks for what can't be asked.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpandError {
    /// It asks for more than it may.
    #[error("the plan asks for more than {limit} answers, its limit; ask for less or raise it")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// An address that the catalogue refuses.
    #[error("the plan asks for {path}, which is refused: {reason}")]
    Refused {
        /// The address.
        path: String,
        /// What a client would read.
        reason: String,
    },
    /// An endpoint that is none: the plan was not checked.
    #[error("there is no endpoint {0:?}")]
    Endpoint(String),
}

impl Plan {
    /// Every read_plan that the plan asks, each once.
    pub fn expand(
        &self,
        catalogue: &Catalogue,
        coverage: &Coverage,
        tops: &Tops,
    ) -> Result<Expansion, ExpandError> {
        let mut asking = Asking {
            catalogue,
            coverage,
            tops,
            limit: self.limits.keys,
            seen: HashSet::new(),
            places: HashMap::new(),
            expansion: Expansion::default(),
        };
        for item in &self.items {
            let endpoint = find(catalogue, &item.endpoint)
                .ok_or_else(|| ExpandError::Endpoint(item.endpoint.clone()))?;
            asking.item(item, endpoint)?;
        }
        Ok(asking.expansion)
    }
}

/// A plan on its way to its questions.
struct Asking<'a> {
    catalogue: &'a Catalogue,
    coverage: &'a Coverage,
    tops: &'a Tops,
    limit: usize,
    seen: HashSet<Key>,
    /// Where the questions to a partition are.
    places: HashMap<(&'static str, TextList), usize>,
    expansion: Expansion,
}

impl Asking<'_> {
    fn item(&mut self, item: &Item, endpoint: &'static Endpoint) -> Result<(), ExpandError> {
        let params: Vec<&'static Param> =
            endpoint.params().filter(|param| !is_date(&param.kind)).collect();
        self.combine(item, endpoint, &params, &mut Vec::new())
    }

    /// Chooses a value for each parameter, one after the other, in all ways.
    fn combine(
        &mut self,
        item: &Item,
        endpoint: &'static Endpoint,
        params: &[&'static Param],
        chosen: &mut Vec<Chosen>,
    ) -> Result<(), ExpandError> {
        let Some((param, rest)) = params.split_first() else {
            return self.windows(item, endpoint, chosen);
        };
        for value in self.values(item, param, chosen) {
            chosen.push((param, value));
            let done = self.combine(item, endpoint, rest, chosen);
            chosen.pop();
            done?;
        }
        Ok(())
    }

    fn values(&self, item: &Item, param: &Param, chosen: &[Chosen]) -> Vec<String> {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        match item.values.get(param.name) {
            None => Vec::new(),
            Some(ValueSet::All) => closed_set(&param.kind).map(owned).unwrap_or_default(),
            Some(ValueSet::List(values)) => values.clone(),
            Some(ValueSet::Top { of, first }) => {
                let project = chosen.iter().find(|(param, _)| matches!(param.kind, Kind::Project));
                let project = project.map(|(_, project)| project.as_str()).unwrap_or_default();
                owned(&self.tops.articles(project, *of, *first))
            }
        }
    }

    fn windows(
        &mut self,
        item: &Item,
        endpoint: &'static Endpoint,
        chosen: &[Chosen],
    ) -> Result<(), ExpandError> {
        for window in &item.windows {
            let monthly = matches!(window, Window::Newest(_, super::Unit::Months));
            let day = if monthly { ALL_DAYS } else { ANY_DATES.day };
            let any = self.resolve(endpoint, chosen, Dates { day, ..ANY_DATES })?;
            let dataset = (endpoint.lookup)(&any).dataset();
            let Some(extent) = self.coverage.get(dataset).copied() else {
                self.expansion.unloaded.insert(dataset.name);
                continue;
            };
            if let Some((start, end)) = window.span(any.granularity(), dataset, &extent) {
                let [start, end] = [start, end].map(|hour| hour.digits(Form::Hour));
                let dates = Dates { start: start.as_str(), end: end.as_str(), ..ANY_DATES };
                let query = self.resolve(endpoint, chosen, dates)?;
                self.ask(query)?;
            }
            for date in window.dates(dataset, &extent) {
                let query = self.list(endpoint, chosen, date, monthly)?;
                self.ask(query)?;
            }
        }
        Ok(())
    }

    fn list(
        &self,
        endpoint: &'static Endpoint,
        chosen: &[Chosen],
        date: Date,
        monthly: bool,
    ) -> Result<Query, ExpandError> {
        let year = format!("{:04}", date.year());
        let [month, day] = [date.month(), date.day()].map(|number| format!("{number:02}"));
        let day = if monthly { ALL_DAYS } else { &day };
        self.resolve(endpoint, chosen, Dates { year: &year, month: &month, day, ..ANY_DATES })
    }

    fn resolve(
        &self,
        endpoint: &'static Endpoint,
        chosen: &[Chosen],
        dates: Dates<'_>,
    ) -> Result<Query, ExpandError> {
        let path = address::path(endpoint, chosen, dates);
        let resolved = self.catalogue.resolve(Target { dialect: Dialect::V2, path: &path });
        resolved
            .map_err(|problem| ExpandError::Refused { path, reason: problem.detail.into_owned() })
    }

    fn ask(&mut self, query: Query) -> Result<(), ExpandError> {
        if !self.seen.insert(query.key().clone()) {
            return Ok(());
        }
        if self.seen.len() > self.limit {
            return Err(ExpandError::TooMany { limit: self.limit });
        }
        let lookup = (query.endpoint().lookup)(&query);
        let dataset: &'static Dataset = lookup.dataset();
        self.expansion.datasets.insert(dataset.name);
        let partition = match lookup {
            Lookup::Points(read) => read.partition,
            // Of its own: nothing is shared.
            _ => [query.key().path()].into_iter().collect(),
        };
        let groups = &mut self.expansion.groups;
        let place = *self.places.entry((dataset.name, partition)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.push(query);
        }
        Ok(())
    }
}

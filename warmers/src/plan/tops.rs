//! The entries of top lists, which plans can ask for.

use super::check::{find, has_days, value_params};
use super::{Item, Limits, Plan, PlanError, Unit, ValueSet, Window};
use aqs_api::body::{Body, RowValue, Value};
use aqs_api::param::{self, Param, Role};
use aqs_api::{Catalogue, Coverage, Endpoint, Query, Representation};
use aqs_origin::Entry;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

/// The top lists that have the values of a parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TopLists {
    endpoint: &'static Endpoint,
    /// The parameter that says whose lists they are: the only one that is open.
    subject: &'static Param,
    /// The keys of the list in the body, and of the value in its entries.
    list: &'static str,
    entry: &'static str,
}

/// The lists of one subject, by days or months.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TopKey {
    endpoint: &'static str,
    entry: &'static str,
    pub(crate) subject: String,
    unit: Unit,
}

/// The entries of each list by rank, the newest list first.
#[derive(Clone, Debug, Default)]
pub struct Tops(BTreeMap<TopKey, Vec<Vec<String>>>);

impl TopLists {
    /// The lists whose entries have a text of the parameter's key, and whose subject is another
    /// parameter of the endpoint, before it. `None` if the catalogue has none.
    pub(crate) fn feeding(
        catalogue: &Catalogue,
        endpoint: &'static Endpoint,
        param: &'static Param,
    ) -> Option<Self> {
        let before: Vec<&'static Param> =
            endpoint.params().take_while(|other| !other.is(param)).collect();
        catalogue.endpoints().find_map(|(_, top)| {
            let Body::List { list, entry, .. } = top.body else { return None };
            let is_text = |value| matches!(value, Value::Row(RowValue::Text(_)));
            let entry =
                entry.iter().find(|field| field.key == param.key && is_text(field.value))?;
            let mut open = value_params(top).filter(|param| param.role.closed_values().is_none());
            let (subject, None) = (open.next()?, open.next()) else { return None };
            let is_given = before.iter().any(|other| other.is(subject));
            let is_series = top.params().any(|param| matches!(param.role, Role::Start(_)));
            let found = Self { endpoint: top, subject, list, entry: entry.key };
            (is_given && !is_series).then_some(found)
        })
    }

    pub(crate) fn subject(&self) -> &'static Param {
        self.subject
    }

    /// Whether there are lists by this unit.
    pub(crate) fn have(&self, unit: Unit) -> bool {
        unit == Unit::Months || has_days(self.endpoint)
    }

    pub(crate) fn key(&self, subject: &str, unit: Unit) -> TopKey {
        let normalised = match self.subject.role.is_project() {
            true => param::project(subject).unwrap_or(Cow::Borrowed(subject)),
            false => Cow::Borrowed(subject),
        };
        let Self { endpoint, entry, .. } = self;
        TopKey { endpoint: endpoint.name, entry, subject: normalised.into_owned(), unit }
    }
}

impl Tops {
    /// The number of newest lists that a plan needs.
    pub(crate) fn wanted(plan: &Plan, catalogue: &Catalogue) -> Vec<(TopLists, TopKey, u32)> {
        let mut wanted: BTreeMap<TopKey, (TopLists, u32)> = BTreeMap::new();
        for item in &plan.items {
            let Some(endpoint) = find(catalogue, &item.endpoint) else { continue };
            for param in value_params(endpoint) {
                let Some(ValueSet::Top { count, unit, .. }) = item.values.get(param.name) else {
                    continue;
                };
                let Some(lists) = TopLists::feeding(catalogue, endpoint, param) else { continue };
                let subjects = item.values.get(lists.subject.name);
                let Some(ValueSet::List(subjects)) = subjects else { continue };
                for subject in subjects {
                    let (_, most) = wanted.entry(lists.key(subject, *unit)).or_insert((lists, 0));
                    *most = *count.max(most);
                }
            }
        }
        wanted.into_iter().map(|(key, (lists, count))| (lists, key, count)).collect()
    }

    /// The queries for lists, newest first.
    pub(crate) fn queries(
        catalogue: &Catalogue,
        coverage: &Coverage,
        lists: &TopLists,
        key: &TopKey,
        count: u32,
    ) -> Result<Vec<Query>, PlanError> {
        let values = value_params(lists.endpoint).map(|param| {
            let is_subject = param.is(lists.subject);
            let value = if is_subject { key.subject.as_str() } else { total(param) };
            (param.name.to_owned(), ValueSet::List(vec![value.to_owned()]))
        });
        let item = Item {
            endpoint: lists.endpoint.name.to_owned(),
            values: values.collect(),
            windows: vec![Window::Newest(count, key.unit)],
        };
        let plan = Plan {
            name: String::new(),
            every: Duration::ZERO,
            priority: 0,
            limits: Limits { keys: usize::MAX, ..Limits::default() },
            items: vec![item],
        };
        let expansion = plan.expand(catalogue, coverage, &Self::default())?;
        Ok(expansion.groups.into_iter().flatten().collect())
    }

    /// Adds the next list. Returns `None` if the answer has no entries of the expected form.
    pub(crate) fn add(&mut self, lists: &TopLists, key: &TopKey, entry: &Entry) -> Option<()> {
        let values = match &entry.representation {
            Representation::NoData(_) => Vec::new(),
            Representation::Body(body) => lists.values(&body.identity)?,
        };
        self.0.entry(key.clone()).or_default().push(values);
        Some(())
    }

    /// The `first` values of each of the newest lists, without repetitions.
    pub(crate) fn values(&self, key: &TopKey, count: u32, first: usize) -> Vec<&str> {
        let lists = self.0.get(key).into_iter().flatten().take(count as usize);
        let mut seen = HashSet::new();
        let values = lists.flat_map(|list| list.iter().take(first).map(String::as_str));
        values.filter(|value| seen.insert(*value)).collect()
    }
}

impl TopLists {
    /// The values in a body.
    fn values(&self, body: &[u8]) -> Option<Vec<String>> {
        let body: serde_json::Value = serde_json::from_slice(body).ok()?;
        let mut values = Vec::new();
        for item in body.get("items")?.as_array()? {
            for entry in item.get(self.list)?.as_array()? {
                values.push(entry.get(self.entry)?.as_str()?.to_owned());
            }
        }
        // A path cannot hold an empty value.
        values.retain(|value| !value.is_empty());
        Some(values)
    }
}

/// The value of a closed parameter whose lists are read. What only the lists of a part hold is
/// requested too rarely.
fn total(param: &'static Param) -> &'static str {
    let values = param.role.closed_values().unwrap_or_default();
    values.into_iter().find(|value| value.starts_with("all-")).unwrap_or(param.example)
}

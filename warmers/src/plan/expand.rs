//! From a plan to queries.

use super::check::{find, value_params};
use super::tops::{TopLists, Tops};
use super::{Item, Plan, PlanError, Unit, ValueSet, Window};
use aqs_api::calendar::{Form, Granularity, Hour};
use aqs_api::lookup::EventRead;
use aqs_api::param::{Param, Role};
use aqs_api::table::ALL_DAYS;
use aqs_api::text_list::TextList;
use aqs_api::{Catalogue, Coverage, Dataset, Endpoint, Extent, Key, Lookup, Query, Read, Target};
use jiff::civil::Date;
use jiff::{Span, ToSpan};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

#[derive(Debug, Default)]
pub struct Expansion {
    /// Each group is answered from one partition.
    pub groups: Vec<Vec<Query>>,
    /// Datasets of the plan that are not loaded.
    pub unloaded: BTreeSet<String>,
    /// Last loaded period of the queries' datasets.
    pub data_through: BTreeMap<String, String>,
}

impl Expansion {
    /// The number of queries.
    pub fn keys(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }

    /// Keeps the first `keys` queries.
    pub(crate) fn truncate(&mut self, mut keys: usize) {
        for group in &mut self.groups {
            group.truncate(keys);
            keys -= group.len();
        }
        self.groups.retain(|group| !group.is_empty());
    }
}

impl Plan {
    /// Every query that the plan wants, each once.
    pub fn expand(
        &self,
        catalogue: &Catalogue,
        coverage: &Coverage,
        tops: &Tops,
    ) -> Result<Expansion, PlanError> {
        let (limit, (seen, partitions, expansion)) = (self.limits.keys, Default::default());
        let mut expander =
            Expander { catalogue, coverage, tops, limit, seen, partitions, expansion };
        for item in &self.items {
            let endpoint = find(catalogue, &item.endpoint)
                .ok_or_else(|| PlanError(format!("there is no endpoint {:?}", item.endpoint)))?;
            let params: Vec<&'static Param> = value_params(endpoint).collect();
            expander.combine(item, endpoint, &params, &mut Vec::new())?;
        }
        Ok(expander.expansion)
    }
}

struct Expander<'a> {
    catalogue: &'a Catalogue,
    coverage: &'a Coverage,
    tops: &'a Tops,
    limit: usize,
    seen: HashSet<Key>,
    /// The index of each partition's group.
    partitions: HashMap<(&'static str, TextList), usize>,
    expansion: Expansion,
}

type Chosen = (&'static Param, String);

#[derive(Clone, Copy)]
struct Dates<'a> {
    start: &'a str,
    end: &'a str,
    year: &'a str,
    month: &'a str,
    day: &'a str,
}

/// Valid for every endpoint: they determine the dataset of a path.
const ANY_DATES: Dates<'static> =
    Dates { start: "2000010100", end: "2000123123", year: "2000", month: "01", day: "01" };

impl Expander<'_> {
    /// Recurses over the parameters, with every value of each.
    fn combine(
        &mut self,
        item: &Item,
        endpoint: &'static Endpoint,
        params: &[&'static Param],
        chosen: &mut Vec<Chosen>,
    ) -> Result<(), PlanError> {
        let Some((param, rest)) = params.split_first() else {
            return item
                .windows
                .iter()
                .try_for_each(|window| self.window(*window, endpoint, chosen));
        };
        for value in self.values(item, endpoint, param, chosen) {
            chosen.push((param, value));
            let combined = self.combine(item, endpoint, rest, chosen);
            chosen.pop();
            combined?;
        }
        Ok(())
    }

    fn values(
        &self,
        item: &Item,
        endpoint: &'static Endpoint,
        param: &'static Param,
        chosen: &[Chosen],
    ) -> Vec<String> {
        let owned = |values: Vec<&str>| values.into_iter().map(str::to_owned).collect();
        match item.values.get(param.name) {
            None => Vec::new(),
            Some(ValueSet::All) => param.role.closed_values().map(owned).unwrap_or_default(),
            Some(ValueSet::List(values)) => values.clone(),
            Some(ValueSet::Top { count, unit, first }) => {
                let Some(lists) = TopLists::feeding(self.catalogue, endpoint, param) else {
                    return Vec::new();
                };
                let subject = chosen.iter().find(|(param, _)| param.is(lists.subject()));
                let subject = subject.map(|(_, subject)| subject.as_str()).unwrap_or_default();
                owned(self.tops.values(&lists.key(subject, *unit), *count, *first))
            }
        }
    }

    fn window(
        &mut self,
        window: Window,
        endpoint: &'static Endpoint,
        chosen: &[Chosen],
    ) -> Result<(), PlanError> {
        let is_monthly = matches!(window, Window::Newest(_, Unit::Months));
        let day = if is_monthly { ALL_DAYS } else { ANY_DATES.day };
        let any = self.resolve(endpoint, chosen, Dates { day, ..ANY_DATES })?;
        let dataset = any.dataset();
        let Some(extent) = self.coverage.get(dataset).copied() else {
            self.expansion.unloaded.insert(dataset.name.to_owned());
            return Ok(());
        };
        let span = window.span(any.granularity(), dataset, &extent);
        let rule = any.granularity().and_then(|granularity| endpoint.date_rule(granularity));
        let end_after = |end| rule.map_or(Some(end), |rule| rule.end_after(end));
        if let Some((start, end)) = span.and_then(|(start, end)| Some((start, end_after(end)?))) {
            let [start, end] = [start, end].map(|hour| hour.digits(Form::Hour));
            let dates = Dates { start: start.as_str(), end: end.as_str(), ..ANY_DATES };
            let query = self.resolve(endpoint, chosen, dates)?;
            self.add(query)?;
        }
        for date in window.dates(dataset, &extent) {
            let year = format!("{:04}", date.year());
            let [month, day] = [date.month(), date.day()].map(|number| format!("{number:02}"));
            let day = if is_monthly { ALL_DAYS } else { &day };
            let dates = Dates { year: &year, month: &month, day, ..ANY_DATES };
            let query = self.resolve(endpoint, chosen, dates)?;
            self.add(query)?;
        }
        Ok(())
    }

    fn resolve(
        &self,
        endpoint: &'static Endpoint,
        chosen: &[Chosen],
        dates: Dates<'_>,
    ) -> Result<Query, PlanError> {
        let path = endpoint.path(|param| match param.role {
            Role::Start(_) => Some(dates.start),
            Role::End => Some(dates.end),
            Role::Year => Some(dates.year),
            Role::Month => Some(dates.month),
            Role::Day { .. } => Some(dates.day),
            Role::Project { .. }
            | Role::OneProject
            | Role::Referer { .. }
            | Role::Enumeration { .. }
            | Role::Granularity { .. }
            | Role::Title
            | Role::CommonsPage
            | Role::File
            | Role::User
            | Role::Country
            | Role::Id
            | Role::Text => {
                let value = chosen.iter().find(|(other, _)| other.name == param.name);
                value.map(|(_, value)| value.as_str())
            }
        });
        let path = path.ok_or_else(|| {
            PlanError(format!("the plan lacks a value for a parameter of {}", endpoint.name))
        })?;
        let resolved = self.catalogue.resolve(Target { dialect: endpoint.dialect, path: &path });
        resolved.map_err(|fault| {
            let reason = fault.detail(endpoint.dialect);
            PlanError(format!("the plan asks for {path}, which is refused: {reason}"))
        })
    }

    fn add(&mut self, query: Query) -> Result<(), PlanError> {
        if !self.seen.insert(query.key().clone()) {
            return Ok(());
        }
        if self.seen.len() > self.limit {
            let limit = self.limit;
            return Err(PlanError(format!(
                "the plan asks for more than {limit} answers, its limit; ask for less or raise it"
            )));
        }
        let dataset: &'static Dataset = query.dataset();
        if let Some(extent) = self.coverage.get(dataset)
            && !self.expansion.data_through.contains_key(dataset.name)
        {
            let last = extent.last.as_str().to_owned();
            self.expansion.data_through.insert(dataset.name.to_owned(), last);
        }
        let key = match query.lookup() {
            Lookup::Points(Read { partition, .. }) => partition,
            Lookup::Events(EventRead { values, .. }) => values,
        };
        let groups = &mut self.expansion.groups;
        let index = *self.partitions.entry((dataset.name, key)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(index) {
            group.push(query);
        }
        Ok(())
    }
}

impl Window {
    /// Whether a series of a granularity can have this window.
    pub(super) fn fits_series(self, granularity: Option<Granularity>) -> bool {
        match self {
            Self::Everything | Self::Last(_, Unit::Months) => true,
            Self::Last(_, Unit::Days) => granularity != Some(Granularity::Monthly),
            Self::Newest(..) => false,
        }
    }

    /// The first and last hour of a series. `None` if the window does not fit or is empty.
    fn span(
        self,
        granularity: Option<Granularity>,
        dataset: &Dataset,
        extent: &Extent,
    ) -> Option<(Hour, Hour)> {
        if !self.fits_series(granularity) {
            return None;
        }
        let (first, last) = hours(extent)?;
        match self {
            Self::Newest(..) => None,
            Self::Everything if granularity == Some(Granularity::Monthly) => {
                let day = first.date();
                let is_cut = day != day.first_of_month();
                let start = back(day.first_of_month(), -i64::from(is_cut).months())?;
                let end = last_hour(newest_month(last, dataset)?.last_of_month())?;
                (start <= end).then_some((start, end))
            }
            Self::Everything => Some((first, last)),
            Self::Last(count, Unit::Days) => {
                Some((back(last.date(), (i64::from(count) - 1).days())?, last))
            }
            Self::Last(count, Unit::Months) => {
                let month = newest_month(last, dataset)?;
                let start = back(month, (i64::from(count) - 1).months())?;
                Some((start, last_hour(month.last_of_month())?))
            }
        }
    }

    /// The days, or first days of months, of a window of lists, newest first.
    pub(super) fn dates(self, dataset: &Dataset, extent: &Extent) -> Vec<Date> {
        let (Self::Newest(count, unit), Some((first, last))) = (self, hours(extent)) else {
            return Vec::new();
        };
        let (newest, oldest) = match unit {
            Unit::Days => (Some(last.date()), first.date()),
            Unit::Months => (newest_month(last, dataset), first.date().first_of_month()),
        };
        let date = |back: u32| {
            let back = match unit {
                Unit::Days => i64::from(back).days(),
                Unit::Months => i64::from(back).months(),
            };
            newest?.checked_sub(back).ok()
        };
        (0..count).map_while(date).take_while(|date| *date >= oldest).collect()
    }
}

fn hours(extent: &Extent) -> Option<(Hour, Hour)> {
    Some((Hour::parse(extent.first.as_str())?, Hour::parse(extent.last.as_str())?))
}

/// The first day of the newest month that is completely loaded.
fn newest_month(last: Hour, dataset: &Dataset) -> Option<Date> {
    let (day, month) = (last.date(), last.date().first_of_month());
    let is_last_day = day == day.last_of_month();
    let is_complete = match dataset.granularity {
        Granularity::Monthly => true,
        Granularity::Daily => is_last_day,
        Granularity::Hourly => is_last_day && last.hour() == 23,
    };
    if is_complete { Some(month) } else { month.checked_sub(1.month()).ok() }
}

fn back(date: Date, span: Span) -> Option<Hour> {
    date.checked_sub(span).ok().and_then(Hour::midnight)
}

fn last_hour(day: Date) -> Option<Hour> {
    Hour::parse(&format!("{:04}{:02}{:02}23", day.year(), day.month(), day.day()))
}

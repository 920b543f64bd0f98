//! Checks plans against the catalogue.

use super::{Item, Limits, Plan, Unit, ValueSet, Window};
use crate::generation::MAX_PLANS;
use aqs_api::calendar::Granularity;
use aqs_api::param::{self, Param, ParamKind};
use aqs_api::{Catalogue, Endpoint};
use aqs_origin::suggest;
use thiserror::Error;

#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    #[error("there are two plans called {0:?}, or it is no name: letters, digits and dashes")]
    Name(String),
    #[error("there are {0} plans, and a hot set has {MAX_PLANS} at most")]
    TooMany(usize),
    #[error("plan {0:?} has no items")]
    Empty(String),
    #[error("plan {0:?} has nothing of those projects or that window")]
    NothingLeft(String),
    #[error("plan {plan:?}: its limit of {limit} must be above 0")]
    Limit { plan: String, limit: &'static str },
    #[error("plan {plan:?}: there is no endpoint {endpoint:?}{}", hint(nearest))]
    Endpoint { plan: String, endpoint: String, nearest: Option<&'static str> },
    #[error("plan {plan:?}, endpoint {endpoint}, parameter {param:?}: {mistake}")]
    Param { plan: String, endpoint: &'static str, param: String, mistake: Mistake },
    #[error("plan {plan:?}, endpoint {endpoint}: the window `{window}` does not fit: {reason}")]
    Window { plan: String, endpoint: &'static str, window: String, reason: &'static str },
}

#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mistake {
    #[error("the endpoint has no such parameter{}", hint(.0))]
    Unknown(Option<&'static str>),
    #[error("dates are given by windows, not by values")]
    Date,
    #[error("it needs values")]
    Missing,
    #[error("{value:?} is no value of it{}", hint(nearest))]
    Value { value: String, nearest: Option<&'static str> },
    #[error("`all` means every value of a set, and it takes any text; list the values")]
    Endless,
    #[error("`top_articles_of` gives articles, and only of a listed project before it")]
    NoArticles,
}

fn hint(nearest: &Option<&'static str>) -> String {
    nearest.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

impl Plan {
    pub fn check_all(plans: &[Self], catalogue: &Catalogue) -> Result<(), PlanError> {
        for (index, plan) in plans.iter().enumerate() {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            let is_known = plans.iter().take(index).any(|other| other.name == plan.name);
            if is_known || plan.name.is_empty() || !plan.name.bytes().all(allowed) {
                return Err(PlanError::Name(plan.name.clone()));
            }
            plan.check(catalogue)?;
        }
        if plans.len() > MAX_PLANS {
            return Err(PlanError::TooMany(plans.len()));
        }
        Ok(())
    }

    pub fn check(&self, catalogue: &Catalogue) -> Result<(), PlanError> {
        if self.items.is_empty() {
            return Err(PlanError::Empty(self.name.clone()));
        }
        let Limits { concurrency, rate, keys, .. } = self.limits;
        for (limit, is_zero) in
            [("concurrency", concurrency == 0), ("rate", rate == 0), ("keys", keys == 0)]
        {
            if is_zero {
                return Err(PlanError::Limit { plan: self.name.clone(), limit });
            }
        }
        self.items.iter().try_for_each(|item| self.check_item(item, catalogue))
    }

    fn check_item(&self, item: &Item, catalogue: &Catalogue) -> Result<(), PlanError> {
        let endpoint = find(catalogue, &item.endpoint).ok_or_else(|| {
            let names = catalogue.endpoints().map(|(_, endpoint)| endpoint.name);
            let nearest = suggest(&item.endpoint, names);
            PlanError::Endpoint {
                plan: self.name.clone(),
                endpoint: item.endpoint.clone(),
                nearest,
            }
        })?;
        let wrong_param = |param: &str, mistake| PlanError::Param {
            plan: self.name.clone(),
            endpoint: endpoint.name,
            param: param.to_owned(),
            mistake,
        };
        for name in item.values.keys() {
            let param = endpoint.params().find(|param| param.name == name).ok_or_else(|| {
                let names = value_params(endpoint).map(|param| param.name);
                wrong_param(name, Mistake::Unknown(suggest(name, names)))
            })?;
            if is_date(&param.kind) {
                return Err(wrong_param(name, Mistake::Date));
            }
        }
        for param in value_params(endpoint) {
            check_values(param, item, endpoint)
                .map_err(|mistake| wrong_param(param.name, mistake))?;
        }
        let wrong_window = |window: String, reason| PlanError::Window {
            plan: self.name.clone(),
            endpoint: endpoint.name,
            window,
            reason,
        };
        if item.windows.is_empty() {
            return Err(wrong_window(String::new(), "there is none"));
        }
        match misfit(item, endpoint) {
            Some((window, reason)) => Err(wrong_window(window.to_string(), reason)),
            None => Ok(()),
        }
    }
}

impl Item {
    pub(super) fn windows_fit(&self, catalogue: &Catalogue) -> bool {
        find(catalogue, &self.endpoint).is_none_or(|endpoint| misfit(self, endpoint).is_none())
    }
}

/// The first window that the endpoint cannot have, and the reason.
fn misfit<'a>(item: &'a Item, endpoint: &'static Endpoint) -> Option<(&'a Window, &'static str)> {
    let is_series = endpoint.params().any(|param| matches!(param.kind, ParamKind::Start));
    let has_days = endpoint.params().any(|param| matches!(param.kind, ParamKind::Day));
    let granularities = granularities(item, endpoint);
    let reason = |window: &Window| match window {
        Window::Newest(..) if is_series => Some("it is for lists, and this is a series"),
        Window::Newest(_, Unit::Days) if !has_days => Some("the lists are by month"),
        Window::Newest(..) => None,
        _ if !is_series => Some("it is for series, and these are lists"),
        _ if granularities.iter().any(|one| window.fits_series(Some(*one))) => None,
        _ => Some("days don't make a series by month"),
    };
    item.windows.iter().find_map(|window| Some((window, reason(window)?)))
}

fn granularities(item: &Item, endpoint: &'static Endpoint) -> Vec<Granularity> {
    let allowed = endpoint.params().find_map(|param| match &param.kind {
        ParamKind::Granularity { allowed, .. } => Some((*allowed, item.values.get(param.name))),
        _ => None,
    });
    let Some((allowed, set)) = allowed else { return Vec::new() };
    let is_wanted = |granularity: &Granularity| match set {
        Some(ValueSet::List(values)) => {
            values.iter().any(|value| value.eq_ignore_ascii_case(granularity.as_str()))
        }
        _ => true,
    };
    allowed.iter().map(|(granularity, _)| *granularity).filter(is_wanted).collect()
}

fn check_values(param: &'static Param, item: &Item, endpoint: &Endpoint) -> Result<(), Mistake> {
    match item.values.get(param.name).ok_or(Mistake::Missing)? {
        ValueSet::All if param.kind.closed_values().is_some() => Ok(()),
        ValueSet::All => Err(Mistake::Endless),
        ValueSet::Top { first, .. } => {
            let mut before = endpoint.params().take_while(|other| other.name != param.name);
            let project = before.find(|other| matches!(other.kind, ParamKind::Project));
            let projects = project.and_then(|project| item.values.get(project.name));
            let fits = matches!(param.kind, ParamKind::Title)
                && *first > 0
                && matches!(projects, Some(ValueSet::List(_)));
            if fits { Ok(()) } else { Err(Mistake::NoArticles) }
        }
        ValueSet::List(values) if values.is_empty() => Err(Mistake::Missing),
        ValueSet::List(values) => values.iter().try_for_each(|value| check_value(value, param)),
    }
}

fn check_value(value: &str, param: &'static Param) -> Result<(), Mistake> {
    let allowed = param.kind.closed_values();
    let is_valid = match &allowed {
        Some(allowed) => allowed.iter().any(|one| one.eq_ignore_ascii_case(value)),
        None if matches!(param.kind, ParamKind::Project) => param::project(value).is_some(),
        None => !value.is_empty(),
    };
    if is_valid {
        return Ok(());
    }
    let nearest = allowed.and_then(|allowed| suggest(value, allowed));
    Err(Mistake::Value { value: value.to_owned(), nearest })
}

/// The parameters that items give values for: all except dates.
pub(super) fn value_params(endpoint: &'static Endpoint) -> impl Iterator<Item = &'static Param> {
    endpoint.params().filter(|param| !is_date(&param.kind))
}

fn is_date(kind: &ParamKind) -> bool {
    matches!(
        kind,
        ParamKind::Year
            | ParamKind::Month { .. }
            | ParamKind::Day
            | ParamKind::Start
            | ParamKind::End
    )
}

pub(super) fn find(catalogue: &Catalogue, name: &str) -> Option<&'static Endpoint> {
    catalogue.endpoints().map(|(_, endpoint)| endpoint).find(|endpoint| endpoint.name == name)
}

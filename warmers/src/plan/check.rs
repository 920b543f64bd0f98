//! Checks plans against the catalogue.

use super::tops::TopLists;
use super::{Item, Limits, Plan, Unit, ValueSet, Window};
use crate::generation::MAX_PLANS;
use aqs_api::calendar::Granularity;
use aqs_api::param::{self, Param, Role};
use aqs_api::{Catalogue, Endpoint};
use aqs_origin::suggest;
use std::time::Duration;
use thiserror::Error;

const SHORTEST_INTERVAL: Duration = Duration::from_secs(60);

/// A mistake in a plan.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct PlanError(pub(super) String);

fn hint(nearest: Option<&'static str>) -> String {
    nearest.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

impl Plan {
    pub fn check_all(plans: &[Self], catalogue: &Catalogue) -> Result<(), PlanError> {
        for (index, plan) in plans.iter().enumerate() {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            let is_known = plans.iter().take(index).any(|other| other.name == plan.name);
            if is_known || plan.name.is_empty() || !plan.name.bytes().all(allowed) {
                return Err(PlanError(format!(
                    "there are two plans called {:?}, or it is no name: letters, digits and dashes",
                    plan.name
                )));
            }
            plan.check(catalogue)?;
        }
        Self::check_count(plans)
    }

    pub(crate) fn check_count(plans: &[Self]) -> Result<(), PlanError> {
        let count = plans.len();
        if count > MAX_PLANS {
            let message = format!("there are {count} plans, and a hot set has {MAX_PLANS} at most");
            return Err(PlanError(message));
        }
        Ok(())
    }

    pub fn check(&self, catalogue: &Catalogue) -> Result<(), PlanError> {
        let items = || self.items.iter().try_for_each(|item| check_item(item, catalogue));
        let checked = self.check_limits().and_then(|()| items());
        checked.map_err(|mistake| PlanError(format!("plan {:?}: {mistake}", self.name)))
    }

    fn check_limits(&self) -> Result<(), String> {
        if self.items.is_empty() {
            return Err("it has no items".to_owned());
        }
        let Limits { concurrency, rate, keys, .. } = self.limits;
        for (limit, is_zero) in
            [("concurrency", concurrency == 0), ("rate", rate == 0), ("keys", keys == 0)]
        {
            if is_zero {
                return Err(format!("its limit of {limit} must be above 0"));
            }
        }
        if self.every < SHORTEST_INTERVAL {
            return Err("its interval `every` must be 1m or more".to_owned());
        }
        Ok(())
    }
}

fn check_item(item: &Item, catalogue: &Catalogue) -> Result<(), String> {
    let endpoint = find(catalogue, &item.endpoint).ok_or_else(|| {
        let names = catalogue.endpoints().map(|(_, endpoint)| endpoint.name);
        let hint = hint(suggest(&item.endpoint, names));
        format!("there is no endpoint {:?}{hint}", item.endpoint)
    })?;
    let place = format!("endpoint {}", endpoint.name);
    let wrong_param =
        |param: &str, mistake: String| format!("{place}, parameter {param:?}: {mistake}");
    for name in item.values.keys() {
        let param = endpoint.params().find(|param| param.name == name).ok_or_else(|| {
            let names = value_params(endpoint).map(|param| param.name);
            let hint = hint(suggest(name, names));
            wrong_param(name, format!("the endpoint has no such parameter{hint}"))
        })?;
        if param.role.is_date() {
            let mistake = "dates are given by windows, not by values";
            return Err(wrong_param(name, mistake.to_owned()));
        }
    }
    for param in value_params(endpoint) {
        let checked = check_values(param, item, endpoint, catalogue);
        checked.map_err(|mistake| wrong_param(param.name, mistake))?;
    }
    if item.windows.is_empty() {
        return Err(format!("{place}: there is no window"));
    }
    for window in &item.windows {
        if let Some(reason) = misfit(*window, item, endpoint) {
            return Err(format!("{place}: the window `{window}` does not fit: {reason}"));
        }
    }
    Ok(())
}

impl Item {
    pub(super) fn windows_fit(&self, catalogue: &Catalogue) -> bool {
        let fits = |endpoint, window: &Window| misfit(*window, self, endpoint).is_none();
        find(catalogue, &self.endpoint)
            .is_none_or(|endpoint| self.windows.iter().all(|window| fits(endpoint, window)))
    }
}

/// Why an item's endpoint cannot have a window.
pub(super) fn misfit(
    window: Window,
    item: &Item,
    endpoint: &'static Endpoint,
) -> Option<&'static str> {
    let is_series = endpoint.params().any(|param| matches!(param.role, Role::Start(_)));
    match window {
        Window::Newest(..) if is_series => Some("it is for lists, and this is a series"),
        Window::Newest(_, Unit::Days) if !has_days(endpoint) => Some("the lists are by month"),
        Window::Newest(..) => None,
        Window::Last(..) | Window::Everything if !is_series => {
            Some("it is for series, and these are lists")
        }
        Window::Last(..) | Window::Everything => {
            let granularities = granularities(item, endpoint);
            let fits = granularities.iter().any(|one| window.fits_series(Some(*one)));
            (!fits).then_some("days don't make a series by month")
        }
    }
}

/// Whether its lists are by day, too.
pub(super) fn has_days(endpoint: &'static Endpoint) -> bool {
    endpoint.params().any(|param| matches!(param.role, Role::Day { .. }))
}

fn granularities(item: &Item, endpoint: &'static Endpoint) -> Vec<Granularity> {
    let allowed = endpoint.params().find_map(|param| match &param.role {
        Role::Granularity { allowed, .. } => Some((*allowed, item.values.get(param.name))),
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
        | Role::Month
        | Role::Day { .. }
        | Role::Start(_)
        | Role::End => None,
    });
    // A series without the parameter is by month.
    let Some((allowed, set)) = allowed else { return vec![Granularity::Monthly] };
    let is_wanted = |granularity: &Granularity| match set {
        Some(ValueSet::List(values)) => {
            values.iter().any(|value| value.eq_ignore_ascii_case(granularity.as_str()))
        }
        None | Some(ValueSet::All | ValueSet::Top { .. }) => true,
    };
    allowed.iter().map(|(granularity, _)| *granularity).filter(is_wanted).collect()
}

fn check_values(
    param: &'static Param,
    item: &Item,
    endpoint: &'static Endpoint,
    catalogue: &Catalogue,
) -> Result<(), String> {
    match item.values.get(param.name).ok_or("it needs values")? {
        ValueSet::All if param.role.closed_values().is_some() => Ok(()),
        ValueSet::All => {
            Err("`all` means every value of a set, and it takes any text; list the values".into())
        }
        ValueSet::Top { first, unit, .. } => {
            let lists = TopLists::feeding(catalogue, endpoint, param);
            let lists = lists.filter(|lists| lists.have(*unit));
            let subjects = lists.and_then(|lists| item.values.get(lists.subject().name));
            let fits = *first > 0 && matches!(subjects, Some(ValueSet::List(_)));
            let mistake =
                "`top_articles_of` gives articles, and only of a listed project before it";
            if fits { Ok(()) } else { Err(mistake.into()) }
        }
        ValueSet::List(values) if values.is_empty() => Err("it needs values".into()),
        ValueSet::List(values) => values.iter().try_for_each(|value| check_value(value, param)),
    }
}

fn check_value(value: &str, param: &'static Param) -> Result<(), String> {
    let allowed = param.role.closed_values();
    let is_valid = match &allowed {
        Some(allowed) => allowed.iter().any(|one| one.eq_ignore_ascii_case(value)),
        None if param.role.is_project() => param::project(value).is_some(),
        None => !value.is_empty(),
    };
    if is_valid {
        return Ok(());
    }
    let nearest = allowed.and_then(|allowed| suggest(value, allowed));
    Err(format!("{value:?} is no value of it{}", hint(nearest)))
}

/// The parameters that items give values for: all except dates.
pub(super) fn value_params(endpoint: &'static Endpoint) -> impl Iterator<Item = &'static Param> {
    endpoint.params().filter(|param| !param.role.is_date())
}

pub(super) fn find(catalogue: &Catalogue, name: &str) -> Option<&'static Endpoint> {
    catalogue.endpoints().map(|(_, endpoint)| endpoint).find(|endpoint| endpoint.name == name)
}

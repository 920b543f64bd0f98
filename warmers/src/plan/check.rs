//! Mistakes in a plan, found before anything starts.

use super::error::{Mistake, PlanError};
use super::tops::is_article;
use super::values::ValueSet;
use super::window::{Unit, Window};
use super::{Item, Limits, Plan};
use crate::generation::MOST_PLANS;
use aqs_api::param::{self, Kind, Param};
use aqs_api::{Catalogue, Endpoint};
use aqs_origin::load::nearest;

impl Plan {
    /// Checks plans against the catalogue.
    pub fn check_all(plans: &[Self], catalogue: &Catalogue) -> Result<(), PlanError> {
        for (index, plan) in plans.iter().enumerate() {
            let proper = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            let known = plans.iter().take(index).any(|other| other.name == plan.name);
            if known || plan.name.is_empty() || !plan.name.bytes().all(proper) {
                return Err(PlanError::Name(plan.name.clone()));
            }
            plan.check(catalogue)?;
        }
        if plans.len() > MOST_PLANS {
            return Err(PlanError::TooMany(plans.len()));
        }
        Ok(())
    }

    /// Checks a plan against the catalogue.
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
        let endpoint = find(catalogue, &item.endpoint).ok_or_else(|| PlanError::Endpoint {
            plan: self.name.clone(),
            endpoint: item.endpoint.clone(),
            nearest: nearest(
                &item.endpoint,
                catalogue.endpoints().map(|(_, endpoint)| endpoint.name),
            ),
        })?;
        let wrong = |param: &str, mistake| PlanError::Param {
            plan: self.name.clone(),
            endpoint: endpoint.name,
            param: param.to_owned(),
            mistake,
        };
        for name in item.values.keys() {
            let param = endpoint.params().find(|param| param.name == name);
            let names = endpoint.params().filter(|param| !is_date(&param.kind));
            let unknown = || Mistake::Unknown(nearest(name, names.map(|param| param.name)));
            let param = param.ok_or_else(|| wrong(name, unknown()))?;
            if is_date(&param.kind) {
                return Err(wrong(name, Mistake::Date));
            }
        }
        for param in endpoint.params().filter(|param| !is_date(&param.kind)) {
            let set = item.values.get(param.name);
            let set = set.ok_or_else(|| wrong(param.name, Mistake::Missing))?;
            check_set(set, param, item, endpoint).map_err(|mistake| wrong(param.name, mistake))?;
        }
        self.check_windows(item, endpoint)
    }

    fn check_windows(&self, item: &Item, endpoint: &'static Endpoint) -> Result<(), PlanError> {
        let wrong = |window: String, reason| PlanError::Window {
            plan: self.name.clone(),
            endpoint: endpoint.name,
            window,
            reason,
        };
        if item.windows.is_empty() {
            return Err(wrong(String::new(), "there is none"));
        }
        match misfit(item, endpoint) {
            Some((window, reason)) => Err(wrong(window.to_string(), reason)),
            None => Ok(()),
        }
    }
}

impl Item {
    /// Whether each of its windows is one that its endpoint can have.
    pub(super) fn windows_fit(&self, catalogue: &Catalogue) -> bool {
        find(catalogue, &self.endpoint).is_none_or(|endpoint| misfit(self, endpoint).is_none())
    }
}

/// The first window that an endpoint can't have, and why.
fn misfit<'a>(item: &'a Item, endpoint: &'static Endpoint) -> Option<(&'a Window, &'static str)> {
    let is_series = endpoint.params().any(|param| matches!(param.kind, Kind::Start));
    let has_days = endpoint.params().any(|param| matches!(param.kind, Kind::Day));
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

/// The granularities that an item asks for.
fn granularities(
    item: &Item,
    endpoint: &'static Endpoint,
) -> Vec<aqs_api::granularity::Granularity> {
    let allowed = endpoint.params().find_map(|param| match &param.kind {
        Kind::Granularity { allowed, .. } => Some((*allowed, item.values.get(param.name))),
        _ => None,
    });
    let Some((allowed, set)) = allowed else { return Vec::new() };
    let wanted = |name: &str| match set {
        Some(ValueSet::List(values)) => values.iter().any(|value| value.eq_ignore_ascii_case(name)),
        _ => true,
    };
    let allowed = allowed.iter().map(|(granularity, _)| *granularity);
    allowed.filter(|granularity| wanted(granularity.as_str())).collect()
}

fn check_set(
    set: &ValueSet,
    param: &'static Param,
    item: &Item,
    endpoint: &Endpoint,
) -> Result<(), Mistake> {
    match set {
        ValueSet::All if closed_set(&param.kind).is_some() => Ok(()),
        ValueSet::All => Err(Mistake::Endless),
        ValueSet::Top { first, .. } => {
            let before = endpoint.params().take_while(|other| other.name != param.name);
            let project = before.into_iter().find(|other| matches!(other.kind, Kind::Project));
            let listed = project.and_then(|project| item.values.get(project.name));
            let fits = is_article(&param.kind) && *first > 0;
            let listed = matches!(listed, Some(ValueSet::List(_)));
            if fits && listed { Ok(()) } else { Err(Mistake::NoArticles) }
        }
        ValueSet::List(values) if values.is_empty() => Err(Mistake::Missing),
        ValueSet::List(values) => values.iter().try_for_each(|value| check_value(value, param)),
    }
}

fn check_value(value: &str, param: &'static Param) -> Result<(), Mistake> {
    let wrong = |nearest| Err(Mistake::Value { value: value.to_owned(), nearest });
    match closed_set(&param.kind) {
        Some(known) if known.iter().any(|one| one.eq_ignore_ascii_case(value)) => Ok(()),
        Some(known) => wrong(nearest(value, known.iter().copied())),
        None if matches!(param.kind, Kind::Project) && param::project(value).is_none() => {
            wrong(None)
        }
        None if value.is_empty() => wrong(None),
        None => Ok(()),
    }
}

/// Every value that a parameter may have, if these can be counted.
pub(super) fn closed_set(kind: &Kind) -> Option<&'static [&'static str]> {
    match kind {
        Kind::Choice(enumeration) => Some(enumeration.values),
        Kind::Granularity { names, .. } => Some(names),
        _ => None,
    }
}

/// Whether a parameter is given by windows.
pub(super) fn is_date(kind: &Kind) -> bool {
    matches!(kind, Kind::Year | Kind::Month { .. } | Kind::Day | Kind::Start | Kind::End)
}

/// The endpoint of a name.
pub(super) fn find(catalogue: &Catalogue, name: &str) -> Option<&'static Endpoint> {
    catalogue.endpoints().map(|(_, endpoint)| endpoint).find(|endpoint| endpoint.name == name)
}

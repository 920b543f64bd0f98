//! What whoever starts a build asks for instead of the plan's own sets.

use super::values::ValueSet;
use super::window::{MOST, Unit, Window};
use super::{Item, Plan, PlanError};
use aqs_api::Catalogue;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What replaces sets of a plan for one build. Its answers are then added to the plan's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overrides {
    /// The projects, if there is any; items that are about no project are left out then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<String>,
    /// The window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
}

/// A window in short: `7d`, `13m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Last(u32, Unit);

/// A text that is no window in short.
#[derive(Debug, Error)]
#[error("{text:?} is no span of days or months such as 7d or 13m; at most {MOST}")]
pub struct BadLast {
    text: String,
}

impl Overrides {
    /// Whether nothing is replaced.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The plan as it is built this time. Items that can't have the window, as series by month
    /// can't have days, are left out.
    ///
    /// # Errors
    ///
    /// If nothing of the plan is left, or what is left can't be asked.
    pub fn apply(&self, plan: &Plan, catalogue: &Catalogue) -> Result<Plan, PlanError> {
        let items = plan.items.iter().filter_map(|item| self.item(item));
        let fits = |item: &Item| item.windows_fit(catalogue);
        let items: Vec<Item> = items.filter(|item| self.last.is_none() || fits(item)).collect();
        if items.is_empty() && !self.is_empty() {
            return Err(PlanError::NothingLeft(plan.name.clone()));
        }
        let plan = Plan { items, ..plan.clone() };
        plan.check(catalogue)?;
        Ok(plan)
    }

    fn item(&self, item: &Item) -> Option<Item> {
        let mut item = item.clone();
        if !self.projects.is_empty() {
            *item.values.get_mut("project")? = ValueSet::List(self.projects.clone());
        }
        if let Some(Last(count, unit)) = self.last {
            let lists = item.windows.iter().any(|window| matches!(window, Window::Newest(..)));
            let window =
                if lists { Window::Newest(count, unit) } else { Window::Last(count, unit) };
            item.windows = vec![window];
        }
        Some(item)
    }
}

impl FromStr for Last {
    type Err = BadLast;

    fn from_str(text: &str) -> Result<Self, BadLast> {
        let parse = || {
            let split = text.find(|letter: char| !letter.is_ascii_digit())?;
            let (count, unit) = text.split_at_checked(split)?;
            let unit = match unit {
                "d" => Unit::Days,
                "m" => Unit::Months,
                _ => return None,
            };
            let count: u32 = count.parse().ok().filter(|count| (1..=MOST).contains(count))?;
            Some(Self(count, unit))
        };
        parse().ok_or_else(|| BadLast { text: text.to_owned() })
    }
}

impl TryFrom<String> for Last {
    type Error = BadLast;

    fn try_from(text: String) -> Result<Self, BadLast> {
        text.parse()
    }
}

impl fmt::Display for Last {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.1 {
            Unit::Days => 'd',
            Unit::Months => 'm',
        };
        write!(text, "{}{unit}", self.0)
    }
}

impl From<Last> for String {
    fn from(last: Last) -> Self {
        last.to_string()
    }
}

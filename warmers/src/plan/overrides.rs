//! Overrides: a build of a part of a plan.

use super::text::{Last, Window};
use super::values::ValueSet;
use super::{Item, Plan, PlanError};
use aqs_api::Catalogue;
use serde::{Deserialize, Serialize};

/// What replaces sets of a plan for a single build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overrides {
    /// Replaces the projects. Items without projects are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<String>,
    /// Replaces the windows. Items that cannot have the window are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
}

impl Overrides {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The plan with its sets replaced. Fails if nothing of the plan is left.
    pub fn apply(&self, plan: &Plan, catalogue: &Catalogue) -> Result<Plan, PlanError> {
        let items = plan.items.iter().filter_map(|item| self.item(item));
        let fits = |item: &Item| self.last.is_none() || item.windows_fit(catalogue);
        let items: Vec<Item> = items.filter(fits).collect();
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
            let are_lists = item.windows.iter().any(|window| matches!(window, Window::Newest(..)));
            let window = if are_lists { Window::Newest } else { Window::Last };
            item.windows = vec![window(count, unit)];
        }
        Some(item)
    }
}

//! The synthetic store with something loaded, so that plans find what they are about.

use crate::SyntheticStore;
use aqs_api::calendar::Digits;
use aqs_api::{Catalogue, Coverage, Extent, Lookup, Rows};
use aqs_origin::RequestContext;
use aqs_origin::store::{Store, StoreError};
use async_trait::async_trait;
use std::collections::BTreeMap;

/// Answers as [`SyntheticStore`] does, and says that every dataset is loaded from the beginning
/// of 2024 through January 2026.
#[derive(Clone, Debug)]
pub struct LoadedStore {
    coverage: Coverage,
}

impl LoadedStore {
    /// A store for the datasets of a catalogue.
    pub fn of(catalogue: &Catalogue) -> Self {
        let mut coverage = Coverage::default();
        for dataset in catalogue.datasets() {
            if let Some((first, last)) = extent(dataset.name) {
                // It has rows of whatever time it is asked for.
                coverage.insert(dataset, Extent { first, last, series: None, exact: false });
            }
        }
        Self { coverage }
    }
}

/// The first and the last period, in the digits that the dataset's table has.
fn extent(dataset: &str) -> Option<(Digits, Digits)> {
    // Devices and lists have no hours.
    let hours =
        if dataset.starts_with("unique-devices") || dataset.contains("-top-") { "" } else { "00" };
    let last = if dataset.ends_with("-monthly") { "20260101" } else { "20260131" };
    let digits = |day: &str| Digits::from_text(&format!("{day}{hours}"));
    digits("20240101").zip(digits(last))
}

#[async_trait]
impl Store for LoadedStore {
    async fn read(&self, lookup: &Lookup, ctx: &RequestContext) -> Result<Rows, StoreError> {
        SyntheticStore.read(lookup, ctx).await
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        Ok(self.coverage.clone())
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        Ok(1)
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        Ok(BTreeMap::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::Target;
    use aqs_warmers::plan::{Tops, built_in};

    #[test]
    fn what_it_says_is_loaded_is_in_the_digits_of_the_tables() {
        let catalogue = Catalogue::standard().unwrap();
        let store = LoadedStore::of(&catalogue);
        let plan = built_in::aggregates(&["en.wikipedia".to_owned()]);
        let expansion = plan.expand(&catalogue, &store.coverage, &Tops::default()).unwrap();
        assert!(expansion.unloaded.is_empty());
        // Views by 4 accesses and 4 agents, devices of 3 sites; daily 30, 60 and 90 days, daily
        // and monthly 13 months and everything.
        assert_eq!(expansion.keys(), (4 * 4 + 3) * (3 + 2 + 2));
        let wanted = |path: &str| {
            let query = catalogue.resolve(Target::parse(path).unwrap()).unwrap();
            let mut all = expansion.groups.iter().flatten();
            all.any(|one| one.key() == query.key())
        };
        assert!(wanted("/metrics/unique-devices/en.wikipedia/all-sites/daily/20260102/20260131"));
        assert!(wanted(
            "/metrics/pageviews/aggregate/en.wikipedia/desktop/user/monthly/20240101/20260131"
        ));
    }
}

//! How far the data reach: what was found out, and what follows for what is kept of them.

use aqs_api::{Coverage, Dataset};
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How far the data of each dataset reach, as was found out last.
#[derive(Default)]
pub(super) struct Reach {
    /// Another number whenever it changed; 0 as long as nobody looked.
    mark: AtomicU64,
    found: ArcSwap<Coverage>,
}

impl Reach {
    /// What is known by now.
    pub(super) fn coverage(&self) -> Arc<Coverage> {
        self.found.load_full()
    }

    /// Takes what was found out, and tells whether it is news.
    pub(super) fn take(&self, found: Coverage) -> bool {
        let news = self.mark().is_none() || **self.found.load() != found;
        if news {
            // The number last: whoever sees it new sees what is new.
            self.found.store(found.into());
            self.mark.fetch_add(1, Ordering::SeqCst);
        }
        news
    }

    /// A number that is another whenever the rest is; `None` as long as nobody looked.
    pub(super) fn mark(&self) -> Option<u64> {
        Some(self.mark.load(Ordering::SeqCst)).filter(|mark| *mark > 0)
    }

    /// A version for each dataset, made from its newest period alone: it is the same after a
    /// restart, and in every process. A dataset of which nothing is known has none: it would be
    /// taken for a change.
    pub(super) fn versions(&self, datasets: &[&'static Dataset]) -> BTreeMap<&'static str, u64> {
        let found = self.found.load();
        let version = |dataset: &&'static Dataset| {
            let newest = found.get(dataset)?.last.as_str().parse().ok()?;
            Some((dataset.name, newest))
        };
        datasets.iter().filter_map(version).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::Catalogue;
    use aqs_api::calendar::Digits;
    use aqs_api::coverage::Extent;

    fn found(dataset: &'static Dataset, last: &str) -> Coverage {
        let digits = |text| Digits::from_text(text).unwrap();
        let (first, last) = (digits("20200101"), digits(last));
        let mut found = Coverage::default();
        found.insert(dataset, Extent { first, last, series: None, exact: false });
        found
    }

    #[test]
    fn a_new_newest_period_is_another_version_and_the_same_one_is_not() {
        let datasets = Catalogue::standard().unwrap().datasets().to_vec();
        let (first, second) = (datasets[0], datasets[1]);
        let reach = Reach::default();
        assert_eq!(reach.mark(), None);
        assert!(reach.take(found(first, "20240101")));
        let (mark, before) = (reach.mark(), reach.versions(&datasets));
        assert!(!reach.take(found(first, "20240101")));
        assert_eq!((reach.mark(), reach.versions(&datasets)), (mark, before.clone()));
        assert!(reach.take(found(first, "20240102")));
        let after = reach.versions(&datasets);
        assert_ne!(reach.mark(), mark);
        assert_ne!(after[first.name], before[first.name]);
        assert_eq!(after.get(second.name), None, "nothing is known of it");
    }

    #[test]
    fn nothing_found_is_known_too() {
        let reach = Reach::default();
        assert!(reach.take(Coverage::default()));
        assert!(reach.mark().is_some());
        assert!(!reach.take(Coverage::default()));
    }
}

//! What a store has loaded, by dataset.

use crate::calendar::{Digits, Form, Granularity};
use crate::fault::NoDataReason;
use crate::lookup::{Lookup, Read};
use crate::table::Dataset;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The oldest period, in the digits of its table's timestamps.
    pub first: Digits,
    /// The newest period: "data through".
    pub last: Digits,
    /// The number of partitions, if the store knows it.
    pub series: Option<u64>,
    /// Whether no partition reaches any further. A store that can't know reads one of them: then
    /// others may, and no lookup is clipped by it.
    pub exact: bool,
}

/// The extent of every dataset that has a row, and its projects as far as the store lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    extents: BTreeMap<&'static str, Extent>,
    projects: BTreeMap<&'static str, Projects>,
}

/// How names of sums over projects begin, such as all-projects and all-wikipedia-projects.
const SUMS: &str = "all-";

/// The projects of a dataset, with a weight for how much of each is loaded.
pub type Projects = Arc<BTreeMap<Arc<str>, u64>>;

impl Coverage {
    /// The extent of a dataset; `None` if nothing is loaded.
    pub fn get(&self, dataset: &Dataset) -> Option<&Extent> {
        self.extents.get(dataset.name)
    }

    pub fn insert(&mut self, dataset: &'static Dataset, extent: Extent) {
        self.extents.insert(dataset.name, extent);
    }

    pub fn insert_projects(&mut self, dataset: &'static Dataset, projects: Projects) {
        self.projects.insert(dataset.name, projects);
    }

    /// The projects of all datasets, those of which most is loaded first. `None` if a dataset has
    /// projects that its store does not list.
    pub fn projects(&self) -> Option<Vec<&Arc<str>>> {
        if !self.extents.values().all(|extent| extent.exact) {
            return None;
        }
        let mut weights: BTreeMap<&Arc<str>, u64> = BTreeMap::new();
        let all = self.projects.values().flat_map(|projects| projects.iter());
        for (project, weight) in all.filter(|(project, _)| !project.starts_with(SUMS)) {
            *weights.entry(project).or_default() += weight;
        }
        let mut projects: Vec<_> = weights.into_iter().collect();
        projects.sort_by_key(|(_, weight)| Reverse(*weight));
        Some(projects.into_iter().map(|(project, _)| project).collect())
    }

    /// Whether nothing of a project is loaded. False for sums over projects, such as all-projects,
    /// and if it is not known.
    pub fn lacks_project(&self, project: &str) -> bool {
        let is_known = self.extents.values().all(|extent| extent.exact);
        let is_loaded = || self.projects.values().any(|loaded| loaded.contains_key(project));
        is_known && !self.projects.is_empty() && !project.starts_with(SUMS) && !is_loaded()
    }

    /// This coverage, with some datasets taken from another.
    #[must_use]
    pub fn with(&self, datasets: &[&'static Dataset], other: &Self) -> Self {
        let mut all = self.clone();
        for dataset in datasets {
            match other.get(dataset) {
                Some(extent) => all.extents.insert(dataset.name, *extent),
                None => all.extents.remove(dataset.name),
            };
            match other.projects.get(dataset.name) {
                Some(projects) => all.projects.insert(dataset.name, Arc::clone(projects)),
                None => all.projects.remove(dataset.name),
            };
        }
        all
    }

    /// Clips a lookup to what is loaded, or returns why nothing of it is.
    ///
    /// So a range of ten thousand years costs no more than what there is. Lookups of a dataset
    /// that is unknown or not known exactly stay as they are. An unchanged lookup is borrowed.
    pub fn clip<'l>(&self, lookup: &'l Lookup) -> Result<Cow<'l, Lookup>, NoDataReason> {
        let Some(extent) = self.get(lookup.dataset()).filter(|extent| extent.exact) else {
            return Ok(Cow::Borrowed(lookup));
        };
        if let Some(reason) = self.no_data_reason(lookup) {
            return Err(reason);
        }
        let range = |(first, last): (Digits, Digits)| {
            (first < extent.first || last > extent.last)
                .then(|| (first.max(extent.first), last.min(extent.last)))
        };
        match lookup {
            Lookup::Points(read) => Ok(match read.range.and_then(range) {
                Some(range) => {
                    Cow::Owned(Lookup::Points(Read { range: Some(range), ..read.clone() }))
                }
                None => Cow::Borrowed(lookup),
            }),
            // A store of events answers what it has of any span.
            Lookup::Events(_) => Ok(Cow::Borrowed(lookup)),
        }
    }

    /// Whether more rows of a lookup are expected to arrive, because its range reaches beyond what
    /// is loaded.
    pub fn expects_more(&self, lookup: &Lookup) -> bool {
        let last = match lookup {
            Lookup::Points(read) => read.range.map(|(_, last)| last),
            Lookup::Events(read) => read.span.map(|span| span.digits(Form::Day).1),
        };
        // Bounds may be finer than periods: the last hour of a day, the last day of a month.
        let digits = match lookup.dataset().granularity {
            Granularity::Hourly => 10,
            Granularity::Daily => 8,
            Granularity::Monthly => 6,
        };
        fn period(text: &Digits, digits: usize) -> &str {
            text.as_str().get(..digits).unwrap_or_default()
        }
        let extent = self.get(lookup.dataset());
        extent
            .zip(last)
            .is_some_and(|(extent, last)| period(&last, digits) > period(&extent.last, digits))
    }

    /// Why a lookup finds nothing, if it lies wholly outside of what is loaded of its dataset.
    pub fn no_data_reason(&self, lookup: &Lookup) -> Option<NoDataReason> {
        let extent = self.get(lookup.dataset())?;
        let (first, last) = match lookup {
            Lookup::Points(read) => match read.range {
                Some(range) => range,
                None => read.period().map(|period| (period, period))?,
            },
            Lookup::Events(read) => read.span?.digits(Form::Day),
        };
        if first > extent.last {
            Some(NoDataReason::NotLoadedYet)
        } else if last < extent.first {
            Some(NoDataReason::OutOfRange)
        } else {
            None
        }
    }

    pub fn is_empty(&self) -> bool {
        self.extents.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::target::Target;

    const SERIES: &str = "/metrics/pageviews/aggregate/en.wikipedia/all-access/user";

    fn lookup(target: &str) -> Lookup {
        let query = Catalogue::standard().unwrap().resolve(Target::parse(target).unwrap()).unwrap();
        query.lookup()
    }

    /// Every dataset loaded from 2020-01-05 to 2020-03-31.
    fn coverage() -> Coverage {
        about(true)
    }

    fn about(exact: bool) -> Coverage {
        let mut coverage = Coverage::default();
        for dataset in Catalogue::standard().unwrap().datasets() {
            let form = dataset.form();
            let digits = |day: &str| Digits::from_text(&format!("{day}00")[..form.len()]).unwrap();
            let (first, last) = (digits("20200105"), digits("20200331"));
            let extent = Extent { first, last, series: None, exact };
            coverage.insert(dataset, extent);
        }
        coverage
    }

    fn clipped(target: &str) -> Result<(String, String), NoDataReason> {
        let wanted = lookup(target);
        let clipped = coverage().clip(&wanted)?.into_owned();
        let Lookup::Points(read) = clipped else { panic!("no partition") };
        let (first, last) = read.range.unwrap();
        Ok((first.as_str().to_owned(), last.as_str().to_owned()))
    }

    fn is_unchanged(coverage: &Coverage, wanted: &Lookup) -> bool {
        let clipped = coverage.clip(wanted);
        matches!(clipped, Ok(Cow::Borrowed(clipped)) if std::ptr::eq(clipped, wanted))
    }

    #[test]
    fn ranges_are_clipped_to_what_is_loaded() {
        let whole = clipped(&format!("{SERIES}/hourly/0000010100/9999123123"));
        assert_eq!(whole, Ok(("2020010500".to_owned(), "2020033100".to_owned())));
        let inside = clipped(&format!("{SERIES}/daily/20200201/20200202"));
        assert_eq!(inside, Ok(("2020020100".to_owned(), "2020020200".to_owned())));
        for (dates, left) in [
            ("20200105/20200331", true),
            ("20200104/20200331", false),
            ("20200105/20200401", false),
        ] {
            let wanted = lookup(&format!("{SERIES}/daily/{dates}"));
            assert_eq!(is_unchanged(&coverage(), &wanted), left, "{dates}");
        }
    }

    #[test]
    fn lookups_outside_have_a_reason() {
        assert_eq!(
            clipped(&format!("{SERIES}/daily/20200401/20200501")),
            Err(NoDataReason::NotLoadedYet)
        );
        assert_eq!(
            clipped(&format!("{SERIES}/daily/20190401/20200104")),
            Err(NoDataReason::OutOfRange)
        );
        let top = |date: &str| {
            let target = format!("/metrics/pageviews/top/en.wikipedia/all-access/{date}");
            coverage().clip(&lookup(&target)).map(|_| ())
        };
        assert_eq!(top("2020/04/01"), Err(NoDataReason::NotLoadedYet));
        assert_eq!(top("2020/01/04"), Err(NoDataReason::OutOfRange));
        assert_eq!(top("2020/03/31"), Ok(()));
    }

    #[test]
    fn inexact_coverage_clips_nothing() {
        let coverage = about(false);
        for (dates, reason) in [
            ("00000101/99991231", None),
            ("20200401/20200501", Some(NoDataReason::NotLoadedYet)),
            ("20190401/20200104", Some(NoDataReason::OutOfRange)),
        ] {
            let wanted = lookup(&format!("{SERIES}/daily/{dates}"));
            assert_eq!(coverage.no_data_reason(&wanted), reason, "{dates}");
            assert!(is_unchanged(&coverage, &wanted), "{dates}");
        }
    }

    #[test]
    fn ranges_beyond_what_is_loaded_expect_more() {
        for coverage in [coverage(), about(false)] {
            for (dates, expected) in [
                ("daily/20200301/20200331", false),
                ("daily/20200301/20200401", true),
                ("daily/2020030100/2020033123", false),
                ("monthly/20200201/20200331", false),
                ("monthly/20200201/20200430", true),
                ("hourly/2020030100/2020033100", false),
                ("hourly/2020030100/2020033101", true),
                ("daily/20200101/99991231", true),
            ] {
                let wanted = lookup(&format!("{SERIES}/{dates}"));
                assert_eq!(coverage.expects_more(&wanted), expected, "{dates}");
            }
        }
        let wanted = lookup(&format!("{SERIES}/daily/00000101/99991231"));
        assert!(!Coverage::default().expects_more(&wanted));
    }

    #[test]
    fn unknown_coverage_clips_nothing() {
        let wanted = lookup(&format!("{SERIES}/daily/00000101/99991231"));
        assert!(is_unchanged(&Coverage::default(), &wanted));
    }
}

//! What a store holds, by dataset.

use crate::answer::Emptiness;
use crate::calendar::Digits;
use crate::dataset::Dataset;
use crate::lookup::Lookup;
use std::collections::BTreeMap;

/// What is loaded of one dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The oldest period, in the digits of its table's timestamps.
    pub first: Digits,
    /// The newest period: "data through".
    pub last: Digits,
    /// How many partitions there are, if the store can tell.
    pub series: Option<u64>,
}

/// What is loaded, of every dataset that has a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<&'static str, Extent>);

impl Coverage {
    /// What is loaded of a dataset; `None` if nothing is.
    pub fn get(&self, dataset: &Dataset) -> Option<&Extent> {
        self.0.get(dataset.name)
    }

    /// Notes what is loaded of a dataset.
    pub fn insert(&mut self, dataset: &'static Dataset, extent: Extent) {
        self.0.insert(dataset.name, extent);
    }

    /// What is left of a lookup if it asks for nothing that isn't loaded, or why that is nothing.
    ///
    /// So a range of ten thousand years costs no more than what there is. A dataset that isn't
    /// in the coverage is one that nobody knows about: its lookups stay as they are.
    pub fn clip(&self, lookup: Lookup) -> Result<Lookup, Emptiness> {
        let Some(extent) = self.get(lookup.dataset()) else { return Ok(lookup) };
        let Lookup::Points(mut read) = lookup;
        let asked = match read.range {
            Some(range) => range,
            None => match read.period() {
                Some(period) => (period, period),
                None => return Ok(Lookup::Points(read)),
            },
        };
        if asked.0 > extent.last {
            return Err(Emptiness::NotLoadedYet);
        }
        if asked.1 < extent.first {
            return Err(Emptiness::OutOfRange);
        }
        if read.range.is_some() {
            read.range = Some((asked.0.max(extent.first), asked.1.min(extent.last)));
        }
        Ok(Lookup::Points(read))
    }

    /// Whether nothing is loaded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
        (query.endpoint().lookup)(&query)
    }

    /// Every dataset loaded from 2020-01-05 to 2020-03-31.
    fn coverage() -> Coverage {
        let mut coverage = Coverage::default();
        for dataset in Catalogue::standard().unwrap().datasets() {
            let digits = |day: &str| match dataset.table.calendar {
                crate::table::Calendar::Series(crate::calendar::Form::Hour) => format!("{day}00"),
                _ => day.to_owned(),
            };
            let digits = |day: &str| Digits::from_text(&digits(day)).unwrap();
            let extent =
                Extent { first: digits("20200105"), last: digits("20200331"), series: None };
            coverage.insert(dataset, extent);
        }
        coverage
    }

    fn clipped(target: &str) -> Result<(String, String), Emptiness> {
        let Lookup::Points(read) = coverage().clip(lookup(target))?;
        let (first, last) = read.range.unwrap();
        Ok((first.as_str().to_owned(), last.as_str().to_owned()))
    }

    #[test]
    fn ranges_are_cut_to_what_is_loaded() {
        let whole = clipped(&format!("{SERIES}/hourly/0000010100/9999123123"));
        assert_eq!(whole, Ok(("2020010500".to_owned(), "2020033100".to_owned())));
        let inside = clipped(&format!("{SERIES}/daily/20200201/20200202"));
        assert_eq!(inside, Ok(("2020020100".to_owned(), "2020020200".to_owned())));
    }

    #[test]
    fn what_lies_wholly_outside_says_on_which_side() {
        assert_eq!(
            clipped(&format!("{SERIES}/daily/20200401/20200501")),
            Err(Emptiness::NotLoadedYet)
        );
        assert_eq!(
            clipped(&format!("{SERIES}/daily/20190401/20200104")),
            Err(Emptiness::OutOfRange)
        );
        let top = |date: &str| {
            let target = format!("/metrics/pageviews/top/en.wikipedia/all-access/{date}");
            coverage().clip(lookup(&target)).map(|_| ())
        };
        assert_eq!(top("2020/04/01"), Err(Emptiness::NotLoadedYet));
        assert_eq!(top("2020/01/04"), Err(Emptiness::OutOfRange));
        assert_eq!(top("2020/03/31"), Ok(()));
    }

    #[test]
    fn of_what_nobody_knows_nothing_is_cut() {
        let asked = lookup(&format!("{SERIES}/daily/00000101/99991231"));
        assert_eq!(Coverage::default().clip(asked.clone()), Ok(asked));
    }
}

//! How many copies of the data there are, and where.

use super::cql::literal;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A number of copies for each data centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replication(BTreeMap<String, u8>);

/// What was given as a replication is none.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BadReplication {
    /// A part of it is no data centre with a number.
    #[error("{0:?} is no data centre with its number of copies, such as eqiad=3")]
    Part(String),
    /// A number can't be meant.
    #[error("{0:?}: the number of copies must be 1 to 255")]
    Copies(String),
    /// A data centre is there twice.
    #[error("the data centre {0:?} is there twice")]
    Twice(String),
}

impl Replication {
    /// So many copies in each of these data centres.
    pub fn of(centres: impl IntoIterator<Item = (String, u8)>) -> Self {
        Self(centres.into_iter().collect())
    }

    /// Its data centres and their numbers of copies.
    pub fn centres(&self) -> impl Iterator<Item = (&str, u8)> {
        self.0.iter().map(|(centre, copies)| (centre.as_str(), *copies))
    }
}

/// What production has in each data centre, in the data centre that Cassandra calls its own if
/// nobody gives it a name.
impl Default for Replication {
    fn default() -> Self {
        Self::of([("datacenter1".to_owned(), 3)])
    }
}

impl FromStr for Replication {
    type Err = BadReplication;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut centres = BTreeMap::new();
        for part in text.split(',') {
            let (centre, copies) = match part.split_once('=') {
                Some((centre, copies)) => (centre.trim(), copies.trim()),
                None => ("", ""),
            };
            if centre.is_empty() {
                return Err(BadReplication::Part(part.to_owned()));
            }
            let copies = copies.parse().ok().filter(|copies| *copies > 0);
            let copies = copies.ok_or_else(|| BadReplication::Copies(part.to_owned()))?;
            if centres.insert(centre.to_owned(), copies).is_some() {
                return Err(BadReplication::Twice(centre.to_owned()));
            }
        }
        Ok(Self(centres))
    }
}

/// As CQL has it.
impl fmt::Display for Replication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{'class': 'NetworkTopologyStrategy'")?;
        for (centre, copies) in self.centres() {
            write!(f, ", {}: {copies}", literal(centre))?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_for_each_data_centre() {
        let replication: Result<Replication, _> = "eqiad=3, codfw=2".parse();
        assert_eq!(
            replication.map(|replication| replication.to_string()),
            Ok("{'class': 'NetworkTopologyStrategy', 'codfw': 2, 'eqiad': 3}".to_owned())
        );
    }

    #[test]
    fn what_is_no_replication_is_refused() {
        use BadReplication::{Copies, Part, Twice};
        let refused = |text: &str| text.parse::<Replication>();
        assert_eq!(refused(""), Err(Part(String::new())));
        assert_eq!(refused("3"), Err(Part("3".to_owned())));
        assert_eq!(refused("a=1,"), Err(Part(String::new())));
        assert_eq!(refused("=3"), Err(Part("=3".to_owned())));
        assert_eq!(refused("a=0"), Err(Copies("a=0".to_owned())));
        assert_eq!(refused("a=300"), Err(Copies("a=300".to_owned())));
        assert_eq!(refused("a=b"), Err(Copies("a=b".to_owned())));
        assert_eq!(refused("a=1,a=2"), Err(Twice("a".to_owned())));
    }

    #[test]
    fn a_name_stays_a_name() {
        let odd = Replication::of([("x': 1}; DROP".to_owned(), 1)]);
        assert_eq!(odd.to_string(), "{'class': 'NetworkTopologyStrategy', 'x'': 1}; DROP': 1}");
    }
}

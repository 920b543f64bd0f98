//! The replication of keyspaces.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The number of copies in each data centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replication(BTreeMap<String, u8>);

#[derive(Debug, Error, PartialEq, Eq)]
pub enum BadReplication {
    #[error("{0:?} is not a data centre with its number of copies, such as eqiad=3")]
    Part(String),
    #[error("{0:?}: the number of copies must be 1 to 255")]
    Copies(String),
    #[error("the data centre {0:?} is given twice")]
    Twice(String),
}

impl Replication {
    pub fn new(data_centers: impl IntoIterator<Item = (String, u8)>) -> Self {
        Self(data_centers.into_iter().collect())
    }

    pub fn data_centers(&self) -> impl Iterator<Item = (&str, u8)> {
        self.0.iter().map(|(name, copies)| (name.as_str(), *copies))
    }
}

/// Three copies, as in production, in the data centre that has Cassandra's default name.
impl Default for Replication {
    fn default() -> Self {
        Self::new([("datacenter1".to_owned(), 3)])
    }
}

impl FromStr for Replication {
    type Err = BadReplication;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut data_centers = BTreeMap::new();
        for part in text.split(',') {
            let (name, copies) = match part.split_once('=') {
                Some((name, copies)) => (name.trim(), copies.trim()),
                None => ("", ""),
            };
            if name.is_empty() {
                return Err(BadReplication::Part(part.to_owned()));
            }
            let copies = copies.parse().ok().filter(|copies| *copies > 0);
            let copies = copies.ok_or_else(|| BadReplication::Copies(part.to_owned()))?;
            if data_centers.insert(name.to_owned(), copies).is_some() {
                return Err(BadReplication::Twice(name.to_owned()));
            }
        }
        Ok(Self(data_centers))
    }
}

/// A CQL map.
impl fmt::Display for Replication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{'class': 'NetworkTopologyStrategy'")?;
        for (name, copies) in self.data_centers() {
            write!(f, ", '{}': {copies}", name.replace('\'', "''"))?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_data_center_has_a_number() {
        let replication: Result<Replication, _> = "eqiad=3, codfw=2".parse();
        assert_eq!(
            replication.map(|replication| replication.to_string()),
            Ok("{'class': 'NetworkTopologyStrategy', 'codfw': 2, 'eqiad': 3}".to_owned())
        );
    }

    #[test]
    fn other_texts_are_refused() {
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
    fn names_are_quoted() {
        let odd = Replication::new([("x': 1}; DROP".to_owned(), 1)]);
        assert_eq!(odd.to_string(), "{'class': 'NetworkTopologyStrategy', 'x'': 1}; DROP': 1}");
    }
}

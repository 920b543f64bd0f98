//! The whole output, looked at from outside: generated once, kept by partition.

mod bounds;
mod lists;
mod named;
mod real;
mod sums;
mod variety;

use super::output::Summary;
use crate::load::row::{Cell, Sink, SinkError};
use aqs_api::Table;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Rows of a partition that has a series: timestamps with their numbers.
type Series = Vec<(String, Vec<Option<i64>>)>;

#[derive(Default)]
struct Collected {
    summary: Summary,
    hash: u64,
    /// Rows that don't come after the one before.
    disordered: Vec<String>,
    /// By table and partition, the partition's texts tab-separated.
    series: HashMap<(&'static str, String), Series>,
    /// The same of tables whose rows are lists.
    lists: HashMap<(&'static str, String), Vec<Option<String>>>,
    last: Option<(&'static str, Vec<String>)>,
}

static OUTPUT: LazyLock<Collected> = LazyLock::new(|| {
    let mut collected = Collected::default();
    collected.summary = super::rows(&mut collected).unwrap();
    collected
});

impl Collected {
    /// A series; empty if there is none.
    fn series(&self, table: &'static Table, partition: &[&str]) -> &[(String, Vec<Option<i64>>)] {
        self.series.get(&(table.name, partition.join("\t"))).map_or(&[], Vec::as_slice)
    }

    /// The number of a series' row, in the first column that has one.
    fn number(&self, table: &'static Table, partition: &[&str], stamp: &str) -> Option<i64> {
        let series = self.series(table, partition);
        let place = series.binary_search_by(|(other, _)| other.as_str().cmp(stamp)).ok()?;
        series[place].1.iter().find_map(|number| *number)
    }

    /// The list of a partition, from whichever column has it.
    fn list(&self, table: &'static Table, partition: &[&str]) -> Option<&str> {
        let cells = self.lists.get(&(table.name, partition.join("\t")))?;
        cells.iter().flatten().map(String::as_str).next()
    }

    /// Every series of a table.
    fn all_series(&self, table: &'static Table) -> impl Iterator<Item = (Vec<&str>, &Series)> {
        let of = self.series.iter().filter(|((name, _), _)| *name == table.name);
        of.map(|((_, partition), series)| (partition.split('\t').collect(), series))
    }

    /// Every list of a table: partition, and the cell of each column.
    fn all_lists(
        &self,
        table: &'static Table,
    ) -> impl Iterator<Item = (Vec<&str>, &Vec<Option<String>>)> {
        let of = self.lists.iter().filter(|((name, _), _)| *name == table.name);
        of.map(|((_, partition), cells)| (partition.split('\t').collect(), cells))
    }

    fn hash(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            let mixed = (self.hash ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.hash = mixed.rotate_left(29);
        }
    }
}

impl Sink for Collected {
    fn row(&mut self, table: &'static Table, cells: &[Cell<'_>]) -> Result<(), SinkError> {
        assert_eq!(cells.len(), table.columns().count(), "{}", table.name);
        for cell in cells {
            match cell {
                Cell::Absent => self.hash(b"absent"),
                Cell::Null => self.hash(b"null"),
                Cell::Int(number) => self.hash(&number.to_le_bytes()),
                Cell::Text(text) => self.hash(text.as_bytes()),
            }
        }
        let text = |cell: &Cell<'_>| match cell {
            Cell::Text(text) => text.clone().into_owned(),
            other => panic!("{other:?} is no key of {}", table.name),
        };
        let key: Vec<String> = cells[..table.key_columns().count()].iter().map(text).collect();
        if self.last.as_ref().is_some_and(|(name, last)| *name == table.name && *last >= key) {
            self.disordered.push(format!("{} {key:?}", table.name));
        }
        let partition = (table.name, key[..table.partition.len()].join("\t"));
        let values = &cells[key.len()..];
        if table.clustering.is_empty() {
            let value = |cell: &Cell<'_>| matches!(cell, Cell::Text(_)).then(|| text(cell));
            self.lists.insert(partition, values.iter().map(value).collect());
        } else {
            let value = |cell: &Cell<'_>| match cell {
                Cell::Int(number) => Some(*number),
                Cell::Null | Cell::Absent => None,
                Cell::Text(text) => panic!("{text} is no number"),
            };
            let numbers = values.iter().map(value).collect();
            self.series.entry(partition).or_default().push((key[key.len() - 1].clone(), numbers));
        }
        self.last = Some((table.name, key));
        Ok(())
    }
}

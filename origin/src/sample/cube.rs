//! Counts that are split by dimensions, such as access and agent.
//!
//! A *cell* is the count of one part of every dimension (`desktop`, `spider`). A *counter* is what
//! rows hold: the sum of cells over the dimensions for which it is the total (`all-access`,
//! `spider`).

use jiff::civil::Date;
use std::iter::once;
use std::ops::Range;

#[derive(Debug)]
pub(super) struct Dimension {
    /// The key column that names the part; empty if each part has a value column.
    pub(super) column: &'static str,
    pub(super) total: &'static str,
    /// Name, usual share of the total, and first day on which it is counted, in the order of keys
    /// or of value columns.
    pub(super) parts: &'static [(&'static str, f64, Date)],
}

impl Dimension {
    /// The names of total and parts.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        once(self.total).chain(self.parts.iter().map(|(name, ..)| *name))
    }
}

/// One count for each combination of parts, the last dimension varying fastest.
pub(super) type Cells = Vec<u64>;

/// All counters over some dimensions.
#[derive(Debug)]
pub(super) struct Cube {
    dimensions: &'static [&'static Dimension],
    /// The cells that each counter sums. Totals come before parts, the last dimension varies
    /// fastest.
    counters: Vec<Vec<usize>>,
}

impl Cube {
    pub(super) fn new(dimensions: &'static [&'static Dimension]) -> Self {
        let mut counters: Vec<Vec<usize>> = vec![vec![0]];
        for Dimension { parts, .. } in dimensions {
            let count = parts.len();
            let total_and_parts = || once(0..count).chain((0..count).map(|part| part..part + 1));
            let split = |cells: &Vec<usize>, parts: Range<usize>| -> Vec<usize> {
                let places = |cell| parts.clone().map(move |part| cell * count + part);
                cells.iter().flat_map(places).collect()
            };
            let by_part = |cells| total_and_parts().map(move |parts| split(cells, parts));
            counters = counters.iter().flat_map(by_part).collect();
        }
        Self { dimensions, counters }
    }

    pub(super) fn len(&self) -> usize {
        self.counters.len()
    }

    pub(super) fn sum(&self, cells: &[u64], counter: usize) -> u64 {
        self.counters[counter].iter().map(|cell| cells[*cell]).sum()
    }

    /// The usual share of each cell on a day.
    pub(super) fn shares(&self, date: Date) -> Vec<f64> {
        let split = |shares: Vec<f64>, dimension: &&Dimension| {
            let part = |(_, share, since): &_| if date < *since { 0.0 } else { *share };
            let parts = |whole: f64| dimension.parts.iter().map(move |parts| whole * part(parts));
            shares.into_iter().flat_map(parts).collect()
        };
        self.dimensions.iter().fold(vec![1.0], split)
    }

    /// Cells for which the known counters have exactly the given values; a total comes before its
    /// parts. Cells outside of these are scaled alike.
    pub(super) fn fit(&self, cells: &[u64], known: &[(usize, u64)]) -> Cells {
        let covered = known.iter().map(|(counter, _)| u128::from(self.sum(cells, *counter)));
        let (covered, total) = (covered.sum(), known.iter().map(|(_, value)| value).sum());
        let mut fitted: Cells = cells.iter().map(|cell| scale(total, *cell, covered)).collect();
        for (counter, value) in known {
            let places = &self.counters[*counter];
            let weights: Vec<u64> = places.iter().map(|cell| cells[*cell]).collect();
            for (cell, part) in places.iter().zip(split(*value, &weights)) {
                fitted[*cell] = part;
            }
        }
        fitted
    }
}

/// `total` × `weight` ÷ `whole`.
fn scale(total: u64, weight: impl Into<u128>, whole: u128) -> u64 {
    (u128::from(total) * weight.into()).checked_div(whole).unwrap_or(0) as u64
}

/// Splits a total in proportion to weights. The parts add up to the total; without any weight the
/// first part gets all.
pub(super) fn split(total: u64, weights: &[u64]) -> Vec<u64> {
    let whole: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let (mut weighed, mut given) = (u128::from(whole == 0), 0);
    let part = |weight: &u64| {
        weighed += u128::from(*weight);
        let reached = scale(total, weighed, whole.max(1));
        let part = reached - given;
        given = reached;
        part
    };
    weights.iter().map(part).collect()
}

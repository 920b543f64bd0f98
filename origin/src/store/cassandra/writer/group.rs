//! Rows that go together.
//!
//! Those of one partition that follow each other are written in one message: that is what a
//! directory of a series' history consists of, and it is about twice as fast. Rows of a day's
//! load are each in a partition of its own, and go by themselves.

use super::row::Row;
use crate::load::row::Cell;
use aqs_api::Table;

/// How many rows go together; more gain little.
const ROWS: usize = 16;
/// How large they may be together. A list is larger, and goes alone.
const BYTES: usize = 32 << 10;
/// A group this large takes another slot, so that a few huge rows don't fill the memory.
const BYTES_A_SLOT: usize = 64 << 10;

/// Rows of one partition, never none.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) table: &'static Table,
    pub(super) rows: Vec<Row>,
    bytes: usize,
}

impl Group {
    pub(super) fn of(table: &'static Table, row: Row) -> Self {
        let bytes = bytes(&row.cells);
        Self { table, rows: vec![row], bytes }
    }

    /// Takes a row, if it goes with those that are here and they are not too many.
    pub(super) fn take(&mut self, table: &'static Table, row: Row, most: u32) -> Result<(), Row> {
        let bytes = self.bytes + bytes(&row.cells);
        let key = ..table.partition.len();
        let is_theirs = table.name == self.table.name
            && self.rows.first().is_some_and(|first| first.cells.get(key) == row.cells.get(key));
        let most = ROWS.min(usize::try_from(most).unwrap_or(ROWS));
        if !is_theirs || self.rows.len() >= most || bytes > BYTES {
            return Err(row);
        }
        self.rows.push(row);
        self.bytes = bytes;
        Ok(())
    }

    /// How many tags it takes.
    pub(super) fn tags(&self) -> u32 {
        u32::try_from(self.rows.len() + self.bytes / BYTES_A_SLOT).unwrap_or(u32::MAX)
    }
}

fn bytes(cells: &[Cell<'_>]) -> usize {
    let size = |cell: &Cell<'_>| match cell {
        Cell::Text(text) => text.len(),
        Cell::Absent | Cell::Null | Cell::Int(_) => 8,
    };
    cells.iter().map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::tables::{TOP_BY_COUNTRY, UNIQUE_DEVICES};

    fn row(line: u64, cells: &[&str]) -> Row {
        let cells = cells.iter().map(|text| Cell::Text((*text).to_owned().into())).collect();
        Row { line, cells, micros: 0 }
    }

    fn day(line: u64, project: &str) -> Row {
        row(line, &[project, "all-sites", "daily", &line.to_string()])
    }

    /// Which lines go together, of rows that follow each other.
    fn groups(rows: Vec<(&'static Table, Row)>, most: u32) -> Vec<Vec<u64>> {
        let mut groups: Vec<Group> = Vec::new();
        for (table, row) in rows {
            let left = match groups.last_mut() {
                Some(last) => last.take(table, row, most).err(),
                None => Some(row),
            };
            groups.extend(left.map(|row| Group::of(table, row)));
        }
        groups.iter().map(|group| group.rows.iter().map(|row| row.line).collect()).collect()
    }

    #[test]
    fn rows_of_one_partition_go_together() {
        let days = [(1, "a"), (2, "a"), (3, "b"), (4, "a"), (5, "a")];
        let days = || days.map(|(line, project)| (&UNIQUE_DEVICES, day(line, project))).into();
        assert_eq!(groups(days(), 256), [vec![1, 2], vec![3], vec![4, 5]]);
        assert_eq!(groups(days(), 1), [[1], [2], [3], [4], [5]]);
    }

    #[test]
    fn they_are_not_too_many_and_not_too_large() {
        let days = (1..=40).map(|line| (&UNIQUE_DEVICES, day(line, "a")));
        let sizes: Vec<_> = groups(days.collect(), 256).iter().map(Vec::len).collect();
        assert_eq!(sizes, [16, 16, 8]);
        let list = "x".repeat(20 << 10);
        let lists = (1..=2)
            .map(|line| (&TOP_BY_COUNTRY, row(line, &["a", "all-access", "2024", "01", &list])));
        assert_eq!(groups(lists.collect(), 256), [[1], [2]]);
    }

    #[test]
    fn huge_rows_take_many_slots() {
        assert_eq!(Group::of(&UNIQUE_DEVICES, day(1, "a")).tags(), 1);
        let list = "x".repeat(1 << 20);
        let huge = row(1, &["a", "all-access", "2024", "01", &list]);
        assert_eq!(Group::of(&TOP_BY_COUNTRY, huge).tags(), 17);
    }
}

//! Rows of a narrower range of the same partition.

use super::column::{Cells, Column, Nulls, Texts, Timestamps};
use super::{Rows, RowsError};
use crate::calendar::Digits;
use std::ops::Range;

impl Rows {
    /// The rows whose timestamp lies between two, both included.
    ///
    /// An error if the table has no timestamps.
    pub fn between(&self, first: &Digits, last: &Digits) -> Result<Self, RowsError> {
        let timestamps = self.timestamp_column()?;
        let before = |bound: &[u8], too: bool| {
            let within =
                |timestamp: &[u8]| if too { timestamp <= bound } else { timestamp < bound };
            timestamps.texts().take_while(|timestamp| within(timestamp)).count()
        };
        let from = before(first.as_bytes(), false);
        Ok(self.slice(from..before(last.as_bytes(), true).max(from)))
    }

    fn slice(&self, rows: Range<usize>) -> Self {
        if rows == (0..self.len) {
            return self.clone();
        }
        let columns = self.columns.iter().map(|column| match column {
            Column::Ints(cells) => Column::Ints(cells.slice(&rows)),
            Column::Doubles(cells) => Column::Doubles(cells.slice(&rows)),
            Column::Texts(texts) => Column::Texts(texts.slice(&rows)),
            Column::Timestamps(timestamps) => Column::Timestamps(timestamps.slice(&rows)),
        });
        let (schema, absent) = (self.schema, self.absent.clone());
        Self { schema, columns: columns.collect(), absent, len: rows.len() }
    }
}

impl<T: Copy> Cells<T> {
    fn slice(&self, rows: &Range<usize>) -> Self {
        Self {
            values: self.values.get(rows.clone()).unwrap_or_default().to_vec(),
            nulls: self.nulls.slice(rows),
        }
    }
}

impl Texts {
    fn slice(&self, rows: &Range<usize>) -> Self {
        let end_of = |row: Option<usize>| row.and_then(|row| self.ends.get(row)).copied();
        let start = end_of(rows.start.checked_sub(1)).unwrap_or(0);
        let end = end_of(rows.end.checked_sub(1)).unwrap_or(0).max(start);
        let ends = self.ends.get(rows.clone()).unwrap_or_default();
        Self {
            arena: self.arena.get(start..end).unwrap_or_default().to_owned(),
            ends: ends.iter().map(|end| end - start).collect(),
            nulls: self.nulls.slice(rows),
        }
    }
}

impl Timestamps {
    fn slice(&self, rows: &Range<usize>) -> Self {
        let broken = self.broken.iter().filter(|(row, _)| rows.contains(row));
        Self {
            digits: self.digits.get(rows.clone()).unwrap_or_default().to_vec(),
            broken: broken.map(|(row, text)| (row - rows.start, text.clone())).collect(),
        }
    }
}

impl Nulls {
    fn slice(&self, rows: &Range<usize>) -> Self {
        let mut nulls = Self::default();
        if !self.0.is_empty() {
            for row in rows.clone().filter(|row| self.get(*row)) {
                nulls.set(row - rows.start);
            }
        }
        nulls
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::LEGACY_PAGECOUNTS;

    fn rows(cells: &[(&str, Option<i64>)]) -> Rows {
        let mut builder = Rows::of(&LEGACY_PAGECOUNTS);
        for (timestamp, count) in cells {
            builder.text(0, Some(timestamp)).unwrap();
            builder.int(1, *count).unwrap();
            builder.end_row().unwrap();
        }
        builder.finish()
    }

    #[test]
    fn the_range_is_cut_out() {
        let all = [
            ("2016010100", Some(1)),
            ("2016010200", None),
            ("2016010400", Some(4)),
            ("2016010500", None),
            ("soon", None),
        ];
        let digits = |text| Digits::from_text(text).unwrap();
        for (first, last, expected) in [
            ("2016010100", "2016010500", &all[..4]),
            ("0000010100", "9999123123", &all[..4]),
            ("2016010200", "2016010400", &all[1..3]),
            ("2016010300", "2016010423", &all[2..3]),
            ("2016010500", "2016010500", &all[3..4]),
            ("2016010300", "2016010300", &[]),
            ("2016010600", "2016010700", &[]),
            ("2016010400", "2016010100", &[]),
        ] {
            let part = rows(&all).between(&digits(first), &digits(last)).unwrap();
            let expected = rows(expected);
            let values = |rows: &Rows| -> Vec<(Digits, Option<i64>)> {
                let timestamps = rows.timestamps().unwrap().iter().copied();
                timestamps.zip(rows.ints("count").unwrap().iter()).collect()
            };
            assert_eq!(values(&part), values(&expected), "{first} to {last}");
            assert_eq!(part.len(), expected.len());
        }
    }

    #[test]
    fn a_broken_timestamp_stays_with_its_row() {
        let (first, broken, last) =
            (("2016010100", Some(1)), ("2016010x00", Some(2)), ("2016010y00", None));
        let digits = |text| Digits::from_text(text).unwrap();
        let all = rows(&[first, broken, last]);
        for (from, to, expected) in [
            ("2016010100", "2016010100", &[first][..]),
            ("2016010200", "2016020100", &[broken, last]),
            ("2016010100", "2016020100", &[first, broken, last]),
        ] {
            let part = all.between(&digits(from), &digits(to)).unwrap();
            assert_eq!(part, rows(expected), "{from} to {to}");
        }
    }

    #[test]
    fn rows_without_timestamps_have_no_ranges() {
        let rows = Rows::of(&crate::tables::TOP_PAGEVIEWS).finish();
        let day = Digits::from_text("20260101").unwrap();
        assert!(rows.between(&day, &day).is_err());
    }
}

//! Binds rows to prepared inserts.

use crate::row::Cell;
use crate::store::partition_value::PartitionValue;
use aqs_api::table::DOMAIN;
use scylla::cluster::metadata::ColumnType;
use scylla::serialize::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::value::SerializeValue;
use scylla::serialize::writers::{CellWriter, RowWriter};
use thiserror::Error;

/// A row to be written: the values of [`insert`](crate::store::cassandra::cql::insert) after the
/// domain.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell<'static>>,
    pub(super) micros: i64,
    /// Whether the domain is the first value of the statement.
    pub(super) has_domain: bool,
}

/// About how many bytes cells take.
pub(super) fn bytes(cells: &[Cell<'_>]) -> usize {
    let size = |cell: &Cell<'_>| match cell {
        Cell::Text(text) => text.len(),
        Cell::Absent | Cell::Null | Cell::Int(_) | Cell::Double(_) => 8,
    };
    cells.iter().map(size).sum()
}

#[derive(Debug, Error)]
enum RowError {
    #[error("the statement takes {expected} values, and the row has {found}")]
    Count { expected: usize, found: usize },
    #[error("column {column:?}: {source}")]
    Column { column: String, source: SerializationError },
}

impl SerializeRow for Row {
    fn serialize(
        &self,
        context: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        let (expected, found) =
            (context.columns().len(), usize::from(self.has_domain) + self.cells.len() + 1);
        if expected != found {
            return Err(SerializationError::new(RowError::Count { expected, found }));
        }
        let (domain, micros) = (Cell::Text(DOMAIN.into()), Cell::Int(self.micros));
        let domain = self.has_domain.then_some(&domain);
        let values = domain.into_iter().chain(&self.cells).chain([&micros]);
        for (column, cell) in context.columns().iter().zip(values) {
            value(cell, column.name(), column.typ(), writer.make_cell_writer())?;
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        false
    }
}

fn value(
    cell: &Cell<'_>,
    column: &str,
    kind: &ColumnType<'_>,
    to: CellWriter<'_>,
) -> Result<(), SerializationError> {
    let written = match cell {
        Cell::Absent => Ok(to.set_unset()),
        Cell::Null => Ok(to.set_null()),
        Cell::Text(text) => PartitionValue::Text(text).serialize(kind, to),
        Cell::Int(number) => PartitionValue::Int(*number).serialize(kind, to),
        Cell::Double(number) => number.serialize(kind, to),
    };
    written.map(|_| ()).map_err(|source| {
        SerializationError::new(RowError::Column { column: column.to_owned(), source })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use scylla::cluster::metadata::NativeType::{self, BigInt, Date, Int, Text, Timestamp};
    use scylla::frame::response::result::{ColumnSpec, TableSpec};

    /// What goes over the wire between domain and time, for columns of these types.
    fn bound(kinds: &[NativeType], cells: &[Cell<'static>]) -> Result<Vec<u8>, String> {
        let table = TableSpec::borrowed("ks", "data");
        let specs: Vec<_> = [Text]
            .iter()
            .chain(kinds)
            .chain(&[BigInt])
            .map(|kind| ColumnSpec::borrowed("c", ColumnType::Native(kind.clone()), table.clone()))
            .collect();
        let mut bytes = Vec::new();
        let row = Row { cells: cells.to_vec(), micros: 0x0102_0304_0506_0708, has_domain: true };
        let takes = RowSerializationContext::from_specs(&specs);
        row.serialize(&takes, &mut RowWriter::new(&mut bytes))
            .map_err(|error| error.to_string())?;
        let between = bytes.strip_suffix(&[0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
        Ok(between.and_then(|bytes| bytes.get(4 + DOMAIN.len()..)).unwrap_or_default().to_vec())
    }

    #[test]
    fn an_integer_is_as_wide_as_its_column() {
        let number = [Cell::Int(258)];
        assert_eq!(bound(&[Int], &number), Ok(vec![0, 0, 0, 4, 0, 0, 1, 2]));
        assert_eq!(bound(&[BigInt], &number), Ok(vec![0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 1, 2]));
    }

    #[test]
    fn a_period_is_bound_in_the_type_of_its_column() {
        let day = [Cell::Text("20250101".into())];
        assert_eq!(bound(&[Text], &day), Ok(b"\0\0\0\x0820250101".to_vec()));
        let millis = 1_735_689_600_000_i64.to_be_bytes();
        assert_eq!(bound(&[Timestamp], &day), Ok([&[0, 0, 0, 8][..], &millis].concat()));
        let days = (0x8000_0000_u32 + 20_089).to_be_bytes();
        assert_eq!(bound(&[Date], &day), Ok([&[0, 0, 0, 4][..], &days].concat()));
        // The end of an empty range.
        let nothing = [Cell::Text("00000000".into())];
        let least = i64::MIN.to_be_bytes();
        assert_eq!(bound(&[Timestamp], &nothing), Ok([&[0, 0, 0, 8][..], &least].concat()));
        for bad in ["", "soon", "2025-01-01"] {
            let cells = [Cell::Text(bad.into())];
            assert!(bound(&[Timestamp], &cells).is_err_and(|error| error.contains("is no period")));
        }
    }

    #[test]
    fn a_plain_table_has_no_domain() {
        let table = TableSpec::borrowed("ks", "t");
        let native = |kind| ColumnSpec::borrowed("c", ColumnType::Native(kind), table.clone());
        let specs = [native(Int), native(BigInt)];
        let row = Row { cells: vec![Cell::Int(1)], micros: 2, has_domain: false };
        let mut bytes = Vec::new();
        let context = RowSerializationContext::from_specs(&specs);
        assert!(row.serialize(&context, &mut RowWriter::new(&mut bytes)).is_ok());
        assert_eq!(bytes, [0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 2]);
    }

    /// A length of -1 is null and one of -2 is unset in the protocol.
    #[test]
    fn absent_is_unset_and_null_is_null() {
        let cells = [Cell::Absent, Cell::Null, Cell::Text("é".into())];
        let expected = [[0xff, 0xff, 0xff, 0xfe], [0xff; 4], [0, 0, 0, 2]].concat();
        let expected = [&expected[..], "é".as_bytes()].concat();
        assert_eq!(bound(&[BigInt, BigInt, Text], &cells), Ok(expected));
    }

    #[test]
    fn values_that_do_not_fit_are_refused_with_their_column() {
        let large = bound(&[Int], &[Cell::Int(1 << 40)]);
        let is_named = |error: String| error.contains("\"c\"") && error.contains("is an int");
        assert!(large.is_err_and(is_named));
        assert!(bound(&[Int], &[Cell::Text("x".into())]).is_err());
        assert!(bound(&[Text], &[Cell::Int(1)]).is_err());
        assert!(bound(&[Int, Int], &[Cell::Int(1)]).is_err());
    }
}

//! Decodes rows from response frames into [`Rows`], without values in between.

use super::bind::hour_of_date;
use super::cql;
use super::metadata::type_name;
use aqs_api::calendar::{Digits, Form, Hour};
use aqs_api::rows::{RowsBuilder, RowsError};
use aqs_api::table::{Column, ColumnType};
use aqs_api::{Rows, Table};
use scylla::cluster::metadata::{ColumnType as CqlType, NativeType};
use scylla::deserialize::DeserializationError;
use scylla::deserialize::result::TypedRowIterator;
use scylla::deserialize::row::ColumnIterator;
use smallvec::SmallVec;
use thiserror::Error;

/// The rows of a page as the driver iterates over them.
pub(super) type PageRows<'f, 'm> = TypedRowIterator<'f, 'm, ColumnIterator<'f, 'm>>;

#[derive(Debug, Error)]
pub(super) enum DecodeError {
    #[error("column {column:?} holds {found} instead of {expected}")]
    Cell { column: &'static str, found: String, expected: &'static str },
    #[error("the rows have {found} columns instead of {expected}")]
    Columns { found: usize, expected: usize },
    #[error("the page is cut short: {0}")]
    Page(#[from] DeserializationError),
    #[error("{0}")]
    Rows(#[from] RowsError),
}

/// A column of the cluster has a type that its values can't be decoded from.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("column {column:?} is of type {found} instead of {expected}")]
pub(super) struct UnfitColumn {
    column: &'static str,
    found: String,
    expected: &'static str,
}

/// How the rows of a table's statements are decoded.
#[derive(Debug)]
pub(super) struct RowDecoder {
    table: &'static Table,
    /// The selected columns, in order; clustering columns come first.
    selected: Box<[Selected]>,
    clustering: usize,
    /// The number of clustering columns before `_tid`; `None` if the table has no `_tid`.
    before_tid: Option<usize>,
    /// Columns that the cluster's table lacks, by position.
    missing: Box<[(usize, ColumnType)]>,
}

#[derive(Debug)]
struct Selected {
    /// The position in `Table::read_columns`.
    index: usize,
    column: &'static Column,
    /// The digits of its periods, if it holds periods.
    form: Option<Form>,
}

impl RowDecoder {
    /// A decoder of the columns that the cluster's table has, by their types.
    pub(super) fn new<'t>(
        table: &'static Table,
        type_of: impl Fn(&str) -> Option<&'t CqlType<'static>>,
    ) -> Result<Self, UnfitColumn> {
        let (mut selected, mut missing, mut clustering) = (Vec::new(), Vec::new(), 0);
        for (index, column) in table.read_columns().enumerate() {
            match type_of(column.name) {
                None => missing.push((index, column.kind)),
                Some(typ) => {
                    check_type(column, typ)?;
                    clustering += usize::from(index < table.clustering.len());
                    selected.push(Selected { index, column, form: column.form() });
                }
            }
        }
        let before_tid = cql::columns_before_tid(table);
        let (selected, missing) = (selected.into(), missing.into());
        Ok(Self { table, selected, clustering, before_tid, missing })
    }

    pub(super) fn table(&self) -> &'static Table {
        self.table
    }

    /// The columns that the cluster's table lacks.
    pub(super) fn missing_columns(&self) -> impl Iterator<Item = &'static str> {
        let column = |(index, _): &(usize, _)| self.table.read_columns().nth(*index);
        self.missing.iter().filter_map(column).map(|column| column.name)
    }

    /// Whether a row is an older version of one that was decoded, by their clustering columns.
    #[inline]
    fn is_older_version(&self, key: &[Option<&[u8]>], previous: &[Option<&[u8]>]) -> bool {
        let Some(before_tid) = self.before_tid else { return false };
        let at = before_tid.min(key.len());
        let ((key, rest), (previous, previous_rest)) = (key.split_at(at), previous.split_at(at));
        key == previous && rest <= previous_rest
    }

    pub(super) fn start(&self) -> PartitionDecoder<'_> {
        let mut rows = Rows::of(self.table);
        self.missing.iter().for_each(|(index, _)| rows.absent(*index));
        PartitionDecoder { decoder: self, rows, count: 0, last_key: SmallVec::new() }
    }
}

/// Integers of any width are decoded alike: clusters have some counts as int and some as bigint.
fn check_type(column: &'static Column, found: &CqlType<'_>) -> Result<(), UnfitColumn> {
    let CqlType::Native(native) = found else { return Err(unfit(column, found)) };
    if is_decodable(column.kind, native) { Ok(()) } else { Err(unfit(column, found)) }
}

fn is_decodable(kind: ColumnType, native: &NativeType) -> bool {
    use NativeType::{Ascii, BigInt, Counter, Date, Double, Float, Int};
    use NativeType::{SmallInt, Text, Timestamp, TinyInt, Varint};
    match kind {
        ColumnType::Text | ColumnType::Json => matches!(native, Text | Ascii),
        ColumnType::Int | ColumnType::BigInt => {
            matches!(native, TinyInt | SmallInt | Int | BigInt | Counter | Varint)
        }
        ColumnType::Double => matches!(native, Double | Float),
        ColumnType::Timestamp => matches!(native, Timestamp),
        ColumnType::Date => matches!(native, Date),
    }
}

/// Whether statements can bind values of a key column to the cluster's column.
pub(super) fn is_bindable(column: &Column, found: &CqlType<'_>) -> bool {
    let CqlType::Native(native) = found else { return false };
    match column.kind.is_integer() {
        true => matches!(native, NativeType::Int | NativeType::BigInt),
        false => is_decodable(column.kind, native),
    }
}

fn unfit(column: &'static Column, found: &CqlType<'_>) -> UnfitColumn {
    UnfitColumn { column: column.name, found: type_name(found), expected: expected(column.kind) }
}

pub(super) fn expected(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text | ColumnType::Json => "text",
        ColumnType::Int | ColumnType::BigInt => "an integer",
        ColumnType::Double => "a number",
        ColumnType::Timestamp => "a timestamp",
        ColumnType::Date => "a date",
    }
}

/// Rows of one partition, decoded page by page.
pub(super) struct PartitionDecoder<'d> {
    decoder: &'d RowDecoder,
    rows: RowsBuilder,
    count: usize,
    /// The clustering key of the last row of the page before.
    last_key: SmallVec<[Option<SmallVec<[u8; 16]>>; 1]>,
}

impl PartitionDecoder<'_> {
    /// Appends the rows of a page. Of rows that differ in `_tid` alone the first is taken, which
    /// is the newest. Where columns follow `_tid`, a row that is not greater than the one before is
    /// of an older version, too.
    pub(super) fn decode(&mut self, page: PageRows<'_, '_>) -> Result<(), DecodeError> {
        let decoder = self.decoder;
        let (expected, found) = (decoder.selected.len(), page.specs().len());
        if page.rows_remaining() > 0 && found != expected {
            return Err(DecodeError::Columns { found, expected });
        }
        let (clustering, values) = decoder.selected.split_at(decoder.clustering);
        let last_key = std::mem::take(&mut self.last_key);
        let mut key: SmallVec<[Option<&[u8]>; 2]> = last_key.iter().map(Option::as_deref).collect();
        key.resize(clustering.len(), None);
        let mut previous = key.clone();
        for row in page {
            let mut cells = row?;
            std::mem::swap(&mut key, &mut previous);
            for cell in &mut key {
                *cell = next_cell(&mut cells)?;
            }
            if self.count > 0 && decoder.is_older_version(&key, &previous) {
                key.clone_from(&previous);
                continue;
            }
            for (selected, cell) in clustering.iter().zip(&key) {
                self.append(selected, *cell)?;
            }
            for selected in values {
                self.append(selected, next_cell(&mut cells)?)?;
            }
            for (index, kind) in &decoder.missing {
                match kind {
                    ColumnType::Text
                    | ColumnType::Json
                    | ColumnType::Timestamp
                    | ColumnType::Date => self.rows.text(*index, None)?,
                    ColumnType::Int | ColumnType::BigInt => self.rows.int(*index, None)?,
                    ColumnType::Double => self.rows.double(*index, None)?,
                }
            }
            self.count += 1;
            self.rows.end_row()?;
        }
        self.last_key = key.into_iter().map(|cell| cell.map(SmallVec::from)).collect();
        Ok(())
    }

    #[inline]
    fn append(&mut self, selected: &Selected, cell: Option<&[u8]>) -> Result<(), DecodeError> {
        match (selected.column.kind, cell) {
            (ColumnType::Int | ColumnType::BigInt, Some(bytes)) => {
                let number = selected.int(bytes)?;
                self.rows.int(selected.index, number)?;
            }
            (ColumnType::Int | ColumnType::BigInt, None) => self.rows.int(selected.index, None)?,
            (ColumnType::Text | ColumnType::Json, Some(bytes)) => {
                match selected.form.and_then(|_| Digits::from_bytes(bytes)) {
                    Some(timestamp) => self.rows.timestamp(selected.index, timestamp)?,
                    None => self.rows.text(selected.index, Some(selected.text(bytes)?))?,
                }
            }
            (ColumnType::Text | ColumnType::Json, None) => self.rows.text(selected.index, None)?,
            (ColumnType::Timestamp | ColumnType::Date, Some(bytes)) => {
                let period = selected.period(bytes)?;
                self.rows.timestamp(selected.index, period)?;
            }
            (ColumnType::Timestamp | ColumnType::Date, None) => {
                self.rows.text(selected.index, None)?;
            }
            (ColumnType::Double, bytes) => {
                let number = bytes.map(|bytes| selected.double(bytes)).transpose()?;
                self.rows.double(selected.index, number.flatten())?;
            }
        }
        Ok(())
    }

    pub(super) fn reserve(&mut self, rows: usize) {
        self.rows.reserve(rows, 0);
    }

    pub(super) fn has_rows(&self) -> bool {
        self.count > 0
    }

    /// About how many bytes the rows take.
    pub(super) fn weight(&self) -> usize {
        self.rows.weight()
    }

    pub(super) fn finish(self) -> Rows {
        self.rows.finish()
    }
}

#[inline]
fn next_cell<'f>(cells: &mut ColumnIterator<'f, '_>) -> Result<Option<&'f [u8]>, DecodeError> {
    // The number of columns was checked before.
    let cell = cells.next().transpose()?;
    Ok(cell.and_then(|cell| cell.slice).map(|slice| slice.as_slice()))
}

impl Selected {
    fn text<'a>(&self, bytes: &'a [u8]) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(bytes).map_err(|_| self.misfit("bytes that are not UTF-8".to_owned()))
    }

    /// Decodes a big-endian two's complement integer. Old clients wrote null as no bytes.
    #[inline]
    fn int(&self, bytes: &[u8]) -> Result<Option<i64>, DecodeError> {
        match *bytes {
            [a, b, c, d, e, f, g, h] => Ok(Some(i64::from_be_bytes([a, b, c, d, e, f, g, h]))),
            [a, b, c, d] => Ok(Some(i32::from_be_bytes([a, b, c, d]).into())),
            [] => Ok(None),
            [first, ref rest @ ..] if rest.len() < 8 => {
                let start = i64::from(i8::from_be_bytes([first]));
                let number = rest.iter().fold(start, |number, byte| number << 8 | i64::from(*byte));
                Ok(Some(number))
            }
            _ => Err(self.misfit(format!("a value of {} bytes", bytes.len()))),
        }
    }

    /// Decodes a big-endian double or float. Old clients wrote null as no bytes.
    fn double(&self, bytes: &[u8]) -> Result<Option<f64>, DecodeError> {
        match *bytes {
            [a, b, c, d, e, f, g, h] => Ok(Some(f64::from_be_bytes([a, b, c, d, e, f, g, h]))),
            [a, b, c, d] => Ok(Some(f32::from_be_bytes([a, b, c, d]).into())),
            [] => Ok(None),
            _ => Err(self.misfit(format!("a value of {} bytes", bytes.len()))),
        }
    }

    /// Decodes a period: the milliseconds of a timestamp, or the days of a date.
    fn period(&self, bytes: &[u8]) -> Result<Digits, DecodeError> {
        let hour = match (self.column.kind, bytes) {
            (ColumnType::Date, &[a, b, c, d]) => hour_of_date(u32::from_be_bytes([a, b, c, d])),
            (_, &[a, b, c, d, e, f, g, h]) => {
                Hour::from_millis(i64::from_be_bytes([a, b, c, d, e, f, g, h]))
            }
            _ => None,
        };
        let digits = hour.zip(self.form).and_then(|(hour, form)| hour.exact_digits(form));
        digits.ok_or_else(|| self.misfit(format!("the bytes {bytes:?}, which begin no period")))
    }

    #[cold]
    fn misfit(&self, found: String) -> DecodeError {
        let expected = expected(self.column.kind);
        DecodeError::Cell { column: self.column.name, found, expected }
    }
}

#[cfg(test)]
mod tests;

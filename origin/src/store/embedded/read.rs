//! Reads one partition.

use super::error::{QueryError, is_unknown_name};
use super::schema::{ActualColumns, quote};
use crate::store::partition_value::PartitionValue;
use aqs_api::calendar::Digits;
use aqs_api::table::{Column, ColumnType};
use aqs_api::{Read, Rows, Table};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, params_from_iter};
use smallvec::SmallVec;

impl ToSql for PartitionValue<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Int(number) => ValueRef::Integer(*number),
        }))
    }
}

/// Returns the rows of a partition; none if the file does not have the table yet.
pub(super) fn partition(conn: &Connection, read: &Read) -> Result<Rows, QueryError> {
    let table = read.table;
    let (expected, found) = (table.partition.len(), read.partition.len());
    if expected != found {
        return Err(QueryError::Key { expected, found });
    }
    if read.range.is_some() && !table.is_series() {
        return Err(QueryError::NoTimestamps);
    }
    let mut builder = Rows::of(table);
    let Some((mut statement, absent)) = prepare(conn, table, read.range.is_some())? else {
        return Ok(builder.finish());
    };
    absent.into_iter().for_each(|column| builder.absent(column));
    let key = table.partition.iter().zip(read.partition.iter());
    let key = key.map(|(column, text)| PartitionValue::new(column, text));
    let range = read.range.iter().flat_map(|(first, last)| [first, last]).map(Digits::as_str);
    let range = range.map(|bound| Ok(PartitionValue::Text(bound)));
    let values = key.chain(range).collect::<Result<SmallVec<[_; 10]>, _>>()?;
    let mut rows = statement.query(params_from_iter(values))?;
    for number in 1.. {
        let Some(row) = rows.next()? else { break };
        for (index, column) in table.read_columns().enumerate() {
            let value = row.get_ref(index)?;
            let unexpected = |expected| {
                let (column, found) = (column.name, value.data_type());
                move |source| QueryError::Cell { column, row: number, found, expected, source }
            };
            match column.kind {
                ColumnType::Int | ColumnType::BigInt => {
                    let number = value.as_i64_or_null().map_err(unexpected("an integer"))?;
                    builder.int(index, number)?;
                }
                ColumnType::Double => {
                    let number = value.as_f64_or_null().map_err(unexpected("a number"))?;
                    builder.double(index, number)?;
                }
                ColumnType::Text | ColumnType::Json | ColumnType::Timestamp | ColumnType::Date => {
                    let text = value.as_str_or_null().map_err(unexpected("a text"))?;
                    builder.text(index, text)?;
                }
            }
        }
        builder.end_row()?;
    }
    Ok(builder.finish())
}

/// Prepares the statement of a table, and returns it with the positions of the columns that the
/// file does not have; `None` if the file does not have the table.
fn prepare<'c>(
    conn: &'c Connection,
    table: &'static Table,
    ranged: bool,
) -> Result<Option<(CachedStatement<'c>, Vec<usize>)>, QueryError> {
    let error = match conn.prepare_cached(&select(table, ranged, |_| true)) {
        Ok(statement) => return Ok(Some((statement, Vec::new()))),
        Err(error) => error,
    };
    // An older program may have made the file, and no load has updated its schema yet.
    if !is_unknown_name(&error) {
        return Err(error.into());
    }
    let columns = ActualColumns::read(conn, table)?;
    if columns.is_empty() {
        return Ok(None);
    }
    if let Some(column) = table.key_columns().find(|column| !columns.contains(column)) {
        return Err(QueryError::NoKey(column.name));
    }
    let statement =
        conn.prepare_cached(&select(table, ranged, |column| columns.contains(column)))?;
    let read = table.read_columns().enumerate();
    let absent = read.filter(|(_, column)| !columns.contains(column)).map(|(index, _)| index);
    Ok(Some((statement, absent.collect())))
}

/// Selects a partition or a range of it, with null for columns that the file does not have.
fn select(table: &Table, ranged: bool, exists: impl Fn(&Column) -> bool) -> String {
    let name = |column| if exists(column) { quote(column.name) } else { "NULL".to_owned() };
    let columns: Vec<_> = table.read_columns().map(name).collect();
    let mut conditions: Vec<_> =
        table.partition.iter().map(|column| format!("{} = ?", quote(column.name))).collect();
    if let Some(period) = table.period_column().filter(|_| ranged) {
        conditions.push(format!("{} BETWEEN ? AND ?", quote(period.name)));
    }
    let mut sql = format!(
        "SELECT {} FROM {} WHERE {}",
        columns.join(", "),
        quote(table.name),
        conditions.join(" AND "),
    );
    if !table.clustering.is_empty() {
        let order: Vec<_> = table.clustering.iter().map(|column| quote(column.name)).collect();
        sql = sql + " ORDER BY " + &order.join(", ");
    }
    sql
}

//! Binds values to statements, in the types of the cluster's columns.

use crate::store::partition_value::PartitionValue;
use aqs_api::calendar::{Digits, Hour};
use scylla::cluster::metadata::{ColumnType, NativeType};
use scylla::serialize::SerializationError;
use scylla::serialize::value::SerializeValue;
use scylla::serialize::writers::{CellWriter, WrittenCellProof};
use scylla::value::{CqlDate, CqlTimestamp};
use thiserror::Error;

/// The day 1970-01-01 of a `date`.
const EPOCH_DAY: i64 = 1 << 31;

#[derive(Debug, Error)]
enum BindError {
    #[error("the column is an int in the cluster, and {0} does not fit")]
    TooLarge(i64),
    #[error("{0:?} is no period")]
    Period(String),
}

/// Integers are as wide as the cluster's columns: production's tables have some as `int` and some
/// as `bigint`, and not everywhere the same. A period is a text, a `timestamp` or a `date`.
impl SerializeValue for PartitionValue<'_> {
    fn serialize<'b>(
        &self,
        kind: &ColumnType<'_>,
        writer: CellWriter<'b>,
    ) -> Result<WrittenCellProof<'b>, SerializationError> {
        match (*self, kind) {
            (Self::Int(number), ColumnType::Native(NativeType::Int)) => {
                let narrow = i32::try_from(number);
                let narrow = narrow.map_err(|_| error(BindError::TooLarge(number)))?;
                narrow.serialize(kind, writer)
            }
            (Self::Int(number), _) => number.serialize(kind, writer),
            (Self::Text(text), ColumnType::Native(NativeType::Timestamp)) => {
                // The end of an empty range is no hour, and before all that are.
                let millis = hour(text)?.map_or(i64::MIN, Hour::millis);
                CqlTimestamp(millis).serialize(kind, writer)
            }
            (Self::Text(text), ColumnType::Native(NativeType::Date)) => {
                CqlDate(hour(text)?.map_or(0, date)).serialize(kind, writer)
            }
            (Self::Text(text), _) => text.serialize(kind, writer),
        }
    }
}

fn hour(text: &str) -> Result<Option<Hour>, SerializationError> {
    let digits =
        Digits::from_text(text).ok_or_else(|| error(BindError::Period(text.to_owned())))?;
    Ok(Hour::parse(digits.as_str()))
}

fn error(error: BindError) -> SerializationError {
    SerializationError::new(error)
}

fn date(hour: Hour) -> u32 {
    u32::try_from(EPOCH_DAY + hour.days()).unwrap_or(0)
}

/// The first hour of a `date`; `None` outside the years 0000 to 9999.
pub(super) fn hour_of_date(days: u32) -> Option<Hour> {
    Hour::from_days(i64::from(days) - EPOCH_DAY)
}

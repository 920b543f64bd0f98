//! The values of partition keys, in the types of their columns.

use aqs_api::table::{Column, ColumnType};
use thiserror::Error;

/// A value that a store binds. Periods are texts: digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartitionValue<'a> {
    Text(&'a str),
    Int(i64),
}

/// A text of a partition key does not fit the type of its column.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the partition column {column:?} takes {expected}, not {text:?}")]
pub(crate) struct BadPartitionValue {
    column: &'static str,
    expected: &'static str,
    text: String,
}

impl<'a> PartitionValue<'a> {
    pub(crate) fn new(column: &Column, text: &'a str) -> Result<Self, BadPartitionValue> {
        let digits = || Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let (number, expected) = match column.kind {
            ColumnType::Int => {
                let number = digits().and_then(|text| text.parse::<i32>().ok());
                (number.map(i64::from), "an integer of 32 bits")
            }
            ColumnType::BigInt => {
                (digits().and_then(|text| text.parse().ok()), "an integer of 64 bits")
            }
            ColumnType::Text
            | ColumnType::Json
            | ColumnType::Double
            | ColumnType::Timestamp
            | ColumnType::Date => return Ok(Self::Text(text)),
        };
        number.map(Self::Int).ok_or_else(|| BadPartitionValue {
            column: column.name,
            expected,
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::table::{bigint, int, text};

    #[test]
    fn a_text_becomes_the_value_of_its_column() {
        let value = |column, text| PartitionValue::new(&column, text).ok();
        assert_eq!(value(text("month"), "01"), Some(PartitionValue::Text("01")));
        assert_eq!(value(int("month"), "01"), Some(PartitionValue::Int(1)));
        assert_eq!(value(int("month"), "2147483647"), Some(PartitionValue::Int(2_147_483_647)));
        let large = "9223372036854775807";
        assert_eq!(value(bigint("user"), large), Some(PartitionValue::Int(i64::MAX)));
        for bad in ["", "x", "-1", "+1", "1.0", " 1", "2147483648", "\u{661}"] {
            assert_eq!(value(int("month"), bad), None, "{bad:?}");
        }
        assert_eq!(value(bigint("user"), "9223372036854775808"), None);
    }
}

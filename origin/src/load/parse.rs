//! Parses a line into the cells of a row.

use super::csv::Header;
use super::report::Reason;
use crate::period::{self, NoPeriod, PeriodColumns};
use crate::row::Cell;
use crate::suggest;
use aqs_api::calendar::Digits;
use aqs_api::catalogue::KeyRule;
use aqs_api::table::{Column, ColumnType};
use aqs_api::{Catalogue, Table};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Number, Value};
use std::fmt;

#[derive(Debug)]
pub(super) struct Parser {
    columns: Vec<&'static Column>,
    keys: usize,
    /// Of the first columns.
    rules: Vec<KeyRule>,
    period: PeriodColumns,
    /// The last day that rows may be of, in 8 digits.
    not_after: Option<Digits>,
}

impl Parser {
    pub(super) fn of(
        table: &'static Table,
        catalogue: &Catalogue,
        not_after: Option<Digits>,
    ) -> Result<Self, NoPeriod> {
        let (columns, keys) = (table.columns().collect(), table.key_columns().count());
        let (rules, period) = (catalogue.key_rules(table), PeriodColumns::of(table)?);
        Ok(Self { columns, keys, rules, period, not_after })
    }

    /// Reads the header of CSV, whose names must be columns.
    pub(super) fn header(&self, line: &[u8]) -> Result<Header, Reason> {
        let header = Header::parse(text(line)?)?;
        let unknown = header.names().find(|name| self.column(name).is_none());
        match unknown {
            Some(name) => Err(self.unknown(name)),
            None => Ok(header),
        }
    }

    pub(super) fn csv_row(
        &self,
        header: &Header,
        line: &[u8],
    ) -> Result<Vec<Cell<'static>>, Reason> {
        let is_number = |name: &str| match self.column(name).map(|column| column.kind) {
            Some(ColumnType::Int | ColumnType::BigInt | ColumnType::Double) => true,
            Some(
                ColumnType::Text | ColumnType::Json | ColumnType::Timestamp | ColumnType::Date,
            )
            | None => false,
        };
        self.cells(header.fields(text(line)?, is_number)?)
    }

    pub(super) fn row(&self, line: &[u8]) -> Result<Vec<Cell<'static>>, Reason> {
        let fields: Fields =
            serde_json::from_str(text(line)?).map_err(|error| Reason::Json(describe(&error)))?;
        self.cells(fields.0)
    }

    fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name).copied()
    }

    fn unknown(&self, name: &str) -> Reason {
        Reason::UnknownField {
            nearest: suggest(name, self.columns.iter().map(|column| column.name)),
            field: name.chars().take(100).collect(),
        }
    }

    fn cells(&self, fields: Vec<(String, Value)>) -> Result<Vec<Cell<'static>>, Reason> {
        let mut cells = vec![Cell::Absent; self.columns.len()];
        for (name, value) in fields {
            let mut columns = self.columns.iter().zip(&mut cells);
            let Some((column, cell)) = columns.find(|(column, _)| column.name == name) else {
                return Err(self.unknown(&name));
            };
            if *cell != Cell::Absent {
                return Err(Reason::Repeated { field: column.name });
            }
            *cell = to_cell(column, value)?;
        }
        for (column, cell) in self.columns.iter().zip(&cells).take(self.keys) {
            let column = column.name;
            match cell {
                Cell::Absent => return Err(Reason::MissingKey { column }),
                Cell::Null => return Err(Reason::NullKey { column }),
                Cell::Int(_) | Cell::Double(_) | Cell::Text(_) => {}
            }
        }
        let period = self.period.read(&cells)?;
        self.period.check_granularity(&cells)?;
        let day = |digits: &Digits| digits.as_str().get(..8).unwrap_or_default().to_owned();
        if let Some(last) = &self.not_after
            && day(&period) > day(last)
        {
            return Err(Reason::Future { period: day(&period) });
        }
        for (column, cell) in self.columns.iter().zip(&cells) {
            let column = column.name;
            match cell {
                // All integers of these tables are counts or ranks.
                Cell::Int(number) if *number < 0 => return Err(Reason::Negative { column }),
                Cell::Text(text) if text.is_empty() => return Err(Reason::Empty { column }),
                Cell::Absent | Cell::Null | Cell::Int(_) | Cell::Double(_) | Cell::Text(_) => {}
            }
        }
        for ((rule, column), cell) in self.rules.iter().zip(&self.columns).zip(&mut cells) {
            let Cell::Text(text) = cell else { continue };
            let given = std::mem::take(text);
            *text = rule.normalise(given.clone()).map_err(|expected| Reason::Key {
                column: column.name,
                expected,
                found: given.into_owned(),
            })?;
        }
        Ok(cells)
    }
}

fn text(line: &[u8]) -> Result<&str, Reason> {
    std::str::from_utf8(line).map_err(|error| Reason::NotUtf8 { position: error.valid_up_to() + 1 })
}

/// The fields of an object, repeated ones too.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose fields are columns")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = object.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}

fn to_cell(column: &Column, value: Value) -> Result<Cell<'static>, Reason> {
    let expected = match (column.kind, value) {
        (_, Value::Null) => return Ok(Cell::Null),
        (ColumnType::Text, Value::String(text)) => return Ok(Cell::Text(text.into())),
        (ColumnType::Json, Value::String(text)) => {
            check_json(&text).map_err(|reason| Reason::NotJson { column: column.name, reason })?;
            return Ok(Cell::Text(text.into()));
        }
        (ColumnType::Int | ColumnType::BigInt, Value::Number(number)) => {
            return integer(column, &number);
        }
        (ColumnType::Double, Value::Number(number)) => {
            // JSON has neither infinity nor NaN.
            let finite = number.as_f64().filter(|number| number.is_finite());
            return finite.map(Cell::Double).ok_or(Reason::WrongType {
                column: column.name,
                expected: "a number of 64 bits",
                found: "a larger one",
            });
        }
        (ColumnType::Timestamp | ColumnType::Date, Value::String(text)) => {
            return Ok(Cell::Text(period::digits(column, text)?.into()));
        }
        (ColumnType::Text, other) => ("a text in quotes", other),
        (ColumnType::Timestamp | ColumnType::Date, other) => ("a time in quotes", other),
        (ColumnType::Json, other) => ("JSON written as a text", other),
        (ColumnType::Int | ColumnType::BigInt, other) => ("an integer", other),
        (ColumnType::Double, other) => ("a number", other),
    };
    let (expected, found) = expected;
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Err(Reason::WrongType { column: column.name, expected, found })
}

fn integer(column: &Column, number: &Number) -> Result<Cell<'static>, Reason> {
    let bits = if column.kind == ColumnType::Int { 32 } else { 64 };
    let fits = |integer: &i64| bits == 64 || i32::try_from(*integer).is_ok();
    if let Some(integer) = number.as_i64().filter(fits) {
        return Ok(Cell::Int(integer));
    }
    let (column, found) = (column.name, number.to_string());
    // An integer of more than 64 bits is parsed as a float.
    let is_large = !number.is_f64() || number.as_f64().is_some_and(|n| n.abs() >= 2f64.powi(63));
    Err(if is_large {
        Reason::OutOfRange { column, bits, found }
    } else {
        Reason::NotInteger { column, found }
    })
}

/// Checks that a text is JSON down to its strings: half of a surrogate pair, for example, could
/// not be read later.
fn check_json(text: &str) -> Result<(), String> {
    serde_json::from_str::<Value>(text).map(drop).map_err(|error| describe(&error))
}

/// Describes an error in JSON without its line number, which is always 1.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    format!("{what} at column {}", error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_checked_to_be_json() {
        for good in ["[]", "null", r#"[{"article":"A\/B \u00e9","views":1,"rank":-0.5e3}]"#, "1"] {
            assert_eq!(check_json(good), Ok(()), "{good}");
        }
        for bad in ["", "[", "[1,]", "{'a':1}", "[] []", r#"["\ud800"]"#, "NaN", "\u{feff}[]"] {
            assert!(check_json(bad).is_err(), "{bad}");
        }
        assert_eq!(check_json("[1,]"), Err("trailing comma at column 4".to_owned()));
        assert!(check_json(&"[".repeat(100_000)).is_err(), "no stack is long enough for this");
    }
}

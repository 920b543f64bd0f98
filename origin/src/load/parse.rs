//! From a line to a row's cells.

use super::bad_row::Reason;
use super::json_text;
use super::period::When;
use super::row::Cell;
use super::value::{AnyValue, Value};
use crate::suggest;
use aqs_api::Table;
use aqs_api::table::{Column, ColumnType};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use std::fmt;

/// Reads the lines of one table's file.
#[derive(Debug)]
pub(super) struct Parser {
    columns: Vec<&'static Column>,
    keys: usize,
    when: When,
}

impl Parser {
    /// A reader of a table's lines; the missing column if the table's calendar names one.
    pub(super) fn of(table: &'static Table) -> Result<Self, &'static str> {
        let columns = table.columns().collect();
        Ok(Self { columns, keys: table.key_columns().count(), when: When::of(table)? })
    }

    /// The cells of a row, one for each column.
    pub(super) fn row<'l>(&self, line: &'l [u8]) -> Result<Vec<Cell<'l>>, Reason> {
        let line = std::str::from_utf8(line)
            .map_err(|error| Reason::NotUtf8 { at: error.valid_up_to() + 1 })?;
        let mut reading = Reading {
            columns: &self.columns,
            cells: vec![Cell::Absent; self.columns.len()],
            refused: None,
        };
        let mut json = serde_json::Deserializer::from_str(line);
        let read = reading.deserialize(&mut json).and_then(|()| json.end());
        if let Some(reason) = reading.refused {
            return Err(reason);
        }
        read.map_err(|error| Reason::Json(json_text::describe(&error)))?;
        for (column, cell) in self.columns.iter().zip(&reading.cells).take(self.keys) {
            let column = column.name;
            match cell {
                Cell::Absent => return Err(Reason::MissingKey { column }),
                Cell::Null => return Err(Reason::NullKey { column }),
                Cell::Int(_) | Cell::Text(_) => {}
            }
        }
        self.when.read(&reading.cells)?;
        self.when.check_granularity(&reading.cells)?;
        for (column, cell) in self.columns.iter().zip(&reading.cells) {
            let column = column.name;
            match cell {
                // No figure of these tables is below nothing.
                Cell::Int(number) if *number < 0 => return Err(Reason::Negative { column }),
                Cell::Text(text) if text.is_empty() => return Err(Reason::Blank { column }),
                _ => {}
            }
        }
        Ok(reading.cells)
    }
}

/// A row while it is read. JSON's own errors go the way of serde; what is wrong with a column
/// ends the reading too, and is kept beside it.
struct Reading<'c, 'de> {
    columns: &'c [&'static Column],
    cells: Vec<Cell<'de>>,
    refused: Option<Reason>,
}

impl<'de> Reading<'_, 'de> {
    fn field(&mut self, name: &str, value: Value<'de>, next: &mut usize) -> Result<(), Reason> {
        // Fields mostly come in the order of the columns.
        let expected = self.columns.get(*next).filter(|column| column.name == name);
        let found = match expected {
            Some(_) => Some(*next),
            None => self.columns.iter().position(|column| column.name == name),
        };
        let unknown = || Reason::UnknownField {
            field: name.chars().take(100).collect(),
            nearest: suggest(name, self.columns.iter().map(|column| column.name)),
        };
        let at = found.ok_or_else(unknown)?;
        *next = at + 1;
        let (Some(column), Some(slot)) = (self.columns.get(at), self.cells.get_mut(at)) else {
            return Err(unknown());
        };
        if *slot != Cell::Absent {
            return Err(Reason::Repeated { field: column.name });
        }
        *slot = cell(column, value)?;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for &mut Reading<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Reading<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose fields are columns")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut next = 0;
        while let Some(Value::Text(name)) = object.next_key_seed(AnyValue)? {
            let value = object.next_value_seed(AnyValue)?;
            if let Err(reason) = self.field(&name, value, &mut next) {
                self.refused = Some(reason);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

fn cell<'a>(column: &Column, value: Value<'a>) -> Result<Cell<'a>, Reason> {
    let name = column.name;
    let wrong = |expected, found| Reason::WrongType { column: name, expected, found };
    match (column.kind, value) {
        (_, Value::Null) => Ok(Cell::Null),
        (ColumnType::Text, Value::Text(text)) => Ok(Cell::Text(text)),
        (ColumnType::Json, Value::Text(text)) => {
            json_text::check(&text).map_err(|reason| Reason::NotJson { column: name, reason })?;
            Ok(Cell::Text(text))
        }
        (ColumnType::Text, other) => Err(wrong("a text in quotes", word(&other))),
        (ColumnType::Json, other) => Err(wrong("JSON written as a text", word(&other))),
        (ColumnType::Int, Value::Int(number)) if i32::try_from(number).is_err() => {
            Err(Reason::OutOfRange { column: name, bits: 32, found: number.to_string() })
        }
        (ColumnType::Int | ColumnType::BigInt, Value::Int(number)) => Ok(Cell::Int(number)),
        (
            kind @ (ColumnType::Int | ColumnType::BigInt),
            Value::Number { text: found, large: true },
        ) => {
            let bits = if kind == ColumnType::Int { 32 } else { 64 };
            Err(Reason::OutOfRange { column: name, bits, found })
        }
        (ColumnType::Int | ColumnType::BigInt, Value::Number { text: found, .. }) => {
            Err(Reason::NotInteger { column: name, found })
        }
        (ColumnType::Int | ColumnType::BigInt, other) => Err(wrong("an integer", word(&other))),
    }
}

fn word(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool => "true or false",
        Value::Int(_) | Value::Number { .. } => "a number",
        Value::Text(_) => "a text",
        Value::List => "a list",
        Value::Object => "an object",
    }
}

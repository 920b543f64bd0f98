//! Lines of CSV with a header, after RFC 4180. A row is one line: no value has line breaks.

use super::report::Reason;
use csv::{ReaderBuilder, StringRecord};
use serde_json::Value;

/// The names of the columns, from the first line.
#[derive(Debug)]
pub(super) struct Header(Vec<String>);

impl Header {
    pub(super) fn parse(line: &str) -> Result<Self, Reason> {
        Ok(Self(record(line)?.iter().map(|name| name.trim().to_owned()).collect()))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The fields of a line. `is_number` says which columns have numbers.
    pub(super) fn fields(
        &self,
        line: &str,
        is_number: impl Fn(&str) -> bool,
    ) -> Result<Vec<(String, Value)>, Reason> {
        let record = record(line)?;
        if record.len() != self.0.len() {
            let (found, expected) = (record.len(), self.0.len());
            return Err(Reason::Csv(format!("it has {found} fields, and the header {expected}")));
        }
        let present = self.0.iter().zip(&record).filter(|(_, value)| !value.is_empty());
        let field = |(name, value): (&String, &str)| {
            let number = if is_number(name) { serde_json::from_str(value).ok() } else { None };
            // A text in place of a number is refused by its type.
            let value = number.map_or_else(|| Value::String(value.to_owned()), Value::Number);
            (name.clone(), value)
        };
        Ok(present.map(field).collect())
    }
}

fn record(line: &str) -> Result<StringRecord, Reason> {
    // The reader takes the end of the line for the end of a quoted field.
    if line.matches('"').count() % 2 == 1 {
        return Err(Reason::Csv("a quote is not closed".to_owned()));
    }
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .buffer_capacity(line.len().max(1))
        .from_reader(line.as_bytes());
    let mut record = StringRecord::new();
    reader.read_record(&mut record).map_err(|error| Reason::Csv(error.to_string()))?;
    Ok(record)
}

//! Renders answers as bytes.

use crate::answer::{Answer, Column, ShapeError};
use crate::body::{Body, Constant, Field, TimeForm, Value};
use crate::calendar::{Digits, Form, Hour};
use crate::endpoint::Query;
use crate::fault::NoData;
use crate::json;
use crate::param::Param;
use crate::representation::Representation;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::ops::Range;

/// Renders the answer to a query. Bodies are kept for long and counted by their length, so they
/// have no spare capacity.
pub fn render(query: &Query, answer: &Answer<'_>) -> Result<Representation, ShapeError> {
    let body = query.endpoint().body;
    let none: SmallVec<[Column<'_>; 4]>;
    let (len, columns) = match answer {
        Answer::Empty(reason) => match NoData::of(query.endpoint(), *reason) {
            Some(no_data) => return Ok(Representation::NoData(no_data)),
            None => {
                let fields = body.row().iter();
                let fields = fields.filter(|field| matches!(field.value, Value::Row(_)));
                none = fields.map(|_| Column::Ints(Cow::Borrowed(&[]))).collect();
                (0, none.as_slice())
            }
        },
        Answer::Rows { len, columns } => (*len, columns.as_slice()),
    };
    let rows = Rows { query, fields: body.row(), columns, len };
    rows.check()?;
    let mut out = Vec::new();
    match body {
        Body::Items { .. } => {
            rows.write(&mut out, br#"{"items":["#, b"]}")?;
        }
        Body::Context { context, .. } => {
            out.extend_from_slice(br#"{"context":{"#);
            constants(&mut out, query, context)?;
            rows.write(&mut out, br#"},"items":["#, b"]}")?;
        }
        Body::List { item, list, .. } => {
            out.extend_from_slice(br#"{"items":[{"#);
            constants(&mut out, query, item)?;
            out.push(b',');
            json::name(&mut out, list);
            rows.write(&mut out, b"[", b"]}]}")?;
        }
        Body::Top { item, .. } => {
            out.extend_from_slice(br#"{"items":[{"#);
            constants(&mut out, query, item)?;
            out.extend_from_slice(br#","results":[{"timestamp":"#);
            constant(&mut out, query, Constant::Start(TimeForm::Rfc3339))?;
            rows.write(&mut out, br#","top":["#, b"]}]}]}")?;
        }
    }
    out.shrink_to_fit();
    Ok(Representation::body(out))
}

/// Writes the members of an object that has no others before.
fn constants(out: &mut Vec<u8>, query: &Query, fields: &[Field]) -> Result<(), ShapeError> {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::name(out, field.key);
        match field.value {
            Value::Constant(value) => constant(out, query, value)?,
            Value::Row(_) => return Err(ShapeError::RowValue(field.key)),
        }
    }
    Ok(())
}

fn constant(out: &mut Vec<u8>, query: &Query, value: Constant) -> Result<(), ShapeError> {
    let of = |param: &'static Param| query.value(param).ok_or(ShapeError::NoParam(param));
    let bounds = || query.span().map(|span| span.bounds()).ok_or(ShapeError::NoSpan);
    let time = |hour: Hour, form| TimeText::new(&hour.digits(Form::Hour), form);
    match value {
        Constant::Param(param) => json::string(out, of(param)?),
        Constant::Number(param) => {
            let text = of(param)?;
            let number = text.parse().map_err(|_| {
                let value = text.to_owned();
                ShapeError::NoNumber { param, value }
            })?;
            json::integer(out, number);
        }
        Constant::Text(text) => json::string(out, text),
        Constant::Start(form) => json::plain_string(out, time(bounds()?.0, form).as_bytes()),
        Constant::End(form) => json::plain_string(out, time(bounds()?.1, form).as_bytes()),
        Constant::Granularity => {
            json::string(out, query.granularity().ok_or(ShapeError::NoSpan)?.as_str());
        }
    }
    Ok(())
}

/// The objects of an answer's rows.
struct Rows<'a> {
    query: &'a Query,
    fields: &'static [Field],
    /// One for each field that is not constant.
    columns: &'a [Column<'a>],
    len: usize,
}

impl Rows<'_> {
    /// Each field that rows determine has a column, and each row a cell in each column: what is
    /// missing must not be written as zero or as an empty text.
    fn check(&self) -> Result<(), ShapeError> {
        let fields = self.fields.iter().filter(|field| matches!(field.value, Value::Row(_)));
        let fields = fields.count();
        let complete = self.columns.iter().all(|column| column.len() == self.len);
        if complete && self.columns.len() == fields {
            return Ok(());
        }
        Err(ShapeError::Misfit { fields, columns: self.columns.len(), rows: self.len })
    }

    /// Writes them between two texts.
    fn write(&self, out: &mut Vec<u8>, before: &[u8], after: &[u8]) -> Result<(), ShapeError> {
        out.extend_from_slice(before);
        if self.columns.iter().all(Gap::fits) {
            self.write_series(out, after)?;
        } else {
            self.write_objects(out)?;
        }
        out.extend_from_slice(after);
        Ok(())
    }

    /// Writes integers and timestamps into about as many bytes as they take. Most of an object is
    /// the same as in the one before, so that is copied whole.
    fn write_series(&self, out: &mut Vec<u8>, after: &[u8]) -> Result<(), ShapeError> {
        let mut template = Template::new(self)?;
        let widest = |column: &Column<'_>| match column {
            Column::Timestamps(..) => TimeText::LONGEST,
            Column::Ints(ints) => json::longest_integer(ints),
            Column::Doubles(_)
            | Column::Texts(_)
            | Column::OptionalInts(_)
            | Column::OptionalTexts(_)
            | Column::NullableTexts(_) => 0,
        };
        // With a comma.
        let longest = template.text.len() + self.columns.iter().map(widest).sum::<usize>() + 1;
        out.reserve_exact(self.len * longest + after.len());
        for row in 0..self.len {
            if row > 0 {
                out.push(b',');
            }
            template.fill(row);
            out.extend_from_slice(&template.text);
        }
        Ok(())
    }

    fn write_objects(&self, out: &mut Vec<u8>) -> Result<(), ShapeError> {
        // Key and constant value of each field.
        let mut members: SmallVec<[(Vec<u8>, Option<&Column<'_>>); 8]> = SmallVec::new();
        let mut columns = self.columns.iter();
        for field in self.fields {
            let mut text = Vec::new();
            json::name(&mut text, field.key);
            let column = match field.value {
                Value::Constant(value) => {
                    constant(&mut text, self.query, value)?;
                    None
                }
                Value::Row(_) => Some(columns.next().ok_or(ShapeError::RowValue(field.key))?),
            };
            members.push((text, column));
        }
        for row in 0..self.len {
            out.extend_from_slice(if row > 0 { b",{" } else { b"{" });
            let mut first = true;
            for (text, column) in &members {
                if column.is_some_and(|column| column.is_absent(row)) {
                    continue;
                }
                if !std::mem::take(&mut first) {
                    out.push(b',');
                }
                out.extend_from_slice(text);
                if let Some(column) = column {
                    column.write(out, row);
                }
            }
            out.push(b'}');
        }
        Ok(())
    }
}

impl Column<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Timestamps(digits, _) => digits.len(),
            Self::Ints(ints) => ints.len(),
            Self::Doubles(doubles) => doubles.len(),
            Self::Texts(texts) => texts.len(),
            Self::OptionalInts(ints) => ints.len(),
            Self::OptionalTexts(texts) | Self::NullableTexts(texts) => texts.len(),
        }
    }

    /// Whether a row lacks the field.
    fn is_absent(&self, row: usize) -> bool {
        match self {
            Self::OptionalInts(ints) => !ints.get(row).is_some_and(Option::is_some),
            Self::OptionalTexts(texts) => !texts.get(row).is_some_and(Option::is_some),
            Self::Timestamps(..)
            | Self::Ints(_)
            | Self::Doubles(_)
            | Self::Texts(_)
            | Self::NullableTexts(_) => false,
        }
    }

    fn write(&self, out: &mut Vec<u8>, row: usize) {
        match self {
            Self::Timestamps(digits, form) => {
                let time = digits.get(row).map(|digits| TimeText::new(digits, *form));
                json::plain_string(out, time.unwrap_or_default().as_bytes());
            }
            Self::Ints(ints) => json::integer(out, ints.get(row).copied().unwrap_or_default()),
            Self::Doubles(doubles) => json::double(out, doubles.get(row).copied().unwrap_or(0.0)),
            Self::Texts(texts) => json::string(out, texts.get(row).map_or("", AsRef::as_ref)),
            Self::OptionalInts(ints) => {
                json::integer(out, ints.get(row).copied().flatten().unwrap_or_default());
            }
            Self::OptionalTexts(texts) | Self::NullableTexts(texts) => {
                match texts.get(row).and_then(Option::as_deref) {
                    Some(text) => json::string(out, text),
                    None => out.extend_from_slice(b"null"),
                }
            }
        }
    }
}

/// A period as text, without quotes.
#[derive(Default)]
struct TimeText {
    bytes: [u8; Self::LONGEST],
    len: usize,
}

impl TimeText {
    const LONGEST: usize = 24;

    fn new(digits: &Digits, form: TimeForm) -> Self {
        let mut text = Self::default();
        let mut push = |part: &[u8]| {
            if let Some(room) = text.bytes.get_mut(text.len..text.len + part.len()) {
                room.copy_from_slice(part);
                text.len += part.len();
            }
        };
        let between: &[u8] = match form {
            TimeForm::Digits => {
                push(digits.as_bytes());
                return text;
            }
            TimeForm::Rfc3339 => b"T",
            TimeForm::Blank => b" ",
        };
        let [year @ .., m1, m2, d1, d2, h1, h2] = digits.hour_digits().bytes();
        push(&year);
        push(&[b'-', m1, m2, b'-', d1, d2]);
        push(between);
        push(&[h1, h2]);
        push(b":00:00.000Z");
        text
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// The text of an object of a series, rewritten from row to row where they differ.
struct Template<'a> {
    text: Vec<u8>,
    /// In order.
    gaps: SmallVec<[Gap<'a>; 6]>,
}

/// A place where objects differ.
struct Gap<'a> {
    at: Range<usize>,
    column: &'a Column<'a>,
}

impl Gap<'_> {
    /// Whether the values of a column are short and nearly all of one length.
    fn fits(column: &Column<'_>) -> bool {
        match column {
            Column::Timestamps(..) | Column::Ints(_) => true,
            Column::Doubles(_)
            | Column::Texts(_)
            | Column::OptionalInts(_)
            | Column::OptionalTexts(_)
            | Column::NullableTexts(_) => false,
        }
    }
}

impl<'a> Template<'a> {
    /// Most texts fit.
    const TYPICAL_LENGTH: usize = 256;

    /// An object whose gaps are still empty.
    fn new(rows: &Rows<'a>) -> Result<Self, ShapeError> {
        let mut text = Vec::with_capacity(Self::TYPICAL_LENGTH);
        let mut gaps = SmallVec::new();
        let mut columns = rows.columns.iter();
        text.push(b'{');
        for (index, field) in rows.fields.iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            json::name(&mut text, field.key);
            match field.value {
                Value::Constant(value) => constant(&mut text, rows.query, value)?,
                Value::Row(_) => {
                    let column = columns.next().ok_or(ShapeError::RowValue(field.key))?;
                    let quoted = matches!(column, Column::Timestamps(..));
                    text.extend_from_slice(if quoted { b"\"" } else { b"" });
                    gaps.push(Gap { at: text.len()..text.len(), column });
                    text.extend_from_slice(if quoted { b"\"" } else { b"" });
                }
            }
        }
        text.push(b'}');
        Ok(Self { text, gaps })
    }

    /// Rewrites it to the object of a row.
    fn fill(&mut self, row: usize) {
        let mut integer = itoa::Buffer::new();
        let mut time;
        // How much longer the text has become before the gap that is filled.
        let mut shift = 0_isize;
        for gap in &mut self.gaps {
            let with = match gap.column {
                Column::Timestamps(digits, TimeForm::Digits) => {
                    digits.get(row).map_or(&b""[..], Digits::as_bytes)
                }
                Column::Timestamps(digits, form) => {
                    time = digits.get(row).map(|digits| TimeText::new(digits, *form));
                    time.as_ref().map_or(&b""[..], TimeText::as_bytes)
                }
                Column::Ints(ints) => {
                    integer.format(ints.get(row).copied().unwrap_or(0)).as_bytes()
                }
                // They do not fit.
                Column::Doubles(_)
                | Column::Texts(_)
                | Column::OptionalInts(_)
                | Column::OptionalTexts(_)
                | Column::NullableTexts(_) => b"",
            };
            if shift != 0 {
                gap.at = gap.at.start.saturating_add_signed(shift)
                    ..gap.at.end.saturating_add_signed(shift);
            }
            match self.text.get_mut(gap.at.clone()) {
                // Nearly always it is as long as in the object before.
                Some(held) if held.len() == with.len() => held.copy_from_slice(with),
                _ => {
                    shift += with.len() as isize - gap.at.len() as isize;
                    self.text.splice(gap.at.clone(), with.iter().copied());
                    gap.at.end = gap.at.start + with.len();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::target::Target;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Integers of every length.
    fn integer() -> impl Strategy<Value = i64> {
        (any::<i64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift)
    }

    #[test]
    fn columns_that_do_not_fit_the_body_are_errors() {
        let catalogue = Catalogue::standard().unwrap();
        let target = "/metrics/unique-devices/a.b/all-sites/daily/20240101/20240102";
        let query = catalogue.resolve(Target::parse(target).unwrap()).unwrap();
        let rendered = |len, ints: &[&[i64]]| {
            let day = Digits::from_text("20240101").unwrap();
            let days = Column::Timestamps(vec![day; len].into(), TimeForm::Digits);
            let ints = ints.iter().map(|ints| Column::Ints((*ints).into()));
            let columns = std::iter::once(days).chain(ints).collect();
            render(&query, &Answer::Rows { len, columns })
        };
        assert!(rendered(2, &[&[1, 2], &[3, 4], &[5, 6]]).is_ok());
        for (len, ints) in [
            (2, &[&[1, 2], &[3, 4][..]][..]),
            (2, &[&[1, 2], &[3, 4], &[5, 6], &[7, 8]]),
            (2, &[&[1, 2], &[3], &[5, 6]]),
            (1, &[&[1, 2], &[3], &[5]]),
        ] {
            let error = rendered(len, ints).unwrap_err();
            assert!(matches!(error, ShapeError::Misfit { fields: 4, .. }), "{error}");
        }
    }

    proptest! {
        #[test]
        fn series_of_any_lengths_are_written_as_they_are(
            rows in proptest::collection::vec((any::<bool>(), integer(), integer(), integer()), 1..9)
        ) {
            let target = "/metrics/unique-devices/a-b.x/all-sites/daily/20240101/20240102";
            let catalogue = Catalogue::standard().unwrap();
            let query = catalogue.resolve(Target::parse(target).unwrap()).unwrap();
            let timestamp = |long: bool| if long { "2024010100" } else { "20240101" };
            let column = |of: fn(&(bool, i64, i64, i64)) -> i64| -> Column<'_> {
                Column::Ints(rows.iter().map(of).collect())
            };
            let timestamps = rows.iter().map(|row| Digits::from_text(timestamp(row.0)).unwrap());
            let timestamps = Column::Timestamps(timestamps.collect(), TimeForm::Digits);
            let columns =
                [timestamps, column(|row| row.1), column(|row| row.2), column(|row| row.3)].into();
            let answer = Answer::Rows { len: rows.len(), columns };
            let Ok(Representation::Body(body)) = render(&query, &answer) else { panic!("no body") };
            let written = body.identity;
            let items = rows.iter().map(|(long, devices, offset, underestimate)| json!({
                "project": "a-b.x", "access-site": "all-sites", "granularity": "daily",
                "timestamp": timestamp(*long), "devices": devices, "offset": offset,
                "underestimate": underestimate,
            }));
            let expected = json!({ "items": items.collect::<Vec<_>>() });
            prop_assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), expected);
        }
    }
}

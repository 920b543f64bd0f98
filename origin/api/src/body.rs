//! The structure of a body, field by field (contract §1.3).

use crate::param::Param;

/// What a body consists of.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// `{"items":[{…}]}`: an item for each row.
    Items { item: &'static [Field] },
    /// `{"items":[{…,"LIST":[{…}]}]}`: one item, with an entry of its list for each row.
    List {
        item: &'static [Field],
        /// The key of the list, the item's last.
        list: &'static str,
        entry: &'static [Field],
    },
    /// `{"items":[{…,"results":[{"timestamp":…,"top":[{…}]}]}]}`: one item with one result, which
    /// has an entry for each row.
    Top { item: &'static [Field], entry: &'static [Field] },
    /// `{"context":{…},"items":[{…}]}`: an item for each row.
    Context { context: &'static [Field], item: &'static [Field] },
}

/// One key of an object, and where its value comes from.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub key: &'static str,
    pub value: Value,
    /// For the documentation.
    pub description: &'static str,
}

/// The origin and type of a field's value.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// The same for all rows.
    Constant(Constant),
    /// A value for each row.
    Row(RowValue),
}

/// A value that the request determines.
#[derive(Clone, Copy, Debug)]
pub enum Constant {
    /// Text: a parameter, normalised.
    Param(&'static Param),
    /// Integer: a parameter that is digits.
    Number(&'static Param),
    /// Text: always the same.
    Text(&'static str),
    /// Text: the start of the span.
    Start(TimeForm),
    /// Text: the end of the span.
    End(TimeForm),
    /// Text: the granularity, of tops by their day.
    Granularity,
}

/// A value that a row determines.
#[derive(Clone, Copy, Debug)]
pub enum RowValue {
    /// Text: the period.
    Timestamp(TimeForm),
    /// Integer.
    Count(Count),
    /// Integer: a count of columns that older rows lack. Where all fields of this kind are null in
    /// all rows, there is no data (contract §1.6).
    CountIfLoaded(Count),
    /// Integer: a column. The field is left out where it is null.
    OptionalInt(&'static str),
    /// Number: a column; null is 0.
    Double(&'static str),
    /// Text: a column. The field is left out where it is null.
    Text(&'static str),
    /// Text or null: a column. IP addresses are null, too (contract §1.9).
    Redacted(&'static str),
    /// Integer: the position of the row, from 1.
    Position,
    /// Text: the interval that a count rounded up to thousands lies in, or what old rows have
    /// instead of the count (contract §1.7).
    Interval(&'static str),
    /// Integer: that count. The field is left out of old rows.
    RoundedUp(&'static str),
}

/// An integer of a row.
#[derive(Clone, Copy, Debug)]
pub enum Count {
    /// The first of these columns that is not null, else 0.
    FirstOf(&'static [&'static str]),
    /// The sum of the columns that belong to the value of a parameter; null is 0.
    SumBy(&'static Param, &'static [(&'static str, &'static [&'static str])]),
    /// The column whose name is composed of the codes of these parameters' values; null is 0.
    Codes(&'static [(&'static Param, &'static [(&'static str, &'static str)])]),
}

/// How a period is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// `20260131` or `2026013100`, as the table has it.
    Digits,
    /// `2026-01-31T00:00:00.000Z`
    Rfc3339,
    /// `2026-01-31 00:00:00.000Z`, as the Commons metrics have it.
    Blank,
}

impl Body {
    /// The fields of a row's object.
    pub const fn row(&self) -> &'static [Field] {
        match self {
            Self::Items { item } | Self::Context { item, .. } => item,
            Self::List { entry, .. } | Self::Top { entry, .. } => entry,
        }
    }

    /// The fields of the object around the rows; none where rows are items.
    pub const fn around(&self) -> &'static [Field] {
        match self {
            Self::Items { .. } => &[],
            Self::List { item, .. } | Self::Top { item, .. } => item,
            Self::Context { context, .. } => context,
        }
    }
}

/// A field of a parameter, by the parameter's key in bodies.
pub const fn param(param: &'static Param) -> Field {
    let value = Value::Constant(Constant::Param(param));
    Field { key: param.key, value, description: param.summary }
}

/// A field of each row.
pub const fn row(key: &'static str, value: RowValue, description: &'static str) -> Field {
    Field { key, value: Value::Row(value), description }
}

/// The field `timestamp`, in the digits of the table.
pub const TIMESTAMP: Field = timestamp(TimeForm::Digits);

/// The field `timestamp`.
pub const fn timestamp(form: TimeForm) -> Field {
    Field {
        key: "timestamp",
        value: Value::Row(RowValue::Timestamp(form)),
        description: "The first moment of the period, in UTC",
    }
}

/// An integer column of the same name; null is 0.
pub const fn count(columns: &'static [&'static str], description: &'static str) -> Field {
    let key = match columns {
        [first, ..] => first,
        [] => "",
    };
    row(key, RowValue::Count(Count::FirstOf(columns)), description)
}

/// A text column of the same name.
pub const fn text(column: &'static str, description: &'static str) -> Field {
    row(column, RowValue::Text(column), description)
}

impl Field {
    /// The same value under another key.
    pub const fn named(self, key: &'static str) -> Self {
        Self { key, ..self }
    }
}

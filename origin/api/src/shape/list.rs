//! Rows that are a list of objects in JSON, in one cell (contract §4.4).

use super::{Rules, no_such};
use crate::answer::ShapeError;
use crate::endpoint::{Protection, Query};
use crate::rows::Rows;
use crate::source::{JsonList, Member, MemberType, Order};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

/// The objects of a list, in order: a column for each member.
pub(super) struct ParsedList<'a> {
    members: &'static [Member],
    columns: Vec<Column<'a>>,
    len: usize,
}

enum Column<'a> {
    Ints(Vec<i64>),
    Texts(Vec<Cow<'a, str>>),
    IntsOrTexts(Vec<IntOrText<'a>>),
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum IntOrText<'a> {
    Int(i64),
    #[serde(borrow)]
    Text(Cow<'a, str>),
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> ParsedList<'a> {
    /// Parses the list of the first row; `None` if it has none.
    pub(super) fn parse(
        list: &'static JsonList,
        query: &Query,
        rows: &'a Rows,
        rules: &Rules,
    ) -> Result<Option<Self>, ShapeError> {
        let mut columns = list.columns.iter().filter(|column| !rows.is_absent(column)).peekable();
        if let (None, Some(column)) = (columns.peek(), list.columns.first()) {
            return Err(no_such(column));
        }
        for column in columns {
            let Some(cell) = rows.texts(column)?.get(0) else { continue };
            let mut parsed = Self::new(list.members);
            let mut deserializer = serde_json::Deserializer::from_str(cell);
            let result = Objects(&mut parsed).deserialize(&mut deserializer);
            let result = result.and_then(|()| deserializer.end());
            result.map_err(|source| {
                let table = query.endpoint().source.name();
                ShapeError::BrokenJson { table, column, source }
            })?;
            parsed.arrange(list.order, query, rules)?;
            return Ok(Some(parsed));
        }
        Ok(None)
    }

    fn new(members: &'static [Member]) -> Self {
        let columns = members.iter().map(|member| match member.kind {
            MemberType::Int | MemberType::OptionalInt => Column::Ints(Vec::new()),
            MemberType::Text => Column::Texts(Vec::new()),
            MemberType::IntOrText => Column::IntsOrTexts(Vec::new()),
        });
        Self { members, columns: columns.collect(), len: 0 }
    }

    /// Orders the objects, and drops those that are withheld.
    fn arrange(
        &mut self,
        order: &[(&'static str, Order)],
        query: &Query,
        rules: &Rules,
    ) -> Result<(), ShapeError> {
        let mut kept: Vec<usize> = (0..self.len).collect();
        for protection in query.endpoint().protect {
            match protection {
                Protection::Country(_) => {}
                Protection::Countries(name) => {
                    let countries = self.texts(name)?;
                    let is_public = |row: &usize| {
                        countries.get(*row).is_some_and(|code| !rules.protected.contains(code))
                    };
                    kept.retain(is_public);
                }
            }
        }
        let keys = order.iter().map(|(name, order)| Ok((self.column(name)?, *order)));
        let keys: Vec<_> = keys.collect::<Result<_, ShapeError>>()?;
        kept.sort_by(|a, b| {
            let compared = keys.iter().map(|(column, order)| match order {
                Order::Ascending => column.compare(*a, *b),
                Order::Descending => column.compare(*b, *a),
            });
            compared.fold(Ordering::Equal, Ordering::then)
        });
        if !kept.iter().copied().eq(0..self.len) {
            self.columns.iter_mut().for_each(|column| column.gather(&kept));
            self.len = kept.len();
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn ints(&self, name: &str) -> Result<&[i64], ShapeError> {
        match self.column(name)? {
            Column::Ints(ints) => Ok(ints),
            Column::Texts(_) | Column::IntsOrTexts(_) => Err(no_such(name)),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Result<&[Cow<'a, str>], ShapeError> {
        match self.column(name)? {
            Column::Texts(texts) => Ok(texts),
            Column::Ints(_) | Column::IntsOrTexts(_) => Err(no_such(name)),
        }
    }

    /// The intervals of counts, or what old rows have instead of the counts.
    pub(super) fn intervals(&self, name: &str) -> Result<Vec<Cow<'a, str>>, ShapeError> {
        let interval = |value: &IntOrText<'a>| match value {
            IntOrText::Int(count) => interval(*count).into(),
            IntOrText::Text(text) => text.clone(),
        };
        Ok(self.ints_or_texts(name)?.iter().map(interval).collect())
    }

    /// The counts of all but old rows.
    pub(super) fn rounded_up(&self, name: &str) -> Result<Vec<Option<i64>>, ShapeError> {
        let count = |value: &IntOrText<'_>| match value {
            IntOrText::Int(count) => Some(*count),
            IntOrText::Text(_) => None,
        };
        Ok(self.ints_or_texts(name)?.iter().map(count).collect())
    }

    fn ints_or_texts(&self, name: &str) -> Result<&[IntOrText<'a>], ShapeError> {
        match self.column(name)? {
            Column::IntsOrTexts(values) => Ok(values),
            Column::Ints(_) | Column::Texts(_) => Err(no_such(name)),
        }
    }

    fn column(&self, name: &str) -> Result<&Column<'a>, ShapeError> {
        let index = self.members.iter().position(|member| member.name == name);
        index.and_then(|index| self.columns.get(index)).ok_or_else(|| no_such(name))
    }
}

impl Column<'_> {
    fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Self::Ints(ints) => ints.get(a).cmp(&ints.get(b)),
            Self::Texts(texts) => texts.get(a).cmp(&texts.get(b)),
            // No list is ordered by such a member.
            Self::IntsOrTexts(_) => Ordering::Equal,
        }
    }

    fn gather(&mut self, rows: &[usize]) {
        fn gathered<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().filter_map(|row| values.get(*row).cloned()).collect()
        }
        match self {
            Self::Ints(ints) => *ints = gathered(ints, rows),
            Self::Texts(texts) => *texts = gathered(texts, rows),
            Self::IntsOrTexts(values) => *values = gathered(values, rows),
        }
    }
}

/// Reads a list of objects into columns.
struct Objects<'p, 'a>(&'p mut ParsedList<'a>);
/// Reads one object.
struct Object<'p, 'a>(&'p mut ParsedList<'a>);

impl<'de> DeserializeSeed<'de> for Objects<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Objects<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> Result<(), A::Error> {
        while objects.next_element_seed(Object(self.0))?.is_some() {
            self.0.len += 1;
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Object<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let ParsedList { members, columns, len } = self.0;
        while let Some(Text(name)) = object.next_key()? {
            let index = members.iter().position(|member| member.name == name);
            match index.and_then(|index| Some((members.get(index)?, columns.get_mut(index)?))) {
                None => {
                    object.next_value::<IgnoredAny>()?;
                }
                Some((member, column)) if column.len() > *len => {
                    return Err(A::Error::duplicate_field(member.name));
                }
                Some((member, Column::Ints(ints))) => ints.push(match member.kind {
                    MemberType::OptionalInt => object.next_value::<Option<_>>()?.unwrap_or(0),
                    MemberType::Int | MemberType::Text | MemberType::IntOrText => {
                        object.next_value()?
                    }
                }),
                Some((_, Column::Texts(texts))) => texts.push(object.next_value::<Text<'de>>()?.0),
                Some((_, Column::IntsOrTexts(values))) => values.push(object.next_value()?),
            }
        }
        for (member, column) in members.iter().zip(columns.iter_mut()) {
            match column {
                Column::Ints(ints)
                    if ints.len() == *len && member.kind == MemberType::OptionalInt =>
                {
                    ints.push(0);
                }
                column if column.len() == *len => {
                    return Err(A::Error::missing_field(member.name));
                }
                Column::Ints(_) | Column::Texts(_) | Column::IntsOrTexts(_) => {}
            }
        }
        Ok(())
    }
}

impl Column<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Ints(ints) => ints.len(),
            Self::Texts(texts) => texts.len(),
            Self::IntsOrTexts(values) => values.len(),
        }
    }
}

/// The power-of-ten interval that a count rounded up is published as: a power of ten itself belongs
/// to the interval below, and the lowest interval is `100-999`.
fn interval(count: i64) -> String {
    let below = count.saturating_sub(1);
    if below < 100 {
        return "100-999".to_owned();
    }
    // 1000 is 999 below, so that counting the digits of `count - 1` is upstream's rule for powers
    // of ten and changes no other count's digits.
    let digits = below.ilog10();
    let low = 10_u128.pow(digits);
    format!("{low}-{}", low * 10 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_the_contracts() {
        for (views, expected) in [
            (-1, "100-999"),
            (0, "100-999"),
            (99, "100-999"),
            (100, "100-999"),
            (101, "100-999"),
            (999, "100-999"),
            (1000, "100-999"),
            (1001, "1000-9999"),
            (2000, "1000-9999"),
            (10_000, "1000-9999"),
            (30_000, "10000-99999"),
            (32_015_000, "10000000-99999999"),
            (i64::MAX, "1000000000000000000-9999999999999999999"),
        ] {
            assert_eq!(interval(views), expected, "{views}");
        }
    }
}

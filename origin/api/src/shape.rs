//! From the rows of a store to the fields of a body.

mod list;

use crate::answer::{Answer, Column, ShapeError};
use crate::body::{Body, Count, RowValue, Value};
use crate::calendar::{Digits, Granularity};
use crate::countries::ProtectedCountries;
use crate::endpoint::{Protection, Query};
use crate::fault::NoDataReason;
use crate::param::Param;
use crate::rows::{Rows, RowsError};
use list::ParsedList;
use std::borrow::Cow;
use std::net::IpAddr;

/// What bodies depend on besides rows and query.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Countries whose numbers are withheld.
    pub protected: ProtectedCountries,
}

/// Shapes rows into the fields of the query's body.
///
/// # Errors
/// If a column lacks or has another type, a cell has broken JSON, or a sum does not fit.
pub fn shape<'a>(
    query: &'a Query,
    rows: &'a Rows,
    rules: &Rules,
) -> Result<Answer<'a>, ShapeError> {
    if rows.is_empty() || is_protected(query, rules)? {
        return Ok(Answer::Empty(NoDataReason::NoData));
    }
    let list = query.endpoint().source.list();
    let source = match list {
        None => Columns::Rows(rows),
        Some(list) => match ParsedList::parse(list, query, rows, rules)? {
            Some(parsed) => Columns::List(parsed),
            None => return Ok(Answer::Empty(NoDataReason::NoData)),
        },
    };
    let stored = query.dataset().granularity;
    let sums_days = stored == Granularity::Daily
        && query.granularity() == Some(Granularity::Monthly)
        && list.is_none();
    let months = if sums_days { Some(Months::of(rows.timestamps()?)) } else { None };
    let shaper = Shaper { query, source, months };
    let body = &query.endpoint().body;
    // An empty list is data where the item around it has more than the list.
    if shaper.len() == 0 && matches!(body, Body::Items { .. } | Body::Context { .. }) {
        return Ok(Answer::Empty(NoDataReason::NoData));
    }
    let values = body.row().iter().filter_map(|field| match field.value {
        Value::Row(value) => Some(value),
        Value::Constant(_) => None,
    });
    let columns = values.clone().map(|value| shaper.column(value)).collect::<Result<_, _>>()?;
    let mut are_unloaded = false;
    for value in values {
        if let RowValue::CountIfLoaded(count) = value {
            are_unloaded = shaper.is_null(count)?;
            if !are_unloaded {
                break;
            }
        }
    }
    if are_unloaded {
        return Ok(Answer::Empty(NoDataReason::NoData));
    }
    Ok(Answer::Rows { len: shaper.len(), columns })
}

/// Whether all of it is withheld.
fn is_protected(query: &Query, rules: &Rules) -> Result<bool, ShapeError> {
    for protection in query.endpoint().protect {
        match protection {
            Protection::Countries(_) => {}
            Protection::Country(param) => {
                if rules.protected.contains(value(query, param)?) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

fn value<'q>(query: &'q Query, param: &'static Param) -> Result<&'q str, ShapeError> {
    query.value(param).ok_or(ShapeError::NoParam(param))
}

/// The rows as a store or a list in JSON has them.
enum Columns<'a> {
    Rows(&'a Rows),
    List(ParsedList<'a>),
}

struct Shaper<'a> {
    query: &'a Query,
    source: Columns<'a>,
    /// The months that days are summed to.
    months: Option<Months>,
}

/// Consecutive rows of one month.
struct Months {
    starts: Vec<Digits>,
    /// Where each begins among the rows, and the number of rows.
    bounds: Vec<usize>,
}

impl Months {
    fn of(days: &[Digits]) -> Self {
        let (mut starts, mut bounds) = (Vec::new(), Vec::new());
        for (row, day) in days.iter().enumerate() {
            let month = day.month_start();
            if starts.last() != Some(&month) {
                starts.push(month);
                bounds.push(row);
            }
        }
        bounds.push(days.len());
        Self { starts, bounds }
    }

    fn sums(&self, days: &[i64], name: &'static str) -> Result<Vec<i64>, ShapeError> {
        let days_of = |bounds: &[usize]| match bounds {
            [from, to] => days.get(*from..*to).unwrap_or_default(),
            _ => &[],
        };
        let sum = |days: &[i64]| days.iter().try_fold(0_i64, |sum, day| sum.checked_add(*day));
        let sums = self.bounds.windows(2).map(|bounds| sum(days_of(bounds)));
        sums.map(|sum| sum.ok_or(ShapeError::Overflow(name))).collect()
    }
}

impl<'a> Shaper<'a> {
    fn len(&self) -> usize {
        match (&self.months, &self.source) {
            (Some(months), _) => months.starts.len(),
            (None, Columns::Rows(rows)) => rows.len(),
            (None, Columns::List(list)) => list.len(),
        }
    }

    fn column(&self, value: RowValue) -> Result<Column<'a>, ShapeError> {
        Ok(match value {
            RowValue::Timestamp(form) => Column::Timestamps(self.timestamps()?, form),
            RowValue::Count(count) | RowValue::CountIfLoaded(count) => {
                Column::Ints(self.counts(count)?)
            }
            RowValue::OptionalInt(name) => {
                Column::OptionalInts(self.rows(name)?.ints(name)?.iter().collect())
            }
            RowValue::Double(name) => {
                let doubles = self.rows(name)?.doubles(name)?.iter();
                Column::Doubles(doubles.map(Option::unwrap_or_default).collect())
            }
            RowValue::Text(name) => match &self.source {
                Columns::List(list) => Column::Texts(list.texts(name)?.to_vec()),
                Columns::Rows(rows) => {
                    let texts = rows.texts(name)?.iter();
                    Column::OptionalTexts(texts.map(|text| text.map(Cow::Borrowed)).collect())
                }
            },
            RowValue::Redacted(name) => {
                let texts = self.rows(name)?.texts(name)?.iter();
                let shown = |text: &&str| text.parse::<IpAddr>().is_err();
                let texts = texts.map(|text| text.filter(shown).map(Cow::Borrowed));
                Column::NullableTexts(texts.collect())
            }
            RowValue::Position => Column::Ints((1..).take(self.len()).collect()),
            RowValue::Interval(name) => Column::Texts(self.list(name)?.intervals(name)?),
            RowValue::RoundedUp(name) => Column::OptionalInts(self.list(name)?.rounded_up(name)?),
        })
    }

    fn timestamps(&self) -> Result<Cow<'a, [Digits]>, ShapeError> {
        Ok(match &self.months {
            Some(months) => Cow::Owned(months.starts.clone()),
            None => match self.source {
                Columns::Rows(rows) => Cow::Borrowed(rows.timestamps()?),
                Columns::List(_) => return Err(RowsError::NoPeriods.into()),
            },
        })
    }

    fn counts(&self, count: Count) -> Result<Cow<'a, [i64]>, ShapeError> {
        let (name, counts) = match count {
            Count::FirstOf(names) => {
                (names.first().copied().unwrap_or_default(), self.first_of(names)?)
            }
            Count::SumBy(param, columns) => {
                (param.name, self.sum(self.summed(param, columns)?, param.name)?)
            }
            Count::Codes(codes) => {
                let name = self.coded(codes)?;
                ("count", Cow::Borrowed(self.rows("count")?.ints(&name)?.or_zero()))
            }
        };
        match &self.months {
            None => Ok(counts),
            Some(months) => Ok(Cow::Owned(months.sums(&counts, name)?)),
        }
    }

    /// The columns that are summed for the value of a parameter.
    fn summed(
        &self,
        param: &'static Param,
        columns: &[(&'static str, &'static [&'static str])],
    ) -> Result<&'static [&'static str], ShapeError> {
        let value = value(self.query, param)?;
        let names = columns.iter().find(|(known, _)| *known == value);
        Ok(names.ok_or_else(|| no_column(param, value))?.1)
    }

    /// The column that the codes of parameters name.
    fn coded(
        &self,
        codes: &[(&'static Param, &'static [(&'static str, &'static str)])],
    ) -> Result<String, ShapeError> {
        let mut name = String::with_capacity(4);
        for (param, codes) in codes {
            let value = value(self.query, param)?;
            let code = codes.iter().find(|(known, _)| *known == value);
            name.push_str(code.ok_or_else(|| no_column(param, value))?.1);
        }
        Ok(name)
    }

    /// Whether a count is null in all rows.
    fn is_null(&self, count: Count) -> Result<bool, ShapeError> {
        let coded;
        let names = match count {
            Count::FirstOf(names) => names,
            Count::SumBy(param, columns) => self.summed(param, columns)?,
            Count::Codes(codes) => {
                coded = self.coded(codes)?;
                &[coded.as_str()]
            }
        };
        for name in names {
            let rows = self.rows(name)?;
            if !rows.is_absent(name) && rows.ints(name)?.iter().any(|value| value.is_some()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The first of these columns that is not null, else 0.
    fn first_of(&self, names: &[&'static str]) -> Result<Cow<'a, [i64]>, ShapeError> {
        match (&self.source, names) {
            (Columns::List(list), [name, ..]) => Ok(Cow::Owned(list.ints(name)?.to_vec())),
            (Columns::Rows(rows), [name]) => Ok(Cow::Borrowed(rows.ints(name)?.or_zero())),
            (Columns::Rows(rows), [.., last]) => {
                // A store may lack some of them, but not all.
                let mut rest = names.iter().filter(|name| !rows.is_absent(name));
                let first = rest.next().unwrap_or(last);
                let mut values: Vec<Option<i64>> = rows.ints(first)?.iter().collect();
                for name in rest {
                    for (value, other) in values.iter_mut().zip(rows.ints(name)?.iter()) {
                        *value = value.or(other);
                    }
                }
                Ok(values.into_iter().map(Option::unwrap_or_default).collect())
            }
            (_, []) => Err(no_such("")),
        }
    }

    fn sum(&self, names: &[&'static str], of: &'static str) -> Result<Cow<'a, [i64]>, ShapeError> {
        let [first, rest @ ..] = names else { return Err(no_such(of)) };
        let mut sums = Cow::Borrowed(self.rows(first)?.ints(first)?.or_zero());
        for name in rest {
            let other = self.rows(name)?.ints(name)?.or_zero();
            let added = sums.iter().zip(other).map(|(sum, other)| sum.checked_add(*other));
            let added: Option<Vec<i64>> = added.collect();
            sums = Cow::Owned(added.ok_or(ShapeError::Overflow(of))?);
        }
        Ok(sums)
    }

    /// The rows, for a column that a list in JSON can't have.
    fn rows(&self, column: &str) -> Result<&'a Rows, ShapeError> {
        match self.source {
            Columns::Rows(rows) => Ok(rows),
            Columns::List(_) => Err(no_such(column)),
        }
    }

    fn list(&self, column: &str) -> Result<&ParsedList<'a>, ShapeError> {
        match &self.source {
            Columns::List(list) => Ok(list),
            Columns::Rows(_) => Err(no_such(column)),
        }
    }
}

fn no_such(column: &str) -> ShapeError {
    RowsError::NoColumn(column.to_owned()).into()
}

fn no_column(param: &'static Param, value: &str) -> ShapeError {
    ShapeError::NoColumn { param, value: value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::endpoints::ALL;
    use crate::table::ColumnType;
    use crate::target::Target;

    /// Shapes a row of ones and empty lists for a target, from a table that lacks some columns.
    fn shaped(target: &str, absent: &[&str]) -> Result<(), String> {
        let catalogue = Catalogue::standard().unwrap();
        let query = catalogue.resolve(Target::parse(target).unwrap()).unwrap();
        let mut rows = query.lookup().rows();
        let (keys, values) = query.endpoint().source.columns();
        for (index, column) in keys.iter().chain(values).enumerate() {
            let is_absent = absent.contains(&column.name);
            if is_absent {
                rows.absent(index);
            }
            let held = !is_absent;
            match column.kind {
                ColumnType::Int | ColumnType::BigInt => rows.int(index, held.then_some(1)),
                ColumnType::Double => rows.double(index, held.then_some(1.0)),
                ColumnType::Json => rows.text(index, held.then_some("[]")),
                ColumnType::Text | ColumnType::Timestamp | ColumnType::Date => {
                    rows.text(index, Some("2024010100"))
                }
            }
            .unwrap();
        }
        rows.end_row().unwrap();
        let rows = rows.finish();
        shape(&query, &rows, catalogue.rules()).map(|_| ()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_absent_column_is_an_error_unless_another_one_replaces_it() {
        let article =
            "/metrics/pageviews/per-article/en.wikipedia/mobile-web/user/A/daily/20240101/20240131";
        let project =
            "/metrics/pageviews/aggregate/en.wikipedia/all-access/user/daily/20240101/20240131";
        let top = "/metrics/pageviews/top/en.wikipedia/all-access/2024/01/01";
        let devices = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240131";
        for (target, absent, error) in [
            (article, &["maa"][..], None),
            (article, &["mwu"], Some("mwu")),
            (devices, &["offset"], Some("offset")),
            (project, &["v"], None),
            (project, &["views"], None),
            (project, &["v", "views"], Some("views")),
            (top, &["articles"], None),
            (top, &["articlesJSON"], None),
            (top, &["articlesJSON", "articles"], Some("articlesJSON")),
        ] {
            let expected = error.map_or(Ok(()), |column| {
                Err(format!("the rows have no column {column:?} of the wanted type"))
            });
            assert_eq!(shaped(target, absent), expected, "{target} without {absent:?}");
        }
    }

    #[test]
    fn items_that_are_rows_are_never_an_empty_list() {
        let mut endpoint = **ALL.iter().find(|endpoint| endpoint.name == "pageviews/top").unwrap();
        let Body::List { item: context, entry: item, .. } = endpoint.body else {
            panic!("no list")
        };
        endpoint.body = Body::Context { context, item };
        let catalogue = Catalogue::new(Box::leak(Box::new([&*Box::leak(Box::new(endpoint))])));
        let catalogue = catalogue.unwrap();
        let target = "/metrics/pageviews/top/en.wikipedia/all-access/2026/09/15";
        let query = catalogue.resolve(Target::parse(target).unwrap()).unwrap();
        let len = |json: &str| {
            let mut rows = query.lookup().rows();
            rows.text(0, Some(json)).unwrap();
            rows.text(1, None).unwrap();
            rows.end_row().unwrap();
            match shape(&query, &rows.finish(), catalogue.rules()).unwrap() {
                Answer::Rows { len, .. } => Some(len),
                Answer::Empty(_) => None,
            }
        };
        assert_eq!(len("[]"), None);
        assert_eq!(len(r#"[{"article":"A","views":2,"rank":1}]"#), Some(1));
    }
}

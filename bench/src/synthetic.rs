//! A store of generated rows.

use aqs_api::calendar::Granularity;
use aqs_api::calendar::{Digits, Form, Hour};
use aqs_api::lookup::Read;
use aqs_api::param::{Param, Role};
use aqs_api::rows::RowsError;
use aqs_api::source::{JsonList, MemberType};
use aqs_api::table::{ColumnType, Table};
use aqs_api::{Catalogue, Coverage, Dataset, Extent, Lookup, Rows};
use aqs_origin::RequestContext;
use aqs_origin::store::{Store, StoreError};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A part of a partition key that has no rows.
pub const ABSENT: &str = "Article_without_rows";
/// Entries of a list of articles, as in production, and of a list of countries.
const ARTICLES: u64 = 1000;
const COUNTRIES: u64 = 200;

/// Answers each read at once, and always with the same rows: one for each period of a series, a
/// list for each top.
#[derive(Clone, Debug, Default)]
pub struct SyntheticStore {
    coverage: Coverage,
    /// By table: its list, and what the texts of its entries are.
    lists: BTreeMap<&'static str, (&'static JsonList, Vec<Option<&'static Param>>)>,
}

impl SyntheticStore {
    /// A store without coverage.
    pub fn new(catalogue: &Catalogue) -> Self {
        let lists =
            catalogue.endpoints().filter_map(|(_, endpoint)| {
                let list = endpoint.source.list()?;
                let params = list.members.iter().map(|member| catalogue.param_of(member.name));
                let params: Vec<_> = params.collect();
                Some(endpoint.datasets().iter().filter_map(move |dataset| {
                    Some((dataset.table()?.name, (list, params.clone())))
                }))
            });
        Self { coverage: Coverage::default(), lists: lists.flatten().collect() }
    }

    /// A store with the coverage of every dataset: from the beginning of 2024 through January 2026.
    /// It has rows of any time.
    pub fn loaded(catalogue: &Catalogue) -> Self {
        let mut coverage = Coverage::default();
        for dataset in catalogue.datasets() {
            if let Some((first, last)) = extent(dataset) {
                coverage.insert(dataset, Extent { first, last, series: None, exact: false });
            }
        }
        Self { coverage, ..Self::new(catalogue) }
    }
}

/// The first and the last period, in the digits that the dataset's table has.
fn extent(dataset: &Dataset) -> Option<(Digits, Digits)> {
    let form = dataset.form();
    let is_monthly = dataset.granularity == Granularity::Monthly;
    let last = if is_monthly { "20260101" } else { "20260131" };
    let digits = |day: &str| Digits::from_text(format!("{day}00").get(..form.len())?);
    digits("20240101").zip(digits(last))
}

#[async_trait]
impl Store for SyntheticStore {
    async fn read(&self, lookup: &Lookup, _: &RequestContext) -> Result<Rows, StoreError> {
        self.rows(lookup).map_err(|error| StoreError::Failed {
            store: "synthetic",
            read: lookup.dataset().name.to_owned(),
            reason: error.to_string(),
        })
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        Ok(self.coverage.clone())
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        Ok(1)
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        Ok(BTreeMap::new())
    }
}

impl SyntheticStore {
    /// The rows that the store answers a lookup with.
    pub fn rows(&self, lookup: &Lookup) -> Result<Rows, RowsError> {
        let read = match lookup {
            Lookup::Points(read) => read,
            Lookup::Events(read) => return Ok(Rows::of_events(read.source).finish()),
        };
        if read.partition.iter().any(|text| text == ABSENT) {
            return Ok(Rows::of(read.table).finish());
        }
        match (read.table.period_form(), read.range) {
            (Some(form), Some(range)) => series(read, form, range),
            _ => self.list(read),
        }
    }

    /// One row with a list in its first JSON column. The other columns, which old rows have, are
    /// null.
    fn list(&self, read: &Read) -> Result<Rows, RowsError> {
        let table: &Table = read.table;
        let list = self.lists.get(table.name);
        let mut json = list.map(|(list, params)| list_json(list, params, seed(read)));
        let mut builder = Rows::of(table);
        for (index, column) in table.read_columns().enumerate() {
            match column.kind {
                ColumnType::Json => builder.text(index, json.take().as_deref())?,
                ColumnType::Text | ColumnType::Timestamp | ColumnType::Date => {
                    builder.text(index, None)?;
                }
                ColumnType::Int | ColumnType::BigInt => builder.int(index, None)?,
                ColumnType::Double => builder.double(index, None)?,
            }
        }
        builder.end_row()?;
        Ok(builder.finish())
    }
}

/// A row for each period of the range, every counter filled.
fn series(read: &Read, form: Form, range: (Digits, Digits)) -> Result<Rows, RowsError> {
    let table = read.table;
    let seed = seed(read);
    let mut builder = Rows::of(table);
    for period in periods(range, form, read.dataset.granularity) {
        // By the period, so that it is the same in every range.
        let row = period.as_str().bytes().fold(0, |row: u64, byte| row * 10 + u64::from(byte & 15));
        for (index, column) in table.read_columns().enumerate() {
            match column.kind {
                ColumnType::Text | ColumnType::Json | ColumnType::Timestamp | ColumnType::Date => {
                    builder.text(index, Some(period.as_str()))?
                }
                ColumnType::Int | ColumnType::BigInt => {
                    builder.int(index, Some(figure(seed, row, index)))?;
                }
                ColumnType::Double => {
                    builder.double(index, Some(figure(seed, row, index) as f64 / 8.0))?;
                }
            }
        }
        builder.end_row()?;
    }
    Ok(builder.finish())
}

/// The JSON of a list, as stores have it in a cell.
fn list_json(list: &JsonList, params: &[Option<&'static Param>], seed: u64) -> String {
    let is_country = |param: &Param| matches!(param.role, Role::Country);
    let by_country = params.first().is_some_and(|param| param.is_some_and(is_country));
    let mut json = String::from("[");
    for rank in 1..=if by_country { COUNTRIES } else { ARTICLES } {
        json.push_str(if rank > 1 { ",{" } else { "{" });
        let count = (seed % 9_000 + 1_000) * 1_000 / rank;
        for (index, (member, param)) in list.members.iter().zip(params).enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let number = if member.name == "rank" { rank } else { count };
            let text = match param {
                Some(param) if is_country(param) => country(rank),
                Some(param) if param.role.is_project() => param.example.to_owned(),
                Some(_) | None => title(rank),
            };
            // Writing to a String can't fail.
            let _ = match member.kind {
                MemberType::Int | MemberType::OptionalInt | MemberType::IntOrText => {
                    write!(json, r#"{comma}"{}":{number}"#, member.name)
                }
                MemberType::Text => write!(json, r#"{comma}"{}":"{text}""#, member.name),
            };
        }
        json.push('}');
    }
    json.push(']');
    json
}

/// Titles of realistic lengths. One in eight is not ASCII; one in sixteen has quotes, which can't
/// be borrowed from JSON.
fn title(rank: u64) -> String {
    match rank % 16 {
        0 => format!(r#"\"Heroes\"_(album_{rank})"#),
        3 | 11 => format!("Café_de_Zürich_日本_{rank}"),
        5 => format!("Special:Search_{rank}"),
        _ => format!("List_of_things_number_{rank}"),
    }
}

fn country(rank: u64) -> String {
    let letter = |index: u64| char::from(b'A' + (index % 26) as u8);
    format!("{}{}", letter(rank / 26), letter(rank))
}

/// The periods that begin within a range, ascending.
fn periods(
    (first, last): (Digits, Digits),
    form: Form,
    granularity: Granularity,
) -> impl Iterator<Item = Digits> {
    let start = Hour::parse(first.as_str()).map(Hour::date);
    let days = std::iter::successors(start, |day| day.tomorrow().ok())
        .take_while(move |day| {
            Hour::midnight(*day).is_some_and(|midnight| midnight.digits(form) <= last)
        })
        .filter(move |day| granularity != Granularity::Monthly || day.day() == 1);
    let hours = if granularity == Granularity::Hourly { 24 } else { 1 };
    days.flat_map(move |day| {
        let day = Hour::midnight(day).map(|midnight| midnight.digits(Form::Day));
        (0..hours).filter_map(move |hour| {
            let day = day?;
            match form {
                Form::Day => Some(day),
                Form::Hour => Digits::from_text(&format!("{}{hour:02}", day.as_str())),
            }
        })
    })
    .filter(move |period| (first..=last).contains(period))
}

/// A number that stands for a partition (FNV-1a).
fn seed(read: &Read) -> u64 {
    let bytes = read.partition.iter().flat_map(str::bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A count of one to six digits, as most are (splitmix64).
fn figure(seed: u64, row: u64, column: usize) -> i64 {
    let mut mixed = seed ^ row << 8 ^ column as u64;
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    (mixed % 10_u64.pow(1 + (mixed >> 60) as u32 % 6)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets;
    use aqs_api::{Representation, Target};
    use aqs_warmers::plan::{Tops, built_in};

    fn count(target: &str) -> usize {
        let catalogue = Catalogue::standard().unwrap();
        let query = catalogue.resolve(Target::parse(target).unwrap()).unwrap();
        SyntheticStore::new(&catalogue).rows(&query.lookup()).unwrap().len()
    }

    #[test]
    fn every_period_of_a_range_has_its_row() {
        assert_eq!(count(targets::DEVICES_MONTH), 31);
        assert_eq!(count(targets::ARTICLE_YEAR), 366);
        assert_eq!(count(targets::ARTICLE_MONTHS), 5 * 365 + 1);
        assert_eq!(count(targets::TOP), 1);
        assert_eq!(count(&targets::absent()), 0);
        let aggregate = "/metrics/pageviews/aggregate/en.wikipedia/all-access/user";
        assert_eq!(count(&format!("{aggregate}/hourly/2026010105/2026010204")), 24);
        assert_eq!(count(&format!("{aggregate}/monthly/20260101/20261231")), 12);
        assert_eq!(count(&format!("{aggregate}/daily/99991230/99991231")), 2);
    }

    #[test]
    fn lists_have_the_members_of_their_endpoints() {
        let catalogue = Catalogue::standard().unwrap();
        let store = SyntheticStore::new(&catalogue);
        let mut lists = 0;
        for (_, endpoint) in catalogue.endpoints() {
            let target = Target { dialect: endpoint.dialect, path: &endpoint.example() };
            let query = catalogue.resolve(target).unwrap();
            let rows = store.rows(&query.lookup()).unwrap();
            let answer = aqs_api::shape(&query, &rows, catalogue.rules()).unwrap();
            let Representation::Body(body) = aqs_api::render(&query, &answer).unwrap() else {
                panic!("{} has no data", endpoint.name);
            };
            if endpoint.source.list().is_some() {
                let entries = String::from_utf8_lossy(&body.identity).matches("\"rank\":").count();
                assert!(entries > 150, "{}: {entries}", endpoint.name);
                lists += 1;
            }
        }
        assert!(lists > 0);
    }

    #[test]
    fn coverage_has_the_digits_of_the_tables() {
        let catalogue = Catalogue::standard().unwrap();
        let store = SyntheticStore::loaded(&catalogue);
        let plan = built_in::aggregates(&catalogue, &["en.wikipedia".to_owned()]);
        let expansion = plan.expand(&catalogue, &store.coverage, &Tops::default()).unwrap();
        assert!(expansion.unloaded.is_empty());
        // Devices of 3 sites; daily 30, 60 and 90 days, daily and monthly 13 months and everything.
        let queries = expansion.groups.iter().flatten();
        let devices = queries.filter(|query| query.endpoint().name == "unique-devices");
        assert_eq!(devices.count(), 3 * (3 + 2 + 2));
        let is_planned = |path: &str| {
            let query = catalogue.resolve(Target::parse(path).unwrap()).unwrap();
            let mut all = expansion.groups.iter().flatten();
            all.any(|one| one.key() == query.key())
        };
        assert!(is_planned(
            "/metrics/unique-devices/en.wikipedia/all-sites/daily/20260102/20260131"
        ));
        assert!(is_planned(
            "/metrics/pageviews/aggregate/en.wikipedia/desktop/user/monthly/20240101/20260131"
        ));
    }
}

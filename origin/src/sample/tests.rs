//! Checks of the whole output, which is generated once and kept by partition.

#[path = "../../api/tests/further_kinds.rs"]
mod further_kinds;

use super::bundled;
use super::cube::{Cube, split};
use super::noise::Noise;
use super::tables::{self, VIEWS};
use super::{END, Summary, VERSION};
use crate::row::{Cell, Sink, SinkError};
use crate::store::Store;
use crate::store::embedded::{EmbeddedStore, Options, StoreWriter, WriterOptions};
use crate::{Priority, RequestContext};
use aqs_api::countries::ProtectedCountries;
use aqs_api::rows::RowsBuilder;
use aqs_api::source::{Source, TableSource};
use aqs_api::table::{Column, ColumnType, Content, Table};
use aqs_api::tables::{
    LEGACY_PAGECOUNTS, PAGEVIEWS_PER_ARTICLE, PAGEVIEWS_PER_PROJECT, TOP_BY_COUNTRY, TOP_PAGEVIEWS,
    TOP_PER_COUNTRY, UNIQUE_DEVICES,
};
use aqs_api::{Catalogue, Dataset, Endpoint, Lookup, Query, Read, Rules, Target};
use proptest::prelude::*;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Value cells by timestamp.
type Rows = BTreeMap<String, Vec<Option<i64>>>;

#[derive(Default)]
struct Collected {
    summary: Summary,
    hash: Option<Noise>,
    disordered: Vec<String>,
    series: HashMap<&'static str, BTreeMap<Vec<String>, Rows>>,
    lists: HashMap<&'static str, BTreeMap<Vec<String>, String>>,
    last: Option<(&'static str, Vec<String>)>,
    examples: Examples,
    answered: (Vec<String>, Vec<String>),
}

static OUTPUT: LazyLock<Collected> = LazyLock::new(|| {
    let mut collected = Collected::default();
    let catalogue = Catalogue::standard().unwrap();
    collected.examples = Examples::of(&catalogue);
    collected.summary = super::rows(&catalogue, &mut collected).unwrap();
    collected.answered = std::mem::take(&mut collected.examples).answered();
    collected
});

impl Collected {
    fn series(&self, table: &Table, partition: &[&str]) -> &Rows {
        static NONE: Rows = Rows::new();
        let partition: Vec<String> = partition.iter().map(|part| (*part).to_owned()).collect();
        self.series[table.name].get(&partition).unwrap_or(&NONE)
    }

    fn number(&self, table: &Table, partition: &[&str], timestamp: &str, column: usize) -> i64 {
        self.series(table, partition).get(timestamp).and_then(|cells| cells[column]).unwrap_or(0)
    }

    fn list(&self, table: &Table, partition: &[&str]) -> Option<Vec<Value>> {
        let partition: Vec<String> = partition.iter().map(|part| (*part).to_owned()).collect();
        Some(serde_json::from_str(self.lists[table.name].get(&partition)?).unwrap())
    }
}

impl Sink for Collected {
    fn row(&mut self, table: &'static Table, cells: &[Cell<'_>]) -> Result<(), SinkError> {
        assert_eq!(cells.len(), table.columns().count(), "{}", table.name);
        self.examples.row(table, cells)?;
        if !tables::all().any(|known| known.name == table.name) {
            return Ok(());
        }
        let text = |cell: &Cell<'_>| {
            let Cell::Text(text) = cell else { panic!("{cell:?} is no text of {}", table.name) };
            text.clone().into_owned()
        };
        for cell in cells {
            let hash = self.hash.get_or_insert(Noise::of(&[]));
            *hash = match cell {
                Cell::Absent => hash.branch(1),
                Cell::Null => hash.branch(2),
                Cell::Int(number) => hash.branch(3).branch(number.unsigned_abs()),
                Cell::Double(number) => hash.branch(4).branch(number.to_bits()),
                Cell::Text(text) => text.bytes().fold(*hash, |hash, byte| hash.branch(byte.into())),
            };
        }
        let mut key: Vec<String> = cells[..table.key_columns().count()].iter().map(text).collect();
        if self.last.as_ref().is_some_and(|(name, last)| *name == table.name && *last >= key) {
            self.disordered.push(format!("{} {key:?}", table.name));
        }
        self.last = Some((table.name, key.clone()));
        let values = &cells[key.len()..];
        if table.clustering.is_empty() {
            self.lists.entry(table.name).or_default().insert(key, text(&values[0]));
        } else {
            let value = |cell: &Cell<'_>| match cell {
                Cell::Int(number) => Some(*number),
                Cell::Null | Cell::Absent => None,
                other @ (Cell::Text(_) | Cell::Double(_)) => panic!("{other:?} is no integer"),
            };
            let timestamp = key.pop().unwrap();
            let series = self.series.entry(table.name).or_default().entry(key).or_default();
            series.insert(timestamp, values.iter().map(value).collect());
        }
        Ok(())
    }
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

// --- all rows ---

#[test]
fn output_changes_with_version_only() {
    // A change of the output needs a new VERSION, so that stores filled before are not used.
    let hash = OUTPUT.hash.unwrap().count(0, 1e9);
    assert_eq!((VERSION, hash), (2, 1_098_006_629));
}

#[test]
fn keys_ascend_and_every_table_has_rows() {
    assert_eq!(OUTPUT.disordered, Vec::<String>::new());
    let described = OUTPUT.summary.iter().take(7);
    assert!(described.clone().map(|(name, _)| *name).eq(tables::all().map(|table| table.name)));
    let rows: u64 = described.map(|(_, rows)| rows).sum();
    assert!((300_000..700_000).contains(&rows), "{:?}", OUTPUT.summary);
}

#[test]
fn numbers_fit_their_columns_and_timestamps_the_calendar() {
    let last = END.to_string().replace('-', "");
    for table in
        [&PAGEVIEWS_PER_ARTICLE, &PAGEVIEWS_PER_PROJECT, &UNIQUE_DEVICES, &LEGACY_PAGECOUNTS]
    {
        let length = table.period_form().unwrap().len();
        for (partition, rows) in &OUTPUT.series[table.name] {
            for (timestamp, numbers) in rows {
                assert_eq!(timestamp.len(), length, "{partition:?}");
                assert!(
                    aqs_api::calendar::Hour::parse(timestamp).is_some(),
                    "{partition:?} {timestamp}"
                );
                assert!(timestamp[..8] <= *last, "{partition:?} {timestamp}");
                for (column, number) in table.values.iter().zip(numbers) {
                    let int = column.kind == ColumnType::Int;
                    let most = if int { i64::from(i32::MAX) } else { i64::MAX };
                    assert!(
                        number.is_none_or(|number| (0..=most).contains(&number)),
                        "{timestamp}"
                    );
                }
            }
        }
    }
}

// --- examples of endpoints ---

/// The rows of the examples of a catalogue's endpoints.
#[derive(Default)]
struct Examples(Vec<(Query, Read, RowsBuilder)>);

impl Examples {
    fn of(catalogue: &Catalogue) -> Self {
        let examples = catalogue.endpoints().filter_map(|(_, endpoint)| {
            let path = endpoint.example();
            let query = catalogue.resolve(Target { dialect: endpoint.dialect, path: &path });
            let query = query.unwrap_or_else(|problem| panic!("{path}: {problem:?}"));
            match query.lookup() {
                Lookup::Points(read) => {
                    let rows = aqs_api::Rows::of(read.table);
                    Some((query, read, rows))
                }
                Lookup::Events(_) => None,
            }
        });
        Self(examples.collect())
    }

    /// The paths of those that have an answer, and of those that have none.
    fn answered(self) -> (Vec<String>, Vec<String>) {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for (query, _, rows) in self.0 {
            let rows = rows.finish();
            let answer = aqs_api::shape(&query, &rows, &Rules::default()).unwrap();
            let has_data = matches!(answer, aqs_api::Answer::Rows { .. });
            let paths = if has_data { &mut with } else { &mut without };
            paths.push(query.key().path().to_owned());
        }
        (with, without)
    }
}

impl Sink for Examples {
    fn row(&mut self, table: &'static Table, cells: &[Cell<'_>]) -> Result<(), SinkError> {
        for (_, read, rows) in &mut self.0 {
            if read.table.name != table.name {
                continue;
            }
            let is_same = |(cell, text): (&Cell<'_>, &str)| match cell {
                Cell::Int(number) => text.parse() == Ok(*number),
                Cell::Text(held) => held == text,
                Cell::Absent | Cell::Null | Cell::Double(_) => false,
            };
            if !cells.iter().zip(read.partition.iter()).all(is_same) {
                continue;
            }
            let read_cells = &cells[table.partition.len()..];
            let in_range = |(column, cell): (&Column, &Cell<'_>)| match (cell, read.range) {
                (Cell::Text(text), Some((first, last)))
                    if table.period_column() == Some(column) =>
                {
                    (first.as_str()..=last.as_str()).contains(&&**text)
                }
                _ => true,
            };
            if !table.read_columns().zip(read_cells).all(in_range) {
                continue;
            }
            for (index, (column, cell)) in table.read_columns().zip(read_cells).enumerate() {
                let filled = match (column.kind, cell) {
                    (ColumnType::Int | ColumnType::BigInt, Cell::Int(number)) => {
                        rows.int(index, Some(*number))
                    }
                    (ColumnType::Int | ColumnType::BigInt, _) => rows.int(index, None),
                    (ColumnType::Double, Cell::Double(number)) => rows.double(index, Some(*number)),
                    (ColumnType::Double, _) => rows.double(index, None),
                    (_, Cell::Text(text)) => rows.text(index, Some(text)),
                    (_, _) => rows.text(index, None),
                };
                filled.unwrap();
            }
            rows.end_row().unwrap();
        }
        Ok(())
    }
}

#[test]
fn every_example_has_an_answer() {
    let (with, without) = &OUTPUT.answered;
    assert_eq!(*without, [""; 0]);
    assert!(with.len() >= 7);
}

#[test]
fn every_kind_of_table_gets_default_rows() {
    // The standard endpoints over tables of other names, which have no description.
    let standard = Catalogue::standard().unwrap();
    let undescribed = standard.endpoints().map(|(_, endpoint)| -> &'static Endpoint {
        let Source::Table(source) = endpoint.source else { return endpoint };
        let name = format!("other_{}", source.table.name).leak();
        let table = Box::leak(Box::new(Table { name, ..*source.table }));
        let datasets = source.datasets.iter().map(|dataset| -> &'static Dataset {
            let content = Content::Table { table, probe: dataset.probe() };
            Box::leak(Box::new(Dataset { content, ..**dataset }))
        });
        let datasets = datasets.collect::<Vec<_>>().leak();
        let source = Box::leak(Box::new(TableSource { table, datasets, ..*source }));
        Box::leak(Box::new(Endpoint { source: Source::Table(source), ..*endpoint }))
    });
    let undescribed: &[&Endpoint] = undescribed.collect::<Vec<_>>().leak();
    for endpoints in [undescribed, further_kinds::ALL] {
        let catalogue = Catalogue::new(endpoints).unwrap();
        let mut examples = Examples::of(&catalogue);
        let summary = super::rows(&catalogue, &mut examples).unwrap();
        let (with, without) = examples.answered();
        assert_eq!(without, [""; 0], "{summary:?}");
        assert!(with.len() > 2, "{with:?}");
        assert!(summary.iter().all(|(_, rows)| *rows < 1_000_000), "{summary:?}");
    }
}

#[tokio::test]
async fn the_embedded_store_takes_default_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.sqlite");
    let catalogue = Catalogue::new(further_kinds::ALL).unwrap();
    let mut writer = StoreWriter::create(&path, &catalogue, WriterOptions::default()).unwrap();
    super::rows(&catalogue, &mut writer).unwrap();
    writer.commit().unwrap();
    let store = EmbeddedStore::open(&path, &catalogue, Options::default()).unwrap();
    let coverage = store.coverage().await.unwrap();
    for (query, read, _) in Examples::of(&catalogue).0 {
        let dataset = read.dataset;
        let deadline = Instant::now() + Duration::from_secs(10);
        let ctx = RequestContext::new(deadline, Priority::Live, 1);
        let rows = store.read(&Lookup::Points(read), &ctx).await.unwrap();
        assert!(!rows.is_empty(), "{}", query.key().path());
        let last = coverage.get(dataset).unwrap().last;
        assert!(last.as_str().starts_with("202610"), "{} {last:?}", dataset.name);
    }
}

#[test]
fn default_rows_add_up() {
    /// Counts by partition and period.
    #[derive(Default)]
    struct Counts(BTreeMap<(Vec<String>, String), i64>);
    impl Sink for Counts {
        fn row(&mut self, table: &'static Table, cells: &[Cell<'_>]) -> Result<(), SinkError> {
            let texts = cells.iter().map_while(|cell| {
                let Cell::Text(text) = cell else { return None };
                Some(text.clone().into_owned())
            });
            let mut key: Vec<String> = texts.collect();
            if table.name == "mediarequest_per_referer" {
                let Cell::Int(count) = cells[key.len()] else { panic!("no count") };
                let period = key.pop().unwrap();
                self.0.insert((key, period), count);
            }
            Ok(())
        }
    }
    let catalogue = Catalogue::new(further_kinds::ALL).unwrap();
    let mut counts = Counts::default();
    super::rows(&catalogue, &mut counts).unwrap();
    let count = |referer: &str, agent: &str, granularity: &str, period: &str| {
        let key = [referer, "video", agent, granularity].map(str::to_owned).to_vec();
        counts.0[&(key, period.to_owned())]
    };
    let day = "2026101500";
    let referers = ["internal", "external", "search-engine", "unknown", "none"];
    for agent in ["all-agents", "spider", "user"] {
        let parts = referers.map(|referer| count(referer, agent, "daily", day));
        let all = count("all-referers", agent, "daily", day);
        assert_eq!(parts.iter().sum::<i64>(), all, "{agent}");
        let days = (1..=31).map(|day| count("none", agent, "daily", &format!("202610{day:02}00")));
        assert_eq!(days.sum::<i64>(), count("none", agent, "monthly", "2026100100"), "{agent}");
    }
    let agents = ["spider", "user"].map(|agent| count("none", agent, "daily", day));
    assert_eq!(agents.iter().sum::<i64>(), count("none", "all-agents", "daily", day));
    assert!(agents.iter().all(|count| *count > 0));
}

// --- published figures ---

#[test]
fn published_figures_are_taken_over() {
    for (table, expected) in [
        (&PAGEVIEWS_PER_ARTICLE, 40_957),
        (&PAGEVIEWS_PER_PROJECT, 266),
        (&LEGACY_PAGECOUNTS, 128),
        (&UNIQUE_DEVICES, 30),
    ] {
        let mut figures = 0;
        for row in bundled::read::<Map<String, Value>>(table.name).unwrap() {
            let text = |column: &str| row[column].as_str().unwrap().to_owned();
            let partition: Vec<String> =
                table.partition.iter().map(|column| text(column.name)).collect();
            let numbers = OUTPUT.series[table.name][&partition].get(&text("timestamp"));
            for (column, number) in table.values.iter().zip(numbers.unwrap()) {
                if let Some(published) = row.get(column.name) {
                    assert_eq!(*number, published.as_i64(), "{row:?}");
                    figures += 1;
                }
            }
        }
        assert_eq!(figures, expected, "{}", table.name);
    }
    for table in [&TOP_PAGEVIEWS, &TOP_BY_COUNTRY] {
        for row in bundled::read::<Map<String, Value>>(table.name).unwrap() {
            let text = |column: &str| row[column].as_str().unwrap().to_owned();
            let key: Vec<String> = table.partition.iter().map(|column| text(column.name)).collect();
            assert_eq!(OUTPUT.lists[table.name][&key], text(table.values[0].name));
        }
    }
}

#[test]
fn articles_with_published_days_have_no_other_days() {
    let mut published: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for row in bundled::read::<Map<String, Value>>(PAGEVIEWS_PER_ARTICLE.name).unwrap() {
        let text = |column: &str| row[column].as_str().unwrap().to_owned();
        let partition = ["project", "article", "granularity"].map(text).to_vec();
        published.entry(partition).or_default().insert(text("timestamp"));
    }
    assert_eq!(published.len(), 740);
    for (partition, timestamps) in published {
        let rows = &OUTPUT.series[PAGEVIEWS_PER_ARTICLE.name][&partition];
        assert!(rows.keys().eq(&timestamps), "{partition:?}");
    }
}

// --- sums ---

const ACCESSES: [&str; 4] = ["all-access", "desktop", "mobile-app", "mobile-web"];
const AGENTS: [&str; 4] = ["all-agents", "automated", "spider", "user"];

/// Each sum among the sixteen counters, and its parts.
fn sums() -> impl Iterator<Item = (usize, [usize; 3])> {
    let accesses = (0..4).map(|agent| (agent, [4 + agent, 8 + agent, 12 + agent]));
    accesses.chain((0..4).map(|access| access * 4).map(|sum| (sum, [sum + 1, sum + 2, sum + 3])))
}

/// A project, granularity and timestamp.
type Period = (&'static str, &'static str, &'static str);

/// Views of each period.
static VIEWS_OF: LazyLock<BTreeMap<Period, [i64; 16]>> = LazyLock::new(|| {
    let mut all = BTreeMap::new();
    for (partition, rows) in &OUTPUT.series[PAGEVIEWS_PER_PROJECT.name] {
        let [project, access, agent, granularity] = strs(partition)[..] else { panic!() };
        let place = |names: [&str; 4], name| names.iter().position(|one| *one == name).unwrap();
        let counter = place(ACCESSES, access) * 4 + place(AGENTS, agent);
        for (timestamp, numbers) in rows {
            let key = (project, granularity, timestamp.as_str());
            all.entry(key).or_insert([0; 16])[counter] = numbers[0].unwrap();
        }
    }
    all
});

#[test]
fn accesses_and_agents_add_up() {
    for (partition, rows) in &OUTPUT.series[PAGEVIEWS_PER_ARTICLE.name] {
        for (timestamp, counters) in rows {
            for (sum, parts) in sums() {
                let counter = |place: usize| counters[place].unwrap_or(0);
                let parts: i64 = parts.into_iter().map(counter).sum();
                assert_eq!(counter(sum), parts, "{partition:?} {timestamp} {sum}");
            }
        }
    }
    for (key, counters) in VIEWS_OF.iter() {
        for (sum, parts) in sums() {
            let parts: i64 = parts.into_iter().map(|part| counters[part]).sum();
            assert_eq!(counters[sum], parts, "{key:?} {sum}");
        }
    }
}

#[test]
fn hours_add_up_to_days_and_days_to_months() {
    let mut sums: BTreeMap<(&str, &str, String), [i64; 16]> = BTreeMap::new();
    for ((project, granularity, timestamp), counters) in VIEWS_OF.iter() {
        let whole = match *granularity {
            "daily" => ("monthly", format!("{}0100", &timestamp[..6])),
            "hourly" => ("daily", format!("{}00", &timestamp[..8])),
            _ => continue,
        };
        let sum = sums.entry((project, whole.0, whole.1)).or_insert([0; 16]);
        sum.iter_mut().zip(counters).for_each(|(sum, more)| *sum += more);
    }
    assert!(sums.len() > 22 * 20);
    for ((project, granularity, timestamp), sum) in sums {
        assert_eq!(
            VIEWS_OF[&(project, granularity, timestamp.as_str())],
            sum,
            "{project} {timestamp}"
        );
    }
}

#[test]
fn all_projects_are_the_sum_of_projects() {
    let mut sums: BTreeMap<(&str, &str), [i64; 16]> = BTreeMap::new();
    for ((project, granularity, timestamp), counters) in VIEWS_OF.iter() {
        let sign = if *project == "all-projects" { -1 } else { 1 };
        let sum = sums.entry((granularity, timestamp)).or_default();
        sum.iter_mut().zip(counters).for_each(|(sum, more)| *sum += sign * more);
    }
    assert!(sums.values().all(|sum| *sum == [0; 16]));
}

#[test]
fn articles_are_viewed_less_than_their_project() {
    let mut sums: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for (partition, rows) in &OUTPUT.series[PAGEVIEWS_PER_ARTICLE.name] {
        for (timestamp, counters) in
            rows.iter().filter(|(timestamp, _)| timestamp.as_str() > "20250701")
        {
            *sums.entry((&partition[0], timestamp)).or_default() += counters[3].unwrap_or(0);
        }
    }
    for ((project, timestamp), views) in sums {
        assert!(
            views < VIEWS_OF[&(project, "daily", timestamp)][3],
            "{project} {timestamp} {views}"
        );
    }
}

#[test]
fn devices_add_up() {
    for (partition, rows) in &OUTPUT.series[UNIQUE_DEVICES.name] {
        let [project, site, granularity] = strs(partition)[..] else { panic!() };
        for (timestamp, numbers) in rows {
            let [devices, offset, rest] = [0, 1, 2].map(|column| numbers[column].unwrap_or(0));
            assert_eq!(devices, offset + rest, "{partition:?} {timestamp}");
            let of = |site, column| {
                OUTPUT.number(&UNIQUE_DEVICES, &[project, site, granularity], timestamp, column)
            };
            for (column, whole) in numbers.iter().enumerate().filter(|_| site == "all-sites") {
                let parts = of("desktop-site", column) + of("mobile-site", column);
                assert_eq!(whole.unwrap_or(0), parts, "{partition:?} {timestamp}");
            }
            let month = [project, site, "monthly"];
            let month =
                OUTPUT.number(&UNIQUE_DEVICES, &month, &format!("{}01", &timestamp[..6]), 0);
            assert!(month >= devices, "{partition:?} {timestamp}");
        }
    }
}

#[test]
fn legacy_counts_add_up() {
    let mut sums: BTreeMap<(&str, &str, &str, String), i64> = BTreeMap::new();
    for (partition, rows) in &OUTPUT.series[LEGACY_PAGECOUNTS.name] {
        let [project, site, granularity] = strs(partition)[..] else { panic!() };
        for (timestamp, numbers) in rows {
            let count = numbers[0].unwrap();
            let number = |site| {
                OUTPUT.number(&LEGACY_PAGECOUNTS, &[project, site, granularity], timestamp, 0)
            };
            if site == "all-sites" {
                assert_eq!(count, number("desktop-site") + number("mobile-site"), "{timestamp}");
            }
            assert!(("2007120100"..="2016080523").contains(&timestamp.as_str()), "{timestamp}");
            assert!(site != "mobile-site" || timestamp.as_str() >= "2014100100", "{timestamp}");
            let whole = match granularity {
                "daily" => ("monthly", format!("{}0100", &timestamp[..6])),
                "hourly" => ("daily", format!("{}00", &timestamp[..8])),
                _ => continue,
            };
            *sums.entry((project, site, whole.0, whole.1)).or_default() += count;
        }
    }
    assert!(sums.len() > 100);
    for ((project, site, granularity, timestamp), sum) in sums {
        let partition = [project, site, granularity];
        assert_eq!(
            OUTPUT.number(&LEGACY_PAGECOUNTS, &partition, &timestamp, 0),
            sum,
            "{timestamp}"
        );
    }
}

// --- lists ---

#[test]
fn lists_are_ranked_and_hold_no_protected_country() {
    let protected = ProtectedCountries::default();
    let (mut ties, mut gaps) = (0, 0);
    for (table, count, bucket) in [
        (&TOP_PAGEVIEWS, "views", 1),
        (&TOP_BY_COUNTRY, "views", 1000),
        (&TOP_PER_COUNTRY, "views_ceil", 100),
    ] {
        // The published list of uk.wikipedia holds countries that the default list protects.
        let lists = OUTPUT.lists[table.name].iter().filter(|(key, _)| key[0] != "uk.wikipedia");
        for (key, json) in lists {
            let list: Vec<Value> = serde_json::from_str(json).unwrap();
            assert!(!list.is_empty() && list.len() <= 1000 && !protected.contains(&key[0]));
            for (place, entry) in (1..).zip(&list) {
                let (rank, views) =
                    (entry["rank"].as_u64().unwrap(), entry[count].as_u64().unwrap());
                assert!(views > 0 && views % bucket == 0, "{key:?} {entry}");
                assert!(rank >= place || place > 1, "{key:?} {entry}");
                ties += u64::from(rank < place);
                gaps += u64::from(rank > place);
                let country = entry["country"].as_str();
                assert!(country.is_none_or(|country| !protected.contains(country)), "{key:?}");
            }
            for pair in list.windows(2) {
                let [one, next] = [&pair[0], &pair[1]];
                assert!(one["rank"].as_u64() <= next["rank"].as_u64(), "{key:?}");
                assert!(one[count].as_u64() >= next[count].as_u64(), "{key:?}");
                assert!(bucket > 1 || (one[count] == next[count]) == (one["rank"] == next["rank"]));
            }
        }
    }
    assert!(ties > 100 && gaps > 100, "{ties} {gaps}");
}

#[test]
fn top_lists_agree_with_series() {
    let mut compared = 0;
    for (key, json) in &OUTPUT.lists[TOP_PAGEVIEWS.name] {
        let [project, access, year, month, day] = strs(key)[..] else { panic!() };
        if (project, year) == ("en.wikipedia", "2023") {
            continue;
        }
        let column = ACCESSES.iter().position(|one| *one == access).unwrap() * 4 + 3;
        let day = if day == "all-days" { "" } else { day };
        let timestamps = format!("{year}{month}{day}");
        for entry in serde_json::from_str::<Vec<Value>>(json).unwrap() {
            let partition = [project, entry["article"].as_str().unwrap(), "daily"];
            let rows = OUTPUT.series(&PAGEVIEWS_PER_ARTICLE, &partition);
            let rows =
                rows.range(timestamps.clone()..).take_while(|(at, _)| at.starts_with(&timestamps));
            let views: i64 = rows.map(|(_, counters)| counters[column].unwrap_or(0)).sum();
            assert_eq!(entry["views"].as_i64(), Some(views), "{key:?} {entry}");
            compared += 1;
        }
    }
    assert!(compared > 10_000, "{compared}");
}

#[test]
fn countries_read_no_more_than_all() {
    // Rounding up adds less than a bucket.
    let mut articles: BTreeMap<[String; 4], i64> = BTreeMap::new();
    for (key, json) in &OUTPUT.lists[TOP_PER_COUNTRY.name] {
        for entry in serde_json::from_str::<Vec<Value>>(json).unwrap() {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            let timestamp = format!("{}{}{}00", key[2], key[3], key[4]);
            let of = [text("project"), text("article"), key[1].clone(), timestamp];
            *articles.entry(of).or_default() += entry["views_ceil"].as_i64().unwrap() - 99;
        }
    }
    assert!(articles.len() > 500);
    for ([project, article, access, timestamp], views) in articles {
        let column = ACCESSES.iter().position(|one| *one == access).unwrap() * 4 + 3;
        let partition = [project.as_str(), &article, "daily"];
        let all = OUTPUT.number(&PAGEVIEWS_PER_ARTICLE, &partition, &timestamp, column);
        assert!(views <= all, "{project} {article} {timestamp}");
    }
    for (key, json) in &OUTPUT.lists[TOP_BY_COUNTRY.name] {
        let views = |entry: &Value| entry["views"].as_i64().unwrap() - 999;
        let list: Vec<Value> = serde_json::from_str(json).unwrap();
        let timestamp = format!("{}{}0100", key[2], key[3]);
        let column = ACCESSES.iter().position(|one| *one == key[1]).unwrap() * 4 + 3;
        let all = VIEWS_OF[&(key[0].as_str(), "monthly", timestamp.as_str())][column];
        assert!(list.iter().map(views).sum::<i64>() <= all, "{key:?}");
    }
}

// --- examples and variety ---

#[test]
fn documented_examples_have_rows() {
    let banana = OUTPUT.series(&PAGEVIEWS_PER_ARTICLE, &["en.wikipedia", "Banana", "daily"]);
    assert_eq!(banana.len(), 4141);
    assert!(banana.values().all(|counters| counters[0] > Some(100) && counters[3] > Some(100)));
    let en = "en.wikipedia";
    for access in ACCESSES {
        for agent in AGENTS {
            for project in ["all-projects", en] {
                let rows = |granularity| {
                    let key = [project, access, agent, granularity];
                    OUTPUT.series(&PAGEVIEWS_PER_PROJECT, &key).len()
                };
                assert_eq!((rows("daily"), rows("hourly")), (488, 7 * 24), "{project}");
                let months = if agent == "automated" { 78 } else { 136 };
                assert_eq!(rows("monthly"), months, "{project}");
            }
        }
        for (month, day) in [("09", "15"), ("10", "15"), ("10", "31"), ("09", "all-days")] {
            let list = OUTPUT.list(&TOP_PAGEVIEWS, &[en, access, "2026", month, day]);
            assert!(list.unwrap().len() > 100);
        }
        assert!(OUTPUT.list(&TOP_BY_COUNTRY, &[en, access, "2026", "09"]).unwrap().len() > 50);
        assert!(OUTPUT.list(&TOP_BY_COUNTRY, &["all-projects", access, "2026", "10"]).is_some());
        for day in ["15", "31"] {
            let key = ["FR", access, "2026", "10", day];
            assert!(OUTPUT.list(&TOP_PER_COUNTRY, &key).is_some(), "{key:?}");
        }
    }
    let devices = |project, granularity| {
        OUTPUT.series(&UNIQUE_DEVICES, &[project, "all-sites", granularity]).len()
    };
    assert_eq!((devices(en, "daily"), devices(en, "monthly")), (490, 130));
    assert_eq!(devices("all-wikipedia-projects", "monthly"), 130);
    for site in ["all-sites", "desktop-site", "mobile-site"] {
        for timestamp in ["2016010100", "2016080100"] {
            assert!(OUTPUT.number(&LEGACY_PAGECOUNTS, &[en, site, "monthly"], timestamp, 0) > 0);
        }
        for (granularity, rows) in [("daily", 36), ("hourly", 5 * 24)] {
            let key = ["de.wikipedia", site, granularity];
            assert_eq!(OUTPUT.series(&LEGACY_PAGECOUNTS, &key).len(), rows);
        }
    }
}

#[test]
fn titles_hold_every_class_of_characters() {
    let titles: BTreeSet<&str> =
        OUTPUT.series[PAGEVIEWS_PER_ARTICLE.name].keys().map(|key| key[1].as_str()).collect();
    for wanted in "/:%?#\"'\\&+;=*!$(),.".chars() {
        assert!(titles.iter().any(|title| title.contains(wanted)), "{wanted}");
    }
    let scripts = [
        ("Cyrillic", 'а'..='я'),
        ("Hebrew", 'א'..='ת'),
        ("Arabic", 'ا'..='ي'),
        ("Devanagari", 'अ'..='ह'),
        ("Georgian", 'ა'..='ჰ'),
        ("Hiragana", 'ぁ'..='ん'),
        ("Han", '一'..='龠'),
        ("Han beyond the BMP", '\u{20000}'..='\u{2ffff}'),
        ("Hangul", '가'..='힣'),
        ("emoji", '\u{1f300}'..='\u{1faff}'),
        ("joiner", '\u{200d}'..='\u{200d}'),
        ("punctuation that loaders escape", '\u{2010}'..='\u{203b}'),
    ];
    for (name, script) in scripts {
        let has = |title: &&str| title.chars().any(|char| script.contains(&char));
        assert!(titles.iter().any(has), "{name}");
    }
    for exact in ["AC/DC", "C++", "C#", "100%", "What?", "O'Reilly_Media", "\\", "\\\\", "//", "?"]
    {
        assert!(titles.contains(exact), "{exact}");
    }
    assert!(titles.iter().all(|title| !title.contains([' ', '\t'])));
}

#[test]
fn articles_have_nulls_zeros_gaps_and_late_starts() {
    let (mut nulls, mut zeros, mut late, mut gaps) = (0, 0, 0, 0);
    for rows in OUTPUT.series[PAGEVIEWS_PER_ARTICLE.name].values() {
        let (first, last) = (rows.keys().next().unwrap(), rows.keys().last().unwrap());
        late += usize::from(first.as_str() > "2025100100");
        gaps += usize::from(
            last.as_str() > "20261001" && first.starts_with("202507") && rows.len() < 480,
        );
        for (timestamp, counters) in rows {
            nulls += usize::from(counters[15].is_none());
            zeros += usize::from(counters.contains(&Some(0)));
            let automated = [1, 5, 9, 13].iter().any(|column| counters[*column].is_some());
            assert!(!automated || timestamp.as_str() >= "2020050100", "{timestamp}");
        }
    }
    assert!(nulls > 500 && zeros > 5 && late > 3 && gaps > 5, "{nulls} {zeros} {late} {gaps}");
}

// --- parts of the generator ---

#[test]
fn noise_is_pinned() {
    assert_ne!(Noise::of(&["ab", "c"]).unit(0), Noise::of(&["a", "bc"]).unit(0));
    assert_eq!(Noise::of(&["en.wikipedia", "Banana"]).unit(7), 0.505_693_155_539_563_2);
    let noise = Noise::of(&["mean"]);
    let sum: u64 = (0..10_000).map(|number| noise.count(number, 0.3)).sum();
    assert!((2_800..3_200).contains(&sum), "{sum}");
}

proptest! {
    #[test]
    fn splits_add_up(total in any::<u64>(), weights in any::<[u32; 9]>()) {
        let weights = weights.map(u64::from);
        let parts = split(total, &weights);
        let sum: u128 = parts.iter().map(|part| u128::from(*part)).sum();
        prop_assert_eq!(sum, u128::from(total));
    }

    #[test]
    fn fitted_cells_have_the_known_counters(
        cells in any::<[u32; 9]>(),
        counter in 0_usize..16,
        value in 0_u64..10_000_000_000,
    ) {
        let cube = Cube::new(VIEWS.dimensions);
        let fitted = cube.fit(&cells.map(u64::from), &[(counter, value)]);
        prop_assert_eq!(cube.sum(&fitted, counter), value);
    }
}

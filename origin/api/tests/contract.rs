//! Compares the catalogue with `endpoints.yaml`, and citations with the sections of `CONTRACT.md`.
//!
//! Paths, parameters, dates, tables, partitions and bodies are compared. The selected columns, the
//! order of items and the treatment of nulls are not: scenarios hold them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end where it fails"
)]

use aqs_api::body::{Body, Constant, Field, RowValue, Value};
use aqs_api::calendar::{DateRule, Form};
use aqs_api::key::Dialect;
use aqs_api::param::Role;
use aqs_api::table::{ALL_DAYS, Column, ColumnRole, ColumnType, DOMAIN, TID};
use aqs_api::{Catalogue, Lookup, Query, Target};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// An endpoint, aspect by aspect, in a form that both sides can be brought to.
type Description = BTreeMap<&'static str, Vec<String>>;

#[derive(Deserialize)]
struct Document {
    keyspaces: Keyspaces,
    endpoints: Vec<Spec>,
}

#[derive(Deserialize)]
struct Keyspaces {
    restbase: Restbase,
}

#[derive(Deserialize)]
struct Restbase {
    tid: String,
}

#[derive(Deserialize)]
struct Spec {
    id: String,
    service: String,
    path: String,
    params: Vec<SpecParam>,
    dates: BTreeMap<String, String>,
    store: SpecStore,
    body: SpecBody,
    example: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpecParam {
    name: String,
    kind: String,
    norm: Vec<String>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    unrouted: Vec<String>,
    #[serde(default)]
    no_rows: Vec<String>,
    // Special values of an open set, and spellings that only endpoints to come have.
    #[serde(default, rename = "words")]
    _words: IgnoredAny,
    #[serde(default, rename = "aliases")]
    _aliases: IgnoredAny,
    #[serde(default, rename = "upcoming")]
    _upcoming: IgnoredAny,
}

/// A table, or events, which lack the keys that have defaults here.
#[derive(Deserialize)]
struct SpecStore {
    kind: String,
    #[serde(default)]
    table: String,
    #[serde(default)]
    keyspace: String,
    #[serde(default)]
    partition: Vec<SpecColumn>,
    #[serde(default)]
    clustering: Vec<SpecColumn>,
    #[serde(default)]
    values: Vec<SpecColumn>,
    range: Option<SpecRange>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpecColumn {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    param: Option<String>,
    #[serde(rename = "const")]
    constant: Option<String>,
    order: Option<String>,
    // The form of stored timestamps; `range` has the form that is compared.
    #[serde(default, rename = "form")]
    _form: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpecRange {
    column: String,
    form: String,
}

#[derive(Deserialize)]
struct SpecBody {
    envelope: String,
    fields: Vec<SpecField>,
    list: Option<String>,
    #[serde(default)]
    list_fields: Vec<SpecField>,
    #[serde(default)]
    list_from: Vec<String>,
}

#[derive(Deserialize)]
struct SpecField {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    from: String,
}

/// Describes the endpoint of a resolved example. All knowledge of the catalogue's types is here.
fn describe_catalogue(query: &Query) -> Description {
    let endpoint = query.endpoint();
    let mut out = Description::new();
    out.insert("path", vec![endpoint.template()]);
    out.insert("service", vec![endpoint.service.to_owned()]);

    let mut dates: Vec<String> = Vec::new();
    let mut params = Vec::new();
    for param in endpoint.params() {
        let mut unrouted_values: &[&str] = &[];
        let (kind, norm) = match param.role {
            Role::Project { .. } => ("project", "N-PROJECT"),
            Role::OneProject => ("project-no-all", "N-PROJECT, N-NOALL"),
            Role::Referer { .. } => ("referer", "N-REFERER"),
            Role::CommonsPage => ("category", "N-CAT"),
            Role::File => ("file-path", "N-FILE"),
            Role::User => ("user-text", "N-USER"),
            Role::Id => ("central-id", ""),
            Role::Text => ("text", ""),
            Role::Enumeration { .. } => ("enum", "N-ENUM"),
            Role::Granularity { allowed, unrouted, .. } => {
                unrouted_values = unrouted;
                dates.extend(
                    allowed
                        .iter()
                        .map(|(granularity, rule)| format!("{}: {rule:?}", granularity.as_str())),
                );
                ("granularity", "N-ENUM")
            }
            Role::Title => ("title", "N-TITLE"),
            Role::Country => ("country", "N-COUNTRY"),
            Role::Year => ("year", ""),
            Role::Month { then_day } => {
                if !then_day {
                    dates.push("monthly: year and month".to_owned());
                }
                ("month", "")
            }
            Role::Day { .. } => {
                dates.push("daily: year, month and day".to_owned());
                dates.push("monthly: year, month and day".to_owned());
                ("day", "")
            }
            Role::Start(_) => ("date-start", ""),
            Role::End => ("date-end", ""),
        };
        let values = param.role.closed_values().unwrap_or_default();
        params.push(format!("{} {kind} [{norm}] {values:?} {unrouted_values:?}", param.name));
    }
    out.insert("parameters", params);
    dates.sort();
    out.insert("dates", dates);

    let granularities = endpoint.datasets().iter().map(|dataset| dataset.granularity.as_str());
    let granularities: BTreeSet<&str> = granularities.collect();
    out.insert("granularities of datasets", granularities.into_iter().map(String::from).collect());

    let Lookup::Points(read) = query.lookup() else { panic!("{}: events", endpoint.name) };
    let table = read.dataset.table;
    for dataset in endpoint.datasets() {
        assert_eq!(dataset.table, table, "{}: the datasets have several tables", endpoint.name);
    }
    let column = |column: &Column| {
        let kind = match column.kind {
            ColumnType::Text => "text",
            ColumnType::Json => "json",
            ColumnType::Int => "int",
            ColumnType::BigInt => "bigint",
            ColumnType::Double => "double",
        };
        format!("{} {kind}", column.name)
    };
    out.insert("table", vec![table.name.to_owned()]);
    out.insert("partition", table.partition.iter().map(column).collect());
    let key = (0..read.partition.len()).filter_map(|index| read.partition.get(index));
    out.insert("partition of the example", key.map(String::from).collect());
    out.insert("clustering", table.clustering.iter().map(column).collect());
    out.insert("values", table.values.iter().map(column).collect());
    out.insert(
        "range",
        match table.period_column() {
            Some(Column { name, role: ColumnRole::Period(Form::Day), .. }) => {
                vec![format!("{name} YYYYMMDD")]
            }
            Some(Column { name, .. }) => vec![format!("{name} YYYYMMDDHH")],
            None => Vec::new(),
        },
    );

    let field = |field: &Field| {
        let kind = match field.value {
            Value::Constant(Constant::Param(_)) => "param",
            Value::Constant(value) => panic!("{}: {value:?}", endpoint.name),
            Value::Row(RowValue::Timestamp(_)) => "timestamp",
            Value::Row(
                RowValue::Count(_)
                | RowValue::OptionalInt(_)
                | RowValue::Position
                | RowValue::RoundedUp(_),
            ) => "integer",
            Value::Row(RowValue::Double(_)) => "number",
            Value::Row(RowValue::Text(_) | RowValue::Redacted(_) | RowValue::Interval(_)) => {
                "string"
            }
        };
        format!("{} {kind}", field.key)
    };
    let fields = |fields: &[Field]| fields.iter().map(field).collect();
    let (item, list, entry) = match endpoint.body {
        Body::Items { item } => (fields(item), Vec::new(), Vec::new()),
        Body::List { item, list, entry } => (fields(item), vec![list.to_owned()], fields(entry)),
        Body::Top { .. } | Body::Context { .. } => panic!("{}: the envelope", endpoint.name),
    };
    out.insert("item", item);
    out.insert("list", list);
    out.insert("list entry", entry);
    out
}

/// Describes an endpoint of the file; `query` is its resolved example.
fn describe_spec(spec: &Spec, query: &Query) -> Description {
    let mut out = Description::new();
    out.insert("path", vec![spec.path.clone()]);
    out.insert("service", vec![spec.service.clone()]);
    let param = |param: &SpecParam| {
        let norm = param.norm.join(", ");
        let SpecParam { name, kind, values, unrouted, .. } = param;
        format!("{name} {kind} [{norm}] {values:?} {unrouted:?}")
    };
    out.insert("parameters", spec.params.iter().map(param).collect());
    let date = |(granularity, rule): (&String, &String)| {
        format!("{granularity}: {}", date_rule(granularity, rule))
    };
    out.insert("dates", spec.dates.iter().map(date).collect());

    let id = &spec.id;
    let store = &spec.store;
    assert_eq!((&*store.kind, &*store.keyspace), ("table", "restbase"), "{id}: the store");
    // Every RESTBase table has `_domain` first and `_tid` last in its key. The catalogue leaves
    // both out.
    let (domain, partition) = store.partition.split_first().expect("a partition");
    assert_eq!(
        (&*domain.name, &*domain.kind, domain.constant.as_deref()),
        ("_domain", "text", Some(DOMAIN)),
        "{id}: the first partition column"
    );
    let (tid, clustering) = store.clustering.split_last().expect("clustering columns");
    assert_eq!(
        (&*tid.name, &*tid.kind, tid.order.as_deref()),
        ("_tid", "timeuuid", Some("desc")),
        "{id}: the last clustering column"
    );
    // The catalogue's tables are ascending.
    for column in clustering {
        assert_eq!(column.order.as_deref(), Some("asc"), "{id}: the order of {}", column.name);
    }
    // The file has JSON as text, and names it in `list_from`.
    let column = |column: &SpecColumn| {
        let json = column.kind == "text" && spec.body.list_from.contains(&column.name);
        format!("{} {}", column.name, if json { "json" } else { &column.kind })
    };
    out.insert("table", vec![store.table.clone()]);
    out.insert("partition", partition.iter().map(column).collect());
    let value = |column: &SpecColumn| match (&column.constant, &column.param) {
        (Some(constant), None) => constant.clone(),
        (None, Some(param)) => value_of(query, param),
        _ => panic!("{id}: {} has not one of const and param", column.name),
    };
    out.insert("partition of the example", partition.iter().map(value).collect());
    out.insert("clustering", clustering.iter().map(column).collect());
    out.insert("values", store.values.iter().map(column).collect());
    let range = |range: &SpecRange| format!("{} {}", range.column, range.form);
    out.insert("range", store.range.iter().map(range).collect());

    // A constant granularity means that only its rows are stored. A parameter without rows for
    // `all-days` means that no months are.
    let stored = partition.iter().find(|column| column.name == "granularity");
    let no_months = spec.params.iter().any(|param| param.no_rows == [ALL_DAYS]);
    let granularities = match stored.and_then(|column| column.constant.clone()) {
        Some(only) => vec![only],
        None => {
            let all = spec.dates.keys().filter(|name| !(no_months && *name == "monthly"));
            all.cloned().collect()
        }
    };
    out.insert("granularities of datasets", granularities);

    let field = |field: &SpecField| match &*field.from {
        from @ ("param" | "timestamp") => format!("{} {from}", field.name),
        "column" | "computed" => format!("{} {}", field.name, field.kind),
        other => panic!("{id}: {} comes from {other}, which the catalogue lacks", field.name),
    };
    let expected = if spec.body.list.is_some() { "items-with-list" } else { "items" };
    assert_eq!(spec.body.envelope, expected, "{id}: the envelope");
    out.insert("item", spec.body.fields.iter().map(field).collect());
    out.insert("list", spec.body.list.iter().cloned().collect());
    out.insert("list entry", spec.body.list_fields.iter().map(field).collect());
    out
}

fn value_of(query: &Query, name: &str) -> String {
    let param = query.endpoint().params().find(|param| param.name == name).expect("a parameter");
    query.value(param).expect("its value").to_owned()
}

/// The properties of a date rule of §1.2. DR4 is one rule there and three in the code.
fn date_rule(granularity: &str, rule: &str) -> String {
    let rule = match (rule, granularity) {
        ("DR1", "daily") => DateRule::DR1,
        ("DR1m", "monthly") => DateRule::DR1M,
        ("DR2", "hourly") => DateRule::DR2,
        ("DR3", "daily" | "monthly") => DateRule::DR3,
        ("DR4", "hourly") => DateRule::DR4H,
        ("DR4", "daily") => DateRule::DR4,
        ("DR4", "monthly") => DateRule::DR4M,
        ("DR7", "daily" | "monthly") => return "year, month and day".to_owned(),
        ("DR8", "monthly") => return "year and month".to_owned(),
        _ => panic!("the catalogue has no rule {rule} for {granularity}"),
    };
    format!("{rule:?}")
}

fn read_document() -> Document {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/endpoints.yaml");
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_catalogue_agrees_with_the_contract() {
    let document = read_document();
    assert_eq!(document.keyspaces.restbase.tid, TID);
    let catalogue = Catalogue::standard().unwrap();
    let mut differences = Vec::new();
    for (id, endpoint) in catalogue.endpoints() {
        let name = endpoint.name;
        let Some(spec) = document.endpoints.iter().find(|spec| spec.id == name) else {
            differences.push(format!("{name}: endpoints.yaml has no such endpoint"));
            continue;
        };
        let target = Target { dialect: Dialect::V2, path: &spec.example };
        let query = match catalogue.resolve(target) {
            Ok(query) if query.endpoint_id() == id => query,
            other => {
                differences.push(format!("{name}: {} resolves to {other:?}", spec.example));
                continue;
            }
        };
        let (ours, theirs) = (describe_catalogue(&query), describe_spec(spec, &query));
        assert!(ours.keys().eq(theirs.keys()), "both descriptions have the same aspects");
        for (aspect, ours) in &ours {
            let theirs = &theirs[aspect];
            if ours != theirs {
                differences.push(format!(
                    "{name}: {aspect} differ\n    catalogue:      {ours:?}\n    endpoints.yaml: {theirs:?}"
                ));
            }
        }
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[test]
fn cited_sections_of_the_contract_exist() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let contract = fs::read_to_string(package.join("CONTRACT.md")).unwrap();
    let mut known = BTreeSet::new();
    for line in contract.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            let number = heading.trim_start_matches('#').split_whitespace().next().unwrap_or("");
            known.insert(format!("§{}", number.trim_end_matches('.')));
        } else if let Some(row) = line.strip_prefix("| U") {
            known.insert(format!("U{}", row.split(' ').next().unwrap_or("")));
        }
    }
    let mut citations = Vec::new();
    collect_citations(&package.join("../.."), &mut citations);
    assert!(citations.len() > 20, "only {} citations were found", citations.len());
    let unknown: Vec<_> = citations.iter().filter(|(_, cited)| !known.contains(cited)).collect();
    assert!(unknown.is_empty(), "CONTRACT.md lacks {unknown:?}");
}

/// Adds what the files of a folder cite after the word "contract", each with its file.
fn collect_citations(folder: &Path, citations: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" {
                collect_citations(&path, citations);
            }
            continue;
        }
        if ![".rs", ".md", ".yaml"].iter().any(|extension| name.ends_with(extension)) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        // A citation may go on in the next line of a comment.
        let words = text.split_whitespace().filter(|word| !word.starts_with("//"));
        let mut follows = false;
        for word in words {
            let cited = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '§');
            let number = cited.strip_prefix('U').is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
            });
            if follows && (cited.starts_with('§') || number) {
                citations.push((path.display().to_string(), cited.to_owned()));
            } else {
                follows = cited.eq_ignore_ascii_case("contract")
                    || cited == "contract's"
                    || cited == "CONTRACT.md"
                    || (follows && cited == "and");
            }
        }
    }
}

//! Compares the catalogue with `endpoints.yaml`, and citations with the sections of `CONTRACT.md`.
//!
//! Paths, dialects, parameters, dates, tables, partitions, aggregations of events, bodies, the noun
//! of a 404 and the protection of countries and addresses are compared. Not compared are:
//!
//! - the selected columns, the order of items and the treatment of nulls: scenarios hold them;
//! - `words` of sets that are open anyway (projects, users, categories, texts): any value resolves;
//! - `disallowed-articles` under `protect`: the catalogue has no such protection yet.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end where it fails"
)]

#[path = "further_kinds.rs"]
mod further_kinds;

use aqs_api::body::{Body, Constant, Field, RowValue, TimeForm, Value};
use aqs_api::calendar::{DateRule, Form};
use aqs_api::endpoint::Protection;
use aqs_api::lookup::EventRead;
use aqs_api::param::{Alias, Role};
use aqs_api::source::{Dimension, Events, Figure, Grouping};
use aqs_api::table::{ALL_DAYS, Column, ColumnRole, ColumnType, Content, DOMAIN, Layout, TID};
use aqs_api::{Catalogue, Dialect, Endpoint, Lookup, Query, Read, Target};
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
    events: EventNames,
    endpoints: Vec<Spec>,
}

#[derive(Deserialize)]
struct EventNames {
    base: BTreeMap<String, serde_json::Value>,
    filters: BTreeMap<String, Filter>,
}

#[derive(Deserialize)]
struct Filter {
    dimension: String,
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
    span_limit_days: Option<u16>,
    store: SpecStore,
    body: SpecBody,
    example: String,
    dialects: Vec<String>,
    empty: Option<String>,
    protect: Vec<String>,
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
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
    // Values that are not served yet.
    #[serde(default, rename = "upcoming")]
    _upcoming: IgnoredAny,
}

/// A table, or events, which lack the keys of the other.
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
    #[serde(default)]
    datasource: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    base: serde_json::Value,
    #[serde(default)]
    filters: Vec<String>,
    #[serde(default)]
    dimension: String,
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(default)]
    empty_buckets: String,
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
    #[serde(default)]
    context: Vec<SpecField>,
    fields: Vec<SpecField>,
    #[serde(default)]
    results: Vec<SpecField>,
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
    #[serde(default)]
    value: String,
    /// The form of a period: its digits by granularity, or one text.
    #[serde(default)]
    form: serde_json::Value,
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
        let (mut words, mut aliases): (&[&str], &[Alias]) = (&[], &[]);
        let (kind, norm) = match param.role {
            Role::Project { .. } => ("project", "N-PROJECT"),
            Role::OneProject => ("project-no-all", "N-PROJECT, N-NOALL"),
            Role::Referer { words: of_role, aliases: known } => {
                (words, aliases) = (of_role, known);
                ("referer", "N-REFERER")
            }
            Role::CommonsPage => ("category", "N-CAT"),
            Role::File => ("file-path", "N-FILE"),
            Role::User => ("user-text", "N-USER"),
            Role::Id => ("central-id", ""),
            Role::Text => ("text", ""),
            Role::Enumeration { aliases: known, .. } => {
                aliases = known;
                ("enum", "N-ENUM")
            }
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
            Role::Month => {
                if !endpoint.params().any(|param| matches!(param.role, Role::Day { .. })) {
                    dates.push("monthly: year and month".to_owned());
                }
                ("month", "")
            }
            Role::Day { aliases: known } => {
                (words, aliases) = (&[ALL_DAYS], known);
                dates.push("daily: year, month and day".to_owned());
                dates.push("monthly: year, month and day".to_owned());
                ("day", "")
            }
            Role::Start(rule) => {
                dates.extend(rule.map(|rule| format!("monthly: {rule:?}")));
                ("date-start", "")
            }
            Role::End => ("date-end", ""),
        };
        let values = param.role.closed_values().unwrap_or_default();
        let aliases: BTreeMap<&str, &str> = aliases.iter().copied().collect();
        params.push(format!(
            "{} {kind} [{norm}] {values:?} {unrouted_values:?} {words:?} {aliases:?}",
            param.name
        ));
    }
    out.insert("parameters", params);
    let dialect = match endpoint.dialect {
        Dialect::V1 => "1.0",
        Dialect::V2 => "2.0",
    };
    out.insert("dialects", vec![dialect.to_owned()]);
    out.insert(
        "noun of a 404",
        endpoint.no_data.iter().map(|noun| noun.name().to_owned()).collect(),
    );
    let mut protect: Vec<String> = Vec::new();
    for protection in endpoint.protect {
        match protection {
            Protection::Country(_) | Protection::Countries(_) => {
                protect.push("countries".to_owned());
            }
        }
    }
    let is_redacted = |field: &Field| matches!(field.value, Value::Row(RowValue::Redacted(_)));
    if endpoint.body.row().iter().any(is_redacted) {
        protect.push("ip-redaction".to_owned());
    }
    out.insert("protect", protect);
    dates.sort();
    out.insert("dates", dates);

    let granularities = endpoint.datasets().iter().map(|dataset| dataset.granularity.as_str());
    let granularities: BTreeSet<&str> = granularities.collect();
    out.insert("granularities of datasets", granularities.into_iter().map(String::from).collect());

    match query.lookup() {
        Lookup::Points(read) => describe_table(&read, &mut out),
        Lookup::Events(read) => describe_events(&read, &mut out),
    }

    let fields = |fields: &[Field]| fields.iter().map(describe_field).collect();
    let list = |list: &str| vec![list.to_owned()];
    let (envelope, list, entry) = match endpoint.body {
        Body::Items { .. } => ("items", vec![], vec![]),
        Body::List { list: "results", entry, .. } => {
            ("items-with-results", list("results"), fields(entry))
        }
        Body::List { list: name, entry, .. } => ("items-with-list", list(name), fields(entry)),
        Body::Top { entry, .. } => ("items-with-results", list("top"), fields(entry)),
        Body::Context { item, .. } => ("context+items", vec![], fields(item)),
    };
    let around = match endpoint.body {
        Body::Items { item } => item,
        Body::List { .. } | Body::Top { .. } | Body::Context { .. } => endpoint.body.around(),
    };
    out.insert("envelope", vec![envelope.to_owned()]);
    out.insert("fields around the rows, or of items", fields(around));
    out.insert("list", list);
    out.insert("fields of rows", entry);
    out
}

fn describe_table(read: &Read, out: &mut Description) {
    let table = read.table;
    let column = |column: &Column| {
        let kind = match column.kind {
            ColumnType::Text => "text",
            ColumnType::Json => "json",
            ColumnType::Int => "int",
            ColumnType::BigInt => "bigint",
            ColumnType::Double => "double",
            ColumnType::Timestamp => "timestamp",
            ColumnType::Date => "date",
        };
        format!("{} {kind}", column.name)
    };
    let keyspace = match table.layout {
        Layout::Restbase => "restbase",
        Layout::Plain { keyspace } => keyspace,
    };
    out.insert("table", vec![keyspace.to_owned(), table.name.to_owned()]);
    out.insert("partition", table.partition.iter().map(column).collect());
    out.insert("partition of the example", read.partition.iter().map(String::from).collect());
    out.insert("clustering", table.clustering.iter().map(column).collect());
    out.insert("values", table.values.iter().map(column).collect());
    let range = table.period_column().map(|column| {
        let is_day = column.role == ColumnRole::Period(Form::Day);
        format!("{} {}", column.name, if is_day { "YYYYMMDD" } else { "YYYYMMDDHH" })
    });
    out.insert("range", range.into_iter().collect());
}

fn describe_events(read: &EventRead, out: &mut Description) {
    let source = read.source;
    let Content::Events { datasource } = read.dataset.content else { panic!("no events") };
    out.insert("datasource", vec![datasource.to_owned()]);
    let events = match source.events {
        Events::Revisions => "revisions",
        Events::RevisionsKept => "revisions-kept",
        Events::PagesCreated => "pages-kept",
        Events::UsersRegistered => "users-self-created",
        Events::ActiveUsers => "user-digests",
        Events::EditedPages => "page-digests",
    };
    let dimension = |dimension| match dimension {
        Dimension::Project => "project",
        Dimension::UserType => "user_type",
        Dimension::PageType => "page_type",
        Dimension::ActivityLevel => "revisions",
        Dimension::PageTitle => "page_title",
        Dimension::UserText => "user_text",
        Dimension::UserCentralId => "user_central_id",
    };
    let filters = source.filters.iter();
    let filters = filters.map(|(param, of)| format!("{} {}", param.name, dimension(*of)));
    let figure = match source.figure {
        Figure::Events => "events",
        Figure::NetBytes => "text_bytes_diff_sum",
        Figure::AbsoluteBytes => "text_bytes_diff_abs_sum",
    };
    let (query, grouping) = match source.grouping {
        Grouping::ByPeriod => ("timeseries", "zero"),
        Grouping::BySparsePeriod => ("timeseries", "skip"),
        Grouping::Top(of) => ("topN", dimension(of)),
    };
    out.insert("events", vec![events.to_owned()]);
    out.insert("filters", filters.collect());
    out.insert("metric", vec![source.metric.to_owned(), figure.to_owned()]);
    out.insert("query", vec![query.to_owned(), grouping.to_owned()]);
}

fn describe_field(field: &Field) -> String {
    let form = |form| match form {
        TimeForm::Digits => "digits",
        TimeForm::Rfc3339 => "YYYY-MM-DDT00:00:00.000Z",
        TimeForm::Blank => "YYYY-MM-DD 00:00:00.000Z",
    };
    let kind = match field.value {
        Value::Constant(Constant::Param(_)) => "param string".to_owned(),
        Value::Constant(Constant::Number(_)) => "param integer".to_owned(),
        Value::Constant(Constant::Text(text)) => format!("const {text}"),
        Value::Constant(Constant::Granularity) => "string".to_owned(),
        Value::Constant(Constant::Start(of) | Constant::End(of)) => {
            format!("timestamp {}", form(of))
        }
        Value::Row(RowValue::Timestamp(of)) => format!("timestamp {}", form(of)),
        Value::Row(
            RowValue::Count(_)
            | RowValue::CountIfLoaded(_)
            | RowValue::OptionalInt(_)
            | RowValue::Position
            | RowValue::RoundedUp(_),
        ) => "integer".to_owned(),
        Value::Row(RowValue::Double(_)) => "number".to_owned(),
        Value::Row(RowValue::Text(_) | RowValue::Redacted(_) | RowValue::Interval(_)) => {
            "string".to_owned()
        }
    };
    format!("{} {kind}", field.key)
}

/// Describes an endpoint of the file; `value` returns the parameters of its example.
fn describe_spec(document: &Document, spec: &Spec, value: &dyn Fn(&str) -> String) -> Description {
    let mut out = Description::new();
    out.insert("path", vec![spec.path.clone()]);
    out.insert("service", vec![spec.service.clone()]);
    let param = |param: &SpecParam| {
        let norm = param.norm.join(", ");
        let SpecParam { name, kind, values, unrouted, words, aliases, .. } = param;
        let words: &[String] = if ["referer", "day"].contains(&&**kind) { words } else { &[] };
        // A media file is normalised as a category.
        let kind = if kind == "media-file" { "category" } else { kind };
        format!("{name} {kind} [{norm}] {values:?} {unrouted:?} {words:?} {aliases:?}")
    };
    out.insert("parameters", spec.params.iter().map(param).collect());
    out.insert("dialects", spec.dialects.clone());
    out.insert("noun of a 404", spec.empty.iter().cloned().collect());
    let protect = spec.protect.iter().filter(|kind| *kind != "disallowed-articles");
    out.insert("protect", protect.cloned().collect());
    let date = |(granularity, rule): (&String, &String)| {
        format!("{granularity}: {}", date_rule(granularity, rule, spec.span_limit_days))
    };
    out.insert("dates", spec.dates.iter().map(date).collect());

    match &*spec.store.kind {
        "table" | "gateway" => spec_table(document, spec, value, &mut out),
        "events" => spec_events(document, &spec.store, &mut out),
        other => panic!("{}: the store {other}", spec.id),
    }

    // A constant granularity means that only its rows are stored. A parameter without rows for
    // `all-days` means that no months are.
    let mut partition = spec.store.partition.iter();
    let stored = partition.find(|column| column.name == "granularity");
    let no_months = spec.params.iter().any(|param| param.no_rows == [ALL_DAYS]);
    let granularities = match stored.and_then(|column| column.constant.clone()) {
        Some(only) => vec![only],
        None => {
            let all = spec.dates.keys().filter(|name| !(no_months && *name == "monthly"));
            all.cloned().collect()
        }
    };
    out.insert("granularities of datasets", granularities);

    let fields =
        |fields: &[SpecField]| fields.iter().map(|field| spec_field(spec, field)).collect();
    let SpecBody { envelope, context, fields: of_items, results, list, list_fields, .. } =
        &spec.body;
    // The one result of a top list has its period; the catalogue has no field for it.
    let (around, rows) = match (&**envelope, list) {
        ("context+items", _) => (context, of_items),
        ("items-with-results", None) => (of_items, results),
        _ => (of_items, list_fields),
    };
    let list = list.as_deref().or((envelope == "items-with-results").then_some("results"));
    out.insert("envelope", vec![envelope.clone()]);
    out.insert("fields around the rows, or of items", fields(around));
    out.insert("list", list.into_iter().map(str::to_owned).collect());
    out.insert("fields of rows", fields(rows));
    out
}

fn spec_table(
    document: &Document,
    spec: &Spec,
    value: &dyn Fn(&str) -> String,
    out: &mut Description,
) {
    let (id, store) = (&spec.id, &spec.store);
    let (mut partition, mut clustering) = (&store.partition[..], Vec::new());
    // The catalogue leaves out what every RESTBase table has in its key.
    let tids = store.clustering.iter().filter(|column| column.name == "_tid").count();
    if store.keyspace == "restbase" {
        let (domain, rest) = store.partition.split_first().expect("a partition");
        assert_eq!(
            (&*domain.name, &*domain.kind, domain.constant.as_deref()),
            ("_domain", "text", Some(DOMAIN)),
            "{id}: the first partition column"
        );
        partition = rest;
    }
    assert_eq!(tids, usize::from(store.keyspace == "restbase"), "{id}: _tid");
    for column in &store.clustering {
        let order = column.order.as_deref();
        if column.name == "_tid" {
            assert_eq!((&*column.kind, order), ("timeuuid", Some("desc")), "{id}: _tid");
        } else {
            // The catalogue's tables are ascending.
            assert_eq!(order, Some("asc"), "{id}: the order of {}", column.name);
            clustering.push(column);
        }
    }
    // The file has JSON as text, and some endpoint of the table names it in `list_from`.
    let of_table = |other: &&Spec| other.store.table == store.table;
    let json: BTreeSet<&String> = document
        .endpoints
        .iter()
        .filter(of_table)
        .flat_map(|other| &other.body.list_from)
        .collect();
    let column = |column: &SpecColumn| {
        let json = column.kind == "text" && json.contains(&column.name);
        format!("{} {}", column.name, if json { "json" } else { &column.kind })
    };
    out.insert("table", vec![store.keyspace.clone(), store.table.clone()]);
    out.insert("partition", partition.iter().map(column).collect());
    let key = |column: &SpecColumn| match (&column.constant, &column.param) {
        (Some(constant), None) => constant.clone(),
        (None, Some(param)) => value(param),
        _ => panic!("{id}: {} has not one of const and param", column.name),
    };
    out.insert("partition of the example", partition.iter().map(key).collect());
    out.insert("clustering", clustering.into_iter().map(column).collect());
    out.insert("values", store.values.iter().map(column).collect());
    let range = |range: &SpecRange| format!("{} {}", range.column, range.form);
    out.insert("range", store.range.iter().map(range).collect());
}

fn spec_events(document: &Document, store: &SpecStore, out: &mut Description) {
    out.insert("datasource", vec![store.datasource.clone()]);
    let mut bases = document.events.base.iter();
    let (events, _) = bases.find(|(_, base)| **base == store.base).expect("a base");
    let filter = |name: &String| format!("{name} {}", document.events.filters[name].dimension);
    let grouping = match &*store.query {
        "topN" => &store.dimension,
        _ => &store.empty_buckets,
    };
    out.insert("events", vec![events.clone()]);
    out.insert("filters", store.filters.iter().map(filter).collect());
    out.insert("metric", vec![store.metric["name"].clone(), store.metric["field"].clone()]);
    out.insert("query", vec![store.query.clone(), grouping.clone()]);
}

fn spec_field(spec: &Spec, field: &SpecField) -> String {
    let SpecField { name, kind, from, value, form } = field;
    // A column of the partition key has the value of its parameter.
    let is_key = |column: &SpecColumn| column.name == *name && column.param.is_some();
    let is_param = from == "column" && spec.store.partition.iter().any(is_key);
    match &**from {
        _ if is_param => format!("{name} param {kind}"),
        "param" => format!("{name} param {kind}"),
        "timestamp" => format!("{name} timestamp {}", form.as_str().unwrap_or("digits")),
        "const" => format!("{name} const {value}"),
        "column" | "computed" | "metric" | "dimension" => format!("{name} {kind}"),
        other => panic!("{}: {name} comes from {other}", spec.id),
    }
}

fn value_of(query: &Query, name: &str) -> String {
    let param = query.endpoint().params().find(|param| param.name == name).expect("a parameter");
    query.value(param).expect("its value").to_owned()
}

/// The properties of a date rule of §1.2. DR4 is one rule there and three in the code.
fn date_rule(granularity: &str, rule: &str, max_days: Option<u16>) -> String {
    let rule = match (rule, granularity) {
        ("DR1", "daily") => DateRule::DR1,
        ("DR1m", "monthly") => DateRule::DR1M,
        ("DR2", "hourly") => DateRule::DR2,
        ("DR3", "daily" | "monthly") => DateRule::DR3,
        ("DR4", "hourly") => DateRule::DR4H,
        ("DR4", "daily") => DateRule::DR4,
        ("DR4", "monthly") => DateRule::DR4M,
        ("DR5", "daily") => DateRule::DR5,
        ("DR5", "monthly") => DateRule::DR5M,
        ("DR9", "monthly") => DateRule::DR9,
        ("DR10", "monthly") => DateRule::DR10,
        ("DR11", "daily" | "monthly") => DateRule::DR11,
        ("DR6" | "DR7", "daily" | "monthly") => return "year, month and day".to_owned(),
        ("DR8", "monthly") => return "year and month".to_owned(),
        _ => panic!("the catalogue has no rule {rule} for {granularity}"),
    };
    format!("{:?}", DateRule { max_days, ..rule })
}

fn read_document() -> Document {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/endpoints.yaml");
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_catalogue_agrees_with_the_contract() {
    compare(&Catalogue::standard().unwrap());
}

/// So that none of them needs a change here when it is served.
#[test]
fn endpoints_of_further_kinds_agree_with_the_contract() {
    compare(&Catalogue::new(further_kinds::ALL).unwrap());
}

/// Shows that `describe_spec` knows every kind, rule and source in the file, so that no endpoint
/// needs a change of it. That the catalogue's types carry an endpoint, only its declaration shows.
#[test]
fn the_description_of_the_file_covers_every_endpoint() {
    let document = read_document();
    assert!(document.endpoints.len() > 50);
    for spec in &document.endpoints {
        let description = describe_spec(&document, spec, &str::to_owned);
        assert!(description.contains_key("envelope"), "{}", spec.id);
    }
}

#[test]
fn a_field_too_many_or_too_few_is_a_difference() {
    let changed = |name: &str, change: fn(&mut Vec<Field>)| {
        let standard = Catalogue::standard().unwrap();
        let (_, endpoint) =
            standard.endpoints().find(|(_, endpoint)| endpoint.name == name).unwrap();
        let mut fields = endpoint.body.row().to_vec();
        change(&mut fields);
        let fields = fields.leak();
        let body = match endpoint.body {
            Body::List { item, list, .. } => Body::List { item, list, entry: fields },
            Body::Items { .. } | Body::Top { .. } | Body::Context { .. } => {
                Body::Items { item: fields }
            }
        };
        let endpoint: &Endpoint = Box::leak(Box::new(Endpoint { body, ..*endpoint }));
        differences(&Catalogue::new(Box::leak(Box::new([endpoint]))).unwrap())
    };
    for (name, aspect) in [
        ("unique-devices", "fields around the rows, or of items"),
        ("pageviews/top", "fields of rows"),
    ] {
        assert_eq!(changed(name, |_| {}), [""; 0]);
        for change in [
            |fields: &mut Vec<Field>| fields.push(fields.last().unwrap().named("other")),
            |fields: &mut Vec<Field>| fields.truncate(fields.len() - 1),
        ] {
            let found = changed(name, change);
            let [only] = found.as_slice() else { panic!("{found:?}") };
            assert!(only.starts_with(&format!("{name}: {aspect} differ")), "{only}");
        }
    }
}

fn compare(catalogue: &Catalogue) {
    let differences = differences(catalogue);
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

fn differences(catalogue: &Catalogue) -> Vec<String> {
    let document = read_document();
    assert_eq!(document.keyspaces.restbase.tid, TID);
    let mut differences = Vec::new();
    for (id, endpoint) in catalogue.endpoints() {
        let name = endpoint.name;
        let Some(spec) = document.endpoints.iter().find(|spec| spec.id == name) else {
            differences.push(format!("{name}: endpoints.yaml has no such endpoint"));
            continue;
        };
        let target = Target { dialect: endpoint.dialect, path: &spec.example };
        let query = match catalogue.resolve(target) {
            Ok(query) if query.endpoint_id() == id => query,
            other => {
                differences.push(format!("{name}: {} resolves to {other:?}", spec.example));
                continue;
            }
        };
        let (ours, theirs) = (
            describe_catalogue(&query),
            describe_spec(&document, spec, &|name: &str| value_of(&query, name)),
        );
        let aspects: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        for aspect in aspects {
            let (ours, theirs) = (ours.get(aspect), theirs.get(aspect));
            if ours != theirs {
                differences.push(format!(
                    "{name}: {aspect} differ\n    catalogue:      {ours:?}\n    endpoints.yaml: {theirs:?}"
                ));
            }
        }
    }
    differences
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

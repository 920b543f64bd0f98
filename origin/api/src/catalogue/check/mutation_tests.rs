//! An endpoint with one mistake of each kind, each of which is refused when a catalogue is built.

use super::EndpointError::{self, *};
use crate::body::{Body, Constant, Count, Field, Value, count, row, text};
use crate::body::{RowValue, TIMESTAMP};
use crate::catalogue::{Catalogue, CatalogueError};
use crate::endpoint::{Endpoint, Protection, Segment};
use crate::endpoints::ALL;
use crate::param::{Param, Role};
use crate::rows::RowsError;
use crate::source::{JsonList, KeyValue, Order, Source, TableSource};
use crate::table::{Content, Dataset, Table, bigint};

type Mutation = (&'static str, &'static str, EndpointError, fn(&mut Endpoint));

const DEVICES: &str = "unique-devices";
const DAILY: &str = "unique-devices-daily";
const TOP: &str = "pageviews/top";
const ARTICLE: &str = "pageviews/per-article";

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn source(endpoint: &mut Endpoint, change: impl FnOnce(&mut TableSource)) {
    let Source::Table(source) = endpoint.source else { panic!("no table") };
    let mut source = TableSource { ..*source };
    change(&mut source);
    endpoint.source = Source::Table(leak(source));
}

fn partition(endpoint: &mut Endpoint, change: impl FnOnce(&mut Vec<KeyValue>)) {
    source(endpoint, |source| {
        let mut partition = source.partition.to_vec();
        change(&mut partition);
        source.partition = partition.leak();
    });
}

fn datasets(endpoint: &mut Endpoint, change: impl Fn(&mut Dataset)) {
    source(endpoint, |source| {
        let changed = source.datasets.iter().map(|dataset| {
            let mut dataset = Dataset { ..**dataset };
            change(&mut dataset);
            leak(dataset)
        });
        source.datasets = changed.collect::<Vec<_>>().leak();
    });
}

fn probe(endpoint: &mut Endpoint, probe: &'static [&'static str]) {
    datasets(endpoint, |dataset| dataset.set_probe(probe));
}

fn list(endpoint: &mut Endpoint, change: impl FnOnce(&mut JsonList)) {
    source(endpoint, |source| {
        let mut list = JsonList { ..*source.list.unwrap() };
        change(&mut list);
        source.list = Some(leak(list));
    });
}

/// Changes the fields of the rows.
fn fields(endpoint: &mut Endpoint, change: impl FnOnce(&mut Vec<Field>)) {
    let mut fields = endpoint.body.row().to_vec();
    change(&mut fields);
    let fields = fields.leak();
    endpoint.body = match endpoint.body {
        Body::Items { .. } => Body::Items { item: fields },
        Body::Context { context, .. } => Body::Context { context, item: fields },
        Body::List { item, list, .. } => Body::List { item, list, entry: fields },
        Body::Top { item, .. } => Body::Top { item, entry: fields },
    };
}

fn mutations() -> Vec<Mutation> {
    let no_column = |name: &str| NoColumn(name.to_owned());
    let body = |path: &str, reason: RowsError| EndpointError::Body {
        path: path.to_owned(),
        reason: reason.to_string(),
    };
    let top = "/pageviews/top/en.wikipedia/all-access/2026/10/15";
    let no_member = |name: &str| body(top, RowsError::NoColumn(name.to_owned()));
    let no_months =
        body("/pageviews/top/en.wikipedia/desktop/2026/10/all-days", RowsError::NoPeriods);
    let devices = "/unique-devices/en.wikipedia/all-sites/daily/2026100100";
    let no_text =
        body(&format!("{devices}/2026103100"), RowsError::NoColumn("timestamp".to_owned()));
    let no_example = Example(format!("{devices}/2025"));
    vec![
        (
            "a partition that is too short",
            DEVICES,
            PartitionLength { table: "unique_devices", expected: 3, found: 2 },
            |endpoint| {
                partition(endpoint, |partition| partition.truncate(2));
            },
        ),
        (
            "a partition that is too long",
            DEVICES,
            PartitionLength { table: "unique_devices", expected: 3, found: 4 },
            |endpoint| {
                partition(endpoint, |partition| partition.push(KeyValue::Const("x")));
            },
        ),
        (
            "a partition in another order",
            DEVICES,
            PartitionValue { column: "project", value: "access-site" },
            |endpoint| {
                partition(endpoint, |partition| partition.swap(0, 1));
            },
        ),
        (
            "a probe that is too short",
            DEVICES,
            Probe { dataset: DAILY, expected: 3, found: 2 },
            |endpoint| {
                probe(endpoint, &["en.wikipedia", "all-sites"]);
            },
        ),
        (
            "a probe with an empty value",
            DEVICES,
            Probe { dataset: DAILY, expected: 3, found: 3 },
            |endpoint| {
                probe(endpoint, &["en.wikipedia", "", "daily"]);
            },
        ),
        (
            "a probe with a value outside of a closed set",
            DEVICES,
            ProbeValue { dataset: DAILY, column: "access-site", value: "all-access" },
            |endpoint| {
                probe(endpoint, &["en.wikipedia", "all-access", "daily"]);
            },
        ),
        (
            "a probe with a project in another spelling",
            DEVICES,
            ProbeValue { dataset: DAILY, column: "project", value: "en.wikipedia.org" },
            |endpoint| {
                probe(endpoint, &["en.wikipedia.org", "all-sites", "daily"]);
            },
        ),
        (
            "a probe of another granularity",
            DEVICES,
            ProbeValue { dataset: DAILY, column: "granularity", value: "hourly" },
            |endpoint| {
                probe(endpoint, &["en.wikipedia", "all-sites", "hourly"]);
            },
        ),
        ("a column that does not exist", DEVICES, no_column("device"), |endpoint| {
            fields(endpoint, |fields| fields.push(count(&["device"], "")));
        }),
        ("a column of another type", DEVICES, no_column("devices"), |endpoint| {
            fields(endpoint, |fields| fields.push(text("devices", "").named("x")));
        }),
        ("a list in a column that does not exist", TOP, no_column("articlesjson"), |endpoint| {
            list(endpoint, |list| list.columns = &["articlesjson"]);
        }),
        ("a list in no column", TOP, no_column(""), |endpoint| {
            list(endpoint, |list| list.columns = &[])
        }),
        (
            "a list that is ordered by a member that does not exist",
            TOP,
            no_column("ranks"),
            |endpoint| {
                list(endpoint, |list| list.order = &[("ranks", Order::Ascending)]);
            },
        ),
        ("a member that does not exist", TOP, no_column("view"), |endpoint| {
            fields(endpoint, |fields| fields.push(count(&["view"], "")));
        }),
        ("a body without one of the parameters", DEVICES, Incomplete("access-site"), |endpoint| {
            fields(endpoint, |fields| fields.retain(|field| field.key != "access-site"));
        }),
        (
            "a body without one of the parameters around its list",
            TOP,
            Incomplete("project"),
            |endpoint| {
                let Body::List { item: [_, item @ ..], list, entry } = endpoint.body else {
                    return;
                };
                endpoint.body = Body::List { item, list, entry };
            },
        ),
        ("a series without periods", DEVICES, Incomplete("the periods of its rows"), |endpoint| {
            fields(endpoint, |fields| fields.retain(|field| field.key != TIMESTAMP.key));
        }),
        (
            "a body without a value of its rows",
            DEVICES,
            Incomplete("a value of its rows"),
            |endpoint| {
                let is_value = |field: &Field| matches!(field.value, Value::Row(value) if !matches!(value, RowValue::Timestamp(_)));
                fields(endpoint, |fields| fields.retain(|field| !is_value(field)));
            },
        ),
        ("a key that is there twice", DEVICES, Key("devices"), |endpoint| {
            fields(endpoint, |fields| fields.push(count(&["devices"], "")));
        }),
        ("a parameter of another endpoint", DEVICES, NoParam("day"), |endpoint| {
            let day = ALL.iter().find(|other| other.name == TOP);
            let day = day.and_then(|top| top.params().find(|param| param.name == "day")).unwrap();
            fields(endpoint, |fields| fields.push(crate::body::param(day)));
        }),
        (
            "a position among rows that are summed to months",
            ARTICLE,
            NotSummable("position"),
            |endpoint| {
                fields(endpoint, |fields| fields.push(row("position", RowValue::Position, "")));
            },
        ),
        ("a parameter that is no number, as a number", DEVICES, NoNumber("project"), |endpoint| {
            fields(endpoint, |fields| {
                let Value::Constant(Constant::Param(param)) = fields[0].value else { return };
                fields[0].value = Value::Constant(Constant::Number(param));
            });
        }),
        ("a member that may be null", TOP, no_member("views"), |endpoint| {
            fields(endpoint, |fields| fields[1].value = Value::Row(RowValue::OptionalInt("views")));
        }),
        ("a member whose addresses are hidden", TOP, no_member("article"), |endpoint| {
            fields(endpoint, |fields| fields[0].value = Value::Row(RowValue::Redacted("article")));
        }),
        ("members that are summed", TOP, no_member("views"), |endpoint| {
            let access = endpoint.params().find(|param| param.name == "access").unwrap();
            let Role::Enumeration { values, .. } = access.role else { return };
            let views: &[&str] = &["views"];
            let columns: Vec<_> = values.iter().map(|value| (*value, views)).collect();
            let sum = RowValue::Count(Count::SumBy(access, columns.leak()));
            fields(endpoint, |fields| fields[1].value = Value::Row(sum));
        }),
        ("a member with a fallback", TOP, Fallback("views"), |endpoint| {
            fields(endpoint, |fields| fields[1] = count(&["views", "rank"], ""));
        }),
        ("a period as a text", DEVICES, no_text, |endpoint| {
            fields(endpoint, |fields| fields.push(text("timestamp", "").named("x")));
        }),
        ("months of days that have no periods", TOP, no_months, |endpoint| {
            source(endpoint, |source| {
                source.list = None;
                let table = leak(Table { values: leak([bigint("views")]), ..*source.table });
                let content = Content::Table { table, probe: source.datasets[0].probe() };
                source.table = table;
                source.datasets = leak([leak(Dataset { content, ..*source.datasets[0] })]);
            });
            fields(endpoint, |fields| *fields = vec![count(&["views"], "")]);
        }),
        ("an example that is refused", DEVICES, no_example, |endpoint| {
            let mut segments = endpoint.segments.to_vec();
            let Segment::Param(end) = segments[5] else { return };
            segments[5] = Segment::Param(leak(Param { example: "2025", ..*end }));
            endpoint.segments = segments.leak();
        }),
        ("withheld rows that are not in a list", DEVICES, no_column("timestamp"), |endpoint| {
            endpoint.protect = &[Protection::Countries("timestamp")];
        }),
        (
            "a dataset name that alerts do not watch",
            DEVICES,
            DatasetName("unique-devices"),
            |endpoint| {
                datasets(endpoint, |dataset| dataset.name = "unique-devices");
            },
        ),
    ]
}

#[test]
fn each_mistake_is_refused() {
    for (what, name, expected, mutate) in mutations() {
        let mut endpoint = **ALL.iter().find(|endpoint| endpoint.name == name).unwrap();
        let built = |endpoint| Catalogue::new(leak([leak(endpoint)]));
        assert!(built(endpoint).is_ok(), "{name}");
        mutate(&mut endpoint);
        let expected = CatalogueError::Endpoint { endpoint: name, source: expected };
        assert_eq!(built(endpoint).err(), Some(expected), "{what}");
    }
}

#[test]
fn names_are_unique() {
    let mut other = *ALL[0];
    other.segments = &[Segment::Word("x")];
    let error = Catalogue::new(leak([ALL[0], leak(other)])).err();
    assert_eq!(error, Some(CatalogueError::Name(other.name)));
}

//! An endpoint with one mistake of each kind, each of which is refused when a catalogue is built.

use crate::body::{Body, Field, Value, count, row, text};
use crate::body::{RowValue, TIMESTAMP};
use crate::catalogue::{Catalogue, CatalogueError};
use crate::endpoint::Endpoint;
use crate::endpoints::ALL;
use crate::source::{JsonList, KeyValue, Order, Source, TableSource};
use crate::table::Dataset;

type Mutation = (&'static str, &'static str, fn(&mut Endpoint));

const DEVICES: &str = "unique-devices";
const TOP: &str = "pageviews/top";

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

const MUTATIONS: &[Mutation] = &[
    ("a partition that is too short", DEVICES, |endpoint| {
        partition(endpoint, |partition| partition.truncate(2));
    }),
    ("a partition that is too long", DEVICES, |endpoint| {
        partition(endpoint, |partition| partition.push(KeyValue::Const("x")));
    }),
    ("a partition in another order", DEVICES, |endpoint| {
        partition(endpoint, |partition| partition.swap(0, 1));
    }),
    ("a probe that is too short", DEVICES, |endpoint| {
        probe(endpoint, &["en.wikipedia", "all-sites"]);
    }),
    ("a probe with an empty value", DEVICES, |endpoint| {
        probe(endpoint, &["en.wikipedia", "", "daily"]);
    }),
    ("a probe with a value outside of a closed set", DEVICES, |endpoint| {
        probe(endpoint, &["en.wikipedia", "all-access", "daily"]);
    }),
    ("a probe with a project in another spelling", DEVICES, |endpoint| {
        probe(endpoint, &["en.wikipedia.org", "all-sites", "daily"]);
    }),
    ("a probe of another granularity", DEVICES, |endpoint| {
        probe(endpoint, &["en.wikipedia", "all-sites", "hourly"]);
    }),
    ("a column that does not exist", DEVICES, |endpoint| {
        fields(endpoint, |fields| fields.push(count(&["device"], "")));
    }),
    ("a column of another type", DEVICES, |endpoint| {
        fields(endpoint, |fields| fields.push(text("devices", "")));
    }),
    ("a list in a column that does not exist", TOP, |endpoint| {
        list(endpoint, |list| list.columns = &["articlesjson"]);
    }),
    ("a list in no column", TOP, |endpoint| list(endpoint, |list| list.columns = &[])),
    ("a list that is ordered by a member that does not exist", TOP, |endpoint| {
        list(endpoint, |list| list.order = &[("ranks", Order::Ascending)]);
    }),
    ("a member that does not exist", TOP, |endpoint| {
        fields(endpoint, |fields| fields.push(count(&["view"], "")));
    }),
    ("a body without one of the parameters", DEVICES, |endpoint| {
        fields(endpoint, |fields| fields.retain(|field| field.key != "access-site"));
    }),
    ("a body without one of the parameters around its list", TOP, |endpoint| {
        let Body::List { item: [_, item @ ..], list, entry } = endpoint.body else { return };
        endpoint.body = Body::List { item, list, entry };
    }),
    ("a series without periods", DEVICES, |endpoint| {
        fields(endpoint, |fields| fields.retain(|field| field.key != TIMESTAMP.key));
    }),
    ("a body without a value of its rows", DEVICES, |endpoint| {
        let is_value = |field: &Field| matches!(field.value, Value::Row(value) if !matches!(value, RowValue::Timestamp(_)));
        fields(endpoint, |fields| fields.retain(|field| !is_value(field)));
    }),
    ("a key that is there twice", DEVICES, |endpoint| {
        fields(endpoint, |fields| fields.push(count(&["devices"], "")));
    }),
    ("a parameter of another endpoint", DEVICES, |endpoint| {
        let day = ALL.iter().find(|other| other.name == TOP);
        let day = day.and_then(|top| top.params().find(|param| param.name == "day")).unwrap();
        fields(endpoint, |fields| fields.push(crate::body::param(day)));
    }),
    ("a position among rows that are summed to months", "pageviews/per-article", |endpoint| {
        fields(endpoint, |fields| fields.push(row("position", RowValue::Position, "")));
    }),
];

#[test]
fn each_mistake_is_refused() {
    for (what, name, mutate) in MUTATIONS {
        let mut endpoint = **ALL.iter().find(|endpoint| endpoint.name == *name).unwrap();
        let built = |endpoint| Catalogue::new(leak([leak(endpoint)]));
        assert!(built(endpoint).is_ok(), "{name}");
        mutate(&mut endpoint);
        let error = built(endpoint).unwrap_err();
        assert!(matches!(error, CatalogueError::Endpoint { .. }), "{what}: {error}");
    }
}

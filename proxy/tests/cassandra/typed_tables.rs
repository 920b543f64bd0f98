//! Tables of plain layout and with values of every type, from schema and loader to rows and coverage.

use crate::node::Node;
use crate::rows::run;
use crate::typed_catalogue::{
    EDITORS_MONTHLY, ENDPOINTS, GAPS_MONTHLY, ROWS, SCORES_MONTHLY, assert_rows,
};
use aqs_api::Catalogue;
use aqs_origin::clock::{Clock, Moment};
use aqs_origin::load::{Options, into_cluster};
use aqs_origin::request_context::{Priority, RequestContext};
use aqs_origin::store::Store;
use aqs_origin::store::cassandra::schema::{Wanted, apply};
use aqs_origin::store::cassandra::{CassandraStore, WriteOptions, cql};
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn values_of_every_type_are_stored_and_read() {
    let node = Node::from_env().await;
    let session = node.session().await;
    let catalogue = Catalogue::new(ENDPOINTS).unwrap();
    let tables = catalogue.tables();
    for table in &tables {
        let keyspace = cql::quote(&cql::keyspace(table));
        run(&session, &format!("DROP KEYSPACE IF EXISTS {keyspace}")).await;
    }
    let wanted = Wanted { tables: &tables, replication: None, grant: None };
    let mut changes = Vec::new();
    apply(&node.options(), &wanted, &mut |change| changes.push(change.to_string())).await.unwrap();
    let expected = r#"table "commons"."top_editors_monthly" is created"#;
    assert!(changes.iter().any(|change| change == expected), "{changes:?}");
    // Applied again, it finds no difference.
    changes.clear();
    apply(&node.options(), &wanted, &mut |change| changes.push(change.to_string())).await.unwrap();
    assert_eq!(changes, [""; 0]);

    let folder = tempfile::tempdir().unwrap();
    for (table, rows) in ROWS {
        fs::write(folder.path().join(format!("{table}.ndjson")), rows).unwrap();
    }
    let (options, runtime) = (node.options(), Handle::current());
    // Twice: a load overwrites.
    let load = move || {
        let writing = WriteOptions { concurrency: 8, stop: CancellationToken::new() };
        let catalogue = Catalogue::new(ENDPOINTS).unwrap();
        let (path, how) = (folder.path(), Options::default());
        for _ in 0..2 {
            let report =
                into_cluster(&path.into(), &options, &catalogue, how, &writing, &runtime, &mut ());
            assert_eq!(report.unwrap().bad(), 0);
        }
    };
    tokio::task::spawn_blocking(load).await.unwrap();

    // 2025-04-10: lists are searched from there.
    let clock = Clock::set(Moment(1_744_243_200_000));
    let store = CassandraStore::new(node.options(), catalogue.datasets(), clock).unwrap();
    let (store, stop) = (Arc::new(store), CancellationToken::new());
    let (background, cancel) = (Arc::clone(&store), stop.clone());
    let background = tokio::spawn(async move { background.run(cancel).await });
    let deadline = Instant::now() + Duration::from_secs(60);
    let coverage = loop {
        let coverage = store.coverage().await;
        if let Some(coverage) = coverage.ok().filter(|coverage| !coverage.is_empty()) {
            break coverage;
        }
        assert!(Instant::now() < deadline, "{:?}", store.health_issues());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(store.health_issues(), [""; 0]);
    for (dataset, expected) in [
        (&EDITORS_MONTHLY, Some(("20250301", "20250301"))),
        (&SCORES_MONTHLY, Some(("20250401", "20250401"))),
        (&GAPS_MONTHLY, Some(("20250101", "20250201"))),
    ] {
        let extent = coverage.get(dataset);
        let found = extent.map(|extent| (extent.first.as_str(), extent.last.as_str()));
        assert_eq!(found, expected, "{}", dataset.name);
    }
    assert_rows(|lookup| {
        let ctx = RequestContext::new(deadline, Priority::Live, 1);
        let read = store.read(&lookup, &ctx);
        tokio::task::block_in_place(|| Handle::current().block_on(read)).unwrap()
    });
    stop.cancel();
    background.await.unwrap();
}

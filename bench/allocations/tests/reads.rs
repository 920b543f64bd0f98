//! A read of Cassandra allocates little more than the same read by the bare driver. Allocations
//! are counted on the one thread of the runtime, which has the driver's tasks too.
//!
//! Needs a Cassandra, whose table of unique devices is replaced:
//! `AQS_TEST_CASSANDRA=127.0.0.1:9042`.

use allocation_counter::measure;
use aqs_api::table::{DOMAIN, TID};
use aqs_api::tables::UNIQUE_DEVICES;
use aqs_api::{Catalogue, Lookup, Target};
use aqs_origin::store::Store;
use aqs_origin::store::cassandra::replication::Replication;
use aqs_origin::store::cassandra::{CassandraStore, Options, cql};
use aqs_origin::{Clock, Priority, RequestContext};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::response::PagingState;
use scylla::statement::prepared::PreparedStatement;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const READS: u64 = 500;
const ROWS: usize = 30;
/// The limit of a read's allocations beyond those of the bare driver: one for the future behind the
/// trait, one for the nodes of the page, one for the columns, and one for each of the four columns.
const MORE: u64 = 7;

async fn fill(address: &str) -> Session {
    let session = SessionBuilder::new().known_node(address).build().await.unwrap();
    let replication = Replication::new([("datacenter1".to_owned(), 1)]);
    let keyspace = cql::create_keyspace(&cql::keyspace(&UNIQUE_DEVICES), &replication);
    session.query_unpaged(keyspace, ()).await.unwrap();
    let table = cql::data(&UNIQUE_DEVICES);
    session.query_unpaged(format!("DROP TABLE IF EXISTS {table}"), ()).await.unwrap();
    session.query_unpaged(cql::create_table(&UNIQUE_DEVICES), ()).await.unwrap();
    for day in 1..=ROWS {
        let row = format!(
            r#"INSERT INTO {table} ("_domain", "project", "access-site", "granularity", "timestamp", "_tid", "devices", "offset", "underestimate") VALUES ('{DOMAIN}', 'en.wikipedia', 'all-sites', 'daily', '202404{day:02}', {TID}, {day}, 1, 2)"#
        );
        session.query_unpaged(row, ()).await.unwrap();
    }
    session
}

async fn read_by_driver(session: &Session, statement: &PreparedStatement) -> usize {
    let key = (DOMAIN, "en.wikipedia", "all-sites", "daily", "20240401", "20240430");
    let read = session.execute_single_page(statement, key, PagingState::start()).await;
    let rows = read.unwrap().0.into_rows_result().unwrap();
    rows.rows::<(&str, Option<i64>, Option<i64>, Option<i64>)>()
        .unwrap()
        .map(Result::unwrap)
        .count()
}

async fn read_by_store(store: &CassandraStore, lookup: &Lookup, ctx: &RequestContext) -> usize {
    store.read(lookup, ctx).await.unwrap().len()
}

#[test]
#[ignore = "needs a Cassandra"]
fn a_read_allocates_little_more_than_the_driver() {
    let address = std::env::var("AQS_TEST_CASSANDRA").expect("AQS_TEST_CASSANDRA=host:port");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let catalogue = Catalogue::standard().unwrap();
    let target = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240401/20240430";
    let query = catalogue.resolve(Target::parse(target).unwrap()).unwrap();
    let lookup = query.lookup();
    let session = runtime.block_on(fill(&address));
    let statement = runtime.block_on(async {
        let cql = cql::select(&UNIQUE_DEVICES, |_| true, true);
        let mut statement = session.prepare(cql).await.unwrap();
        statement.set_use_cached_result_metadata(true);
        statement.set_is_idempotent(true);
        statement
    });
    let options = Options {
        hosts: vec![address],
        // Probes are not counted.
        probe_every: Duration::from_secs(3600),
        ..Options::default()
    };
    let store = std::sync::Arc::new(
        CassandraStore::new(options, catalogue.datasets(), Clock::System).unwrap(),
    );
    let cancel = CancellationToken::new();
    let running = runtime.spawn({
        let (store, cancel) = (std::sync::Arc::clone(&store), cancel.clone());
        async move { store.run(cancel).await }
    });
    let ctx = RequestContext::new(Instant::now() + Duration::from_secs(600), Priority::Live, 0);
    runtime.block_on(async {
        while store.change_token().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for _ in 0..20 {
            assert_eq!(read_by_driver(&session, &statement).await, ROWS);
            assert_eq!(read_by_store(&store, &lookup, &ctx).await, ROWS);
        }
    });
    let (mut drivers, mut stores) = (u64::MAX, u64::MAX);
    for _ in 0..3 {
        let counted = measure(|| {
            runtime.block_on(async {
                for _ in 0..READS {
                    read_by_driver(&session, &statement).await;
                }
            });
        });
        drivers = drivers.min(counted.count_total / READS);
        let counted = measure(|| {
            runtime.block_on(async {
                for _ in 0..READS {
                    read_by_store(&store, &lookup, &ctx).await;
                }
            });
        });
        stores = stores.min(counted.count_total / READS);
    }
    println!("allocations of a read: {stores}, of the bare driver's {drivers}");
    assert!(stores <= drivers + MORE, "{stores}, and the driver {drivers}");
    cancel.cancel();
    runtime.block_on(running).unwrap();
}

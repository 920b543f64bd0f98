//! `aqs schema --apply`.

use crate::home::{Home, device, emptied, said, select, succeeded};
use crate::rows::run;
use aqs_api::tables::{PAGEVIEWS_PER_PROJECT, TOP_PAGEVIEWS, UNIQUE_DEVICES};
use aqs_origin::store::cassandra::{Credentials, cql};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn what_the_cluster_lacks_is_named_and_made() {
    let (_node, session, home) = emptied().await;
    home.put("unique_devices", &device("20240101", r#","devices":3"#));
    let views = r#"{"project":"en.wikipedia","access":"all-access","agent":"user","granularity":"daily","timestamp":"2024010100","v":7}"#;
    home.put("pageviews_per_project_v2", views);
    run(&session, &format!("DROP TABLE {}", cql::data(&UNIQUE_DEVICES))).await;
    run(&session, &format!("ALTER TABLE {} DROP v", cql::data(&PAGEVIEWS_PER_PROJECT))).await;
    run(&session, r#"DROP KEYSPACE "local_group_default_T_top_pageviews""#).await;

    let refused = home.load();
    assert_eq!(refused.status.code(), Some(1));
    let expected = r#"no column "v"; `aqs schema --apply`"#.to_owned();
    assert!(said(&refused).contains(&expected), "{}", said(&refused));
    std::fs::remove_file(home.rows().join("pageviews_per_project_v2.ndjson")).unwrap();
    let refused = home.load();
    let expected =
        r#"no table "local_group_default_T_unique_devices"."data"; `aqs schema --apply`"#;
    assert!(said(&refused).contains(expected), "{}", said(&refused));

    let told = succeeded(&home.schema(&[]));
    for line in [
        r#"table "local_group_default_T_unique_devices"."data" is created"#,
        r#"table "local_group_default_T_pageviews_per_project_v2"."data" has a new column v"#,
        "keyspace local_group_default_T_top_pageviews is created, replicated {'class': 'NetworkTopologyStrategy', 'datacenter1': 1}",
    ] {
        assert!(told.contains(line), "{told}");
    }
    assert!(succeeded(&home.schema(&[])).contains("Nothing was missing"));
    home.put("pageviews_per_project_v2", views);
    succeeded(&home.load());
    let stored = r#"SELECT v FROM "local_group_default_T_pageviews_per_project_v2".data"#;
    assert_eq!(select::<(i64,)>(&session, stored).await, [(7,)]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn what_is_there_is_not_altered() {
    let (_node, session, home) = emptied().await;
    let other = home.schema(&["--replication", "datacenter1=3"]);
    let kept = "keyspace local_group_default_T_top_pageviews keeps its replication, which is NetworkTopologyStrategy datacenter1=1";
    assert!(succeeded(&other).contains(kept), "{}", said(&other));
    let nowhere = home.schema(&["--replication", "eqiad=3"]);
    assert_eq!(nowhere.status.code(), Some(1));
    let expected = "no node is in the data centre \"eqiad\"; there are: datacenter1";
    assert!(said(&nowhere).contains(expected), "{}", said(&nowhere));

    let table = cql::data(&TOP_PAGEVIEWS);
    run(&session, &format!("DROP TABLE {table}")).await;
    run(&session, &format!("CREATE TABLE {table} (project text PRIMARY KEY)")).await;
    let different = home.schema(&[]);
    assert_eq!(different.status.code(), Some(1));
    let expected = format!("the table {table} exists, but its key is ((project), )");
    assert!(said(&different).contains(&expected), "{}", said(&different));
    run(&session, &format!("DROP TABLE {table}")).await;
    succeeded(&home.schema(&[]));
}

mod secured {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs a Cassandra with passwords and TLS"]
    async fn a_user_that_is_granted_to_reads_and_does_not_write() {
        let (mut node, session, home) = emptied().await;
        run(&session, "CREATE ROLE IF NOT EXISTS reader WITH LOGIN = true AND PASSWORD = 'lies'")
            .await;
        home.put("unique_devices", &device("20240101", r#","devices":3"#));
        succeeded(&home.load());

        let nobody = home.schema(&["--grant", "Nobody"]);
        assert_eq!(nobody.status.code(), Some(1));
        assert!(said(&nobody).contains("Nobody doesn't exist"), "{}", said(&nobody));
        let told = succeeded(&home.schema(&["--grant", "reader"]));
        let granted = "reader may read keyspace local_group_default_T_unique_devices";
        assert!(told.contains(granted), "{told}");

        let (username, password) = ("reader".to_owned(), "lies".to_owned());
        node.credentials = Some(Credentials { username, password });
        let stored = format!("SELECT devices FROM {}", cql::data(&UNIQUE_DEVICES));
        assert_eq!(select::<(i64,)>(&node.session().await, &stored).await, [(3,)]);
        let theirs = Home::of(&node);
        theirs.put("unique_devices", &device("20240101", r#","devices":4"#));
        let refused = theirs.load();
        assert_eq!(refused.status.code(), Some(1));
        let expected = "unique_devices.ndjson:1: table unique_devices: ";
        assert!(said(&refused).contains(expected), "{}", said(&refused));
        assert!(said(&refused).contains("has no MODIFY permission"), "{}", said(&refused));
        run(&session, "DROP ROLE reader").await;
    }
}

//! `aqs schema --apply`.

use crate::home::{Home, assert_success, device, output_text, select, with_empty_tables};
use crate::rows::run;
use aqs_api::tables::{PAGEVIEWS_PER_PROJECT, TOP_PAGEVIEWS, UNIQUE_DEVICES};
use aqs_origin::store::cassandra::{Credentials, cql};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn missing_parts_of_the_schema_are_reported_and_created() {
    let (_node, session, home) = with_empty_tables().await;
    home.put("unique_devices", &device("20240101", r#","devices":3"#));
    let views = r#"{"project":"en.wikipedia","access":"all-access","agent":"user","granularity":"daily","timestamp":"2024010100","v":7}"#;
    home.put("pageviews_per_project_v2", views);
    run(&session, &format!("DROP TABLE {}", cql::data(&UNIQUE_DEVICES))).await;
    run(&session, &format!("ALTER TABLE {} DROP v", cql::data(&PAGEVIEWS_PER_PROJECT))).await;
    run(&session, r#"DROP KEYSPACE "local_group_default_T_top_pageviews""#).await;

    let refused = home.load();
    assert_eq!(refused.status.code(), Some(1));
    let expected = r#"no column "v"; `aqs schema --apply`"#.to_owned();
    assert!(output_text(&refused).contains(&expected), "{}", output_text(&refused));
    std::fs::remove_file(home.rows().join("pageviews_per_project_v2.ndjson")).unwrap();
    let refused = home.load();
    let expected =
        r#"no table "local_group_default_T_unique_devices"."data"; `aqs schema --apply`"#;
    assert!(output_text(&refused).contains(expected), "{}", output_text(&refused));

    let output = assert_success(&home.schema(&[]));
    for line in [
        r#"table "local_group_default_T_unique_devices"."data" is created"#,
        r#"table "local_group_default_T_pageviews_per_project_v2"."data" has a new column v"#,
        "keyspace local_group_default_T_top_pageviews is created, replicated {'class': 'NetworkTopologyStrategy', 'datacenter1': 1}",
    ] {
        assert!(output.contains(line), "{output}");
    }
    assert!(assert_success(&home.schema(&[])).contains("Nothing was missing"));
    home.put("pageviews_per_project_v2", views);
    assert_success(&home.load());
    let stored = r#"SELECT v FROM "local_group_default_T_pageviews_per_project_v2".data"#;
    assert_eq!(select::<(i64,)>(&session, stored).await, [(7,)]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Cassandra"]
async fn existing_keyspaces_and_tables_are_not_altered() {
    let (_node, session, home) = with_empty_tables().await;
    let other = home.schema(&["--replication", "datacenter1=3"]);
    let unchanged = "keyspace local_group_default_T_top_pageviews keeps its replication, which is NetworkTopologyStrategy datacenter1=1";
    assert!(assert_success(&other).contains(unchanged), "{}", output_text(&other));
    let nowhere = home.schema(&["--replication", "eqiad=3"]);
    assert_eq!(nowhere.status.code(), Some(1));
    let expected = "no node is in the data centre \"eqiad\"; there are: datacenter1";
    assert!(output_text(&nowhere).contains(expected), "{}", output_text(&nowhere));

    let table = cql::data(&TOP_PAGEVIEWS);
    run(&session, &format!("DROP TABLE {table}")).await;
    run(&session, &format!("CREATE TABLE {table} (project text PRIMARY KEY)")).await;
    let different = home.schema(&[]);
    assert_eq!(different.status.code(), Some(1));
    let expected = format!("the table {table} exists, but its key is ((project), )");
    assert!(output_text(&different).contains(&expected), "{}", output_text(&different));
    run(&session, &format!("DROP TABLE {table}")).await;
    assert_success(&home.schema(&[]));
}

mod secured {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs a Cassandra with passwords and TLS"]
    async fn a_granted_user_reads_and_does_not_write() {
        let (mut node, session, home) = with_empty_tables().await;
        run(&session, "CREATE ROLE IF NOT EXISTS reader WITH LOGIN = true AND PASSWORD = 'lies'")
            .await;
        home.put("unique_devices", &device("20240101", r#","devices":3"#));
        assert_success(&home.load());

        let unknown = home.schema(&["--grant", "Nobody"]);
        assert_eq!(unknown.status.code(), Some(1));
        assert!(
            output_text(&unknown).contains("Nobody doesn't exist"),
            "{}",
            output_text(&unknown)
        );
        let output = assert_success(&home.schema(&["--grant", "reader"]));
        let granted = "reader may read keyspace local_group_default_T_unique_devices";
        assert!(output.contains(granted), "{output}");

        let (username, password) = ("reader".to_owned(), "lies".to_owned());
        node.credentials = Some(Credentials { username, password });
        let stored = format!("SELECT devices FROM {}", cql::data(&UNIQUE_DEVICES));
        assert_eq!(select::<(i64,)>(&node.session().await, &stored).await, [(3,)]);
        let reader = Home::new(&node);
        reader.put("unique_devices", &device("20240101", r#","devices":4"#));
        let refused = reader.load();
        assert_eq!(refused.status.code(), Some(1));
        let expected = "unique_devices.ndjson:1: table unique_devices: ";
        assert!(output_text(&refused).contains(expected), "{}", output_text(&refused));
        assert!(
            output_text(&refused).contains("has no MODIFY permission"),
            "{}",
            output_text(&refused)
        );
        run(&session, "DROP ROLE reader").await;
    }
}

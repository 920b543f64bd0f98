//! Any bytes in place of a target get a well-formed response.

use crate::support::client::Client;
use aqs_api::{Catalogue, Target};
use proptest::prelude::*;

/// Random bytes, and valid targets with a few bytes replaced.
fn targets() -> impl Strategy<Value = Vec<u8>> {
    let valid = prop::sample::select(vec![
        "/metrics/pageviews/per-article/en.wikipedia/all-access/user/Banana/daily/20240101/20240103",
        "/metrics/pageviews/aggregate/en.wikipedia/all-access/user/hourly/2024010100/2024010323",
        "/api/rest_v1/metrics/unique-devices/en.wikipedia/all-sites/monthly/20240101/20240301",
        "/wikimedia.org/v1/metrics/pageviews/top/en.wikipedia/all-access/2024/01/all-days",
        "/metrics/legacy/pagecounts/aggregate/en.wikipedia/all-sites/daily/2016010100/2016010200",
        "/metrics/pageviews/top-per-country/FR/all-access/2024/01/02",
    ]);
    let damaged = (valid, any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..4))
        .prop_map(|(target, at, bytes)| {
            let mut target = target.as_bytes().to_vec();
            let at = at.index(target.len());
            target.splice(at..(at + bytes.len() / 2).min(target.len()), bytes);
            target
        });
    prop_oneof![
        damaged,
        prop::collection::vec(any::<u8>(), 0..200),
        "/metrics/[a-z%/0-9.é-]{0,80}".prop_map(String::into_bytes),
    ]
}

#[test]
fn any_target_gets_a_well_formed_response() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let rows = aqs_scenarios::rows("titles");
    let server = runtime.block_on(async {
        crate::support::server(
            crate::support::config(),
            crate::support::store_of(&rows, folder.path()),
        )
        .await
    });
    proptest!(ProptestConfig::with_cases(512), |(target in targets())| {
        let response = runtime.block_on(async {
            let mut client = Client::connect(server.addresses[0]).await;
            client.send(b"GET ").await;
            client.send(&target).await;
            client.send(b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
            client.response(false).await
        });
        let response = response.expect("an answer");
        prop_assert!(response.header("cache-status").is_some());
        match response.header("content-type") {
            Some("application/problem+json") => {
                let body = response.json();
                prop_assert_eq!(body["status"].as_u64(), Some(u64::from(response.status)));
                for member in ["detail", "method", "status", "title", "type", "uri"] {
                    prop_assert!(body.get(member).is_some(), "{}", member);
                }
            }
            Some("application/json; charset=utf-8") => { response.json(); }
            other => prop_assert!(response.status == 204 || other == Some("text/plain; charset=utf-8")),
        }
    });
}

proptest! {
    /// The path of a key is the canonical form of its targets: it resolves to the same key.
    #[test]
    fn the_path_of_a_key_resolves_to_the_key(target in targets()) {
        let catalogue = Catalogue::standard().unwrap();
        let Ok(text) = String::from_utf8(target) else { return Ok(()) };
        let Some(parsed) = Target::parse(&text) else { return Ok(()) };
        let Ok(query) = catalogue.resolve(parsed) else { return Ok(()) };
        let path = query.key().path().to_owned();
        let again = catalogue.resolve(Target { dialect: parsed.dialect, path: &path });
        let again = again.map_err(|problem| TestCaseError::fail(format!("{path}: {problem:?}")))?;
        prop_assert_eq!(again.key(), query.key());
        prop_assert_eq!(again.lookup(), query.lookup());
    }
}

//! Faults of an endpoint in the dialect of AQS 1.0, which no standard endpoint has.

use crate::support::client::Client;
use crate::support::scripted::{Behaviour, Scripted};
use crate::support::{catalogue, config};
use aqs_api::endpoint::Noun;
use aqs_api::{Catalogue, Dialect, Endpoint};
use aqs_proxy::server::{Parts, Server};
use std::sync::Arc;

const PREFIX: &str = "/analytics.wikimedia.org/v1";

/// A server of unique devices, in the dialect of 1.0 and about users.
async fn server(store: Arc<Scripted>) -> Server {
    let standard = catalogue();
    let (_, endpoint) =
        standard.endpoints().find(|(_, endpoint)| endpoint.name == "unique-devices").unwrap();
    let endpoint = Endpoint { dialect: Dialect::V1, no_data: Some(Noun::User), ..*endpoint };
    let endpoints: [&'static Endpoint; 1] = [Box::leak(Box::new(endpoint))];
    let catalogue = Arc::new(Catalogue::new(Box::leak(Box::new(endpoints))).unwrap());
    let config = config();
    let sockets = Server::bind(&config).unwrap();
    Server::start(
        sockets,
        &config,
        Parts::new(aqs_origin::stores::StoreName::Embedded, catalogue, store),
    )
    .await
    .unwrap()
}

fn document(name: &str, title: Option<&str>, detail: &str, path: &str) -> String {
    let title = title.map_or(String::new(), |title| format!(r#""title":"{title}","#));
    format!(
        r#"{{"type":"https://mediawiki.org/wiki/HyperSwitch/errors/{name}",{title}"method":"get","detail":{detail},"uri":"{PREFIX}{path}"}}"#
    )
}

#[tokio::test]
async fn faults_of_an_endpoint_are_in_its_dialect() {
    let store = Scripted::open();
    store.set_behaviour(Behaviour::IsEmpty);
    let server = server(store.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    let devices = "/unique-devices/en.wikipedia/all-sites/daily";
    let no_data = "\"The date(s) you used are valid, but we either do not have data for those \
                   date(s), or the user you asked for is not loaded yet.  Please check \
                   https://wikimedia.org/api/rest_v1/?doc for more information.\"";
    let wrong_order = r#"["start timestamp should be before the end timestamp"]"#;
    let (missing, wrong) =
        (format!("{devices}/20240101/20240102"), format!("{devices}/20240102/20240101"));
    let not_found = Some("Not found.");
    // The second is answered from the cache.
    for (path, status, expected) in [
        (&missing, 404, document("not_found", not_found, no_data, &missing)),
        (&missing, 404, document("not_found", not_found, no_data, &missing)),
        (&wrong, 400, document("invalid_request", None, wrong_order, &wrong)),
        (
            &"/nothing".to_owned(),
            404,
            document("not_found", not_found, "\"invalid route\"", "/nothing"),
        ),
    ] {
        let response = client.get(&format!("{PREFIX}{path}?x")).await;
        assert_eq!((response.status, response.text()), (status, expected.as_str()));
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
    }
    assert_eq!(store.reads(), 1);
    store.set_behaviour(Behaviour::Fails);
    let path = format!("{devices}/20240103/20240103");
    let response = client.get(&format!("{PREFIX}{path}")).await;
    let id = response.header("x-request-id").unwrap();
    let detail = format!(
        "\"The data store can't be reached at the moment. Please try again later (request {id}).\""
    );
    let unavailable = Some("Service unavailable.");
    assert_eq!(response.status, 503);
    assert_eq!(response.text(), document("service_unavailable", unavailable, &detail, &path));
    // Under the prefixes of 2.0 there is no endpoint.
    let response = client.get(&format!("/metrics{missing}")).await;
    assert_eq!(
        response.text(),
        format!(
            r#"{{"detail":"invalid route","method":"get","status":404,"title":"Not Found","type":"about:blank","uri":"/metrics{missing}"}}"#
        )
    );
}

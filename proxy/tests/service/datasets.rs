//! The page of what is loaded.

use crate::support::client::Client;
use crate::support::{config, server, store_of};
use serde_json::json;

#[tokio::test]
async fn datasets_have_dates_and_endpoints() {
    let folder = tempfile::tempdir().unwrap();
    let topics = [
        ("per_article", "pageviews-per-article-daily"),
        ("aggregate", "pageviews-aggregate-hourly"),
        ("top", "pageviews-top-monthly"),
    ];
    let endpoints = [
        json!([{"endpoint": "pageviews/per-article", "granularities": ["daily", "monthly"]}]),
        json!([{"endpoint": "pageviews/aggregate", "granularities": ["hourly"]}]),
        json!([{"endpoint": "pageviews/top", "granularities": ["monthly"]}]),
    ];
    let forms = ["2024-01-01", "2024-01-01T00", "2024-01"];
    for (((topic, name), endpoints), form) in topics.into_iter().zip(endpoints).zip(forms) {
        let store = store_of(&aqs_scenarios::rows(topic), &folder.path().join(topic));
        let server = server(config(), store).await;
        let mut client = Client::connect(server.addresses[0]).await;
        let page = client.get("/metrics/datasets").await.json();
        let items = page["items"].as_array().unwrap();
        let item = items.iter().find(|item| item["dataset"] == name).unwrap();
        assert_eq!(item["endpoints"], endpoints);
        for key in ["first", "last"] {
            let date = item[key].as_str().unwrap();
            let shape = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "0");
            assert_eq!(shape(date), shape(form), "{name}");
        }
    }
}

//! All keys of a plan, in every form, without the store.

use super::{built, cache_status, hot, with_plans};
use crate::support::client::{Client, Response};
use crate::support::counting_store::CountingStore;
use crate::support::{config, server, store_of};
use aqs_api::representation::GZIP_FROM;
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

const PLANS: &str = "
- name: articles
  items:
    - endpoint: pageviews/top
      values: { project: [en.wikipedia], access: [all-access] }
      windows: [newest 1 day]
    - endpoint: pageviews/per-article
      values:
        project: [en.wikipedia]
        access: [all-access]
        agent: [user, spider]
        article: { top_articles_of: newest day }
        granularity: [daily, monthly]
      windows: [last 2 days, everything]
- name: devices
  items:
    - endpoint: unique-devices
      values: { project: [en.wikipedia], access-site: all, granularity: [daily] }
      windows: [last 2 days]
";

/// The targets of these plans over [`write_rows`], with their statuses.
fn addresses() -> BTreeMap<String, u16> {
    let mut all = BTreeMap::new();
    all.insert("/metrics/pageviews/top/en.wikipedia/all-access/2024/01/31".to_owned(), 200);
    // The list's third article has no row at all.
    for (article, status) in [("Long", 200), ("AC%2FDC_%C3%9C", 200), ("Nothing", 404)] {
        for agent in ["user", "spider"] {
            let part =
                format!("/metrics/pageviews/per-article/en.wikipedia/all-access/{agent}/{article}");
            for dates in
                ["daily/20240130/20240131", "daily/20231201/20240131", "monthly/20231201/20240131"]
            {
                all.insert(format!("{part}/{dates}"), status);
            }
        }
    }
    for (site, status) in [("all-sites", 200), ("desktop-site", 200), ("mobile-site", 404)] {
        let part = format!("/metrics/unique-devices/en.wikipedia/{site}");
        all.insert(format!("{part}/daily/20240130/20240131"), status);
    }
    all
}

/// Two months of two articles, a list that names a third, days of devices of two sites.
fn write_rows(rows: &Path) {
    let days = (1..=31).map(|day| (2023, 12, day)).chain((1..=31).map(|day| (2024, 1, day)));
    let (mut views, mut devices) = (String::new(), String::new());
    for (year, month, day) in days {
        let stamp = format!("{year}{month:02}{day:02}");
        for article in ["Long", "AC/DC_Ü"] {
            let _ = writeln!(
                views,
                r#"{{"project":"en.wikipedia","article":"{article}","granularity":"daily","timestamp":"{stamp}00","aa":{0},"au":{day},"as":{month}}}"#,
                day + month
            );
        }
        for site in ["all-sites", "desktop-site"] {
            let _ = writeln!(
                devices,
                r#"{{"project":"en.wikipedia","access-site":"{site}","granularity":"daily","timestamp":"{stamp}","devices":{day},"offset":1,"underestimate":2}}"#
            );
        }
    }
    let list = r#"[{\"article\":\"Long\",\"views\":3,\"rank\":1},{\"article\":\"AC/DC_Ü\",\"views\":2,\"rank\":2},{\"article\":\"Nothing\",\"views\":1,\"rank\":3}]"#;
    let top = format!(
        r#"{{"project":"en.wikipedia","access":"all-access","year":"2024","month":"01","day":"31","articlesJSON":"{list}"}}"#
    );
    std::fs::create_dir(rows).unwrap();
    for (table, text) in
        [("pageviews_per_article_flat", views), ("unique_devices", devices), ("top_pageviews", top)]
    {
        std::fs::write(rows.join(format!("{table}.ndjson")), text).unwrap();
    }
}

fn unzipped(response: &Response) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(response.body.as_slice()).read_to_end(&mut plain).unwrap();
    plain
}

#[tokio::test]
async fn all_keys_of_a_plan_are_served_in_every_form_without_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows");
    write_rows(&rows);
    let store = CountingStore::over(store_of(&rows, folder.path()));

    // The answers of the store.
    let direct = server(config(), Arc::clone(&store) as _).await;
    let mut client = Client::connect(direct.addresses[0]).await;
    let mut expected = BTreeMap::new();
    for (address, status) in addresses() {
        let answer = client.get(&address).await;
        assert_eq!(answer.status, status, "{address}");
        assert!(cache_status(&answer).starts_with("aqs; fwd=miss; stored"), "{address}");
        expected.insert(address, answer);
    }

    let server = server(with_plans(PLANS), Arc::clone(&store) as _).await;
    let hot = hot(built(&server).await);
    assert_eq!(server.components.service.lookup.hot_set.live().unwrap().keys(), expected.len());
    store.set_unavailable(true);
    let before = store.reads();
    let mut client = Client::connect(server.addresses[0]).await;
    let mut coded = 0;
    for (address, direct) in &expected {
        let named = ["etag", "content-type", "cache-control", "vary"];
        let same_as_direct = |answer: &Response, what: &str| {
            assert_eq!(answer.status, direct.status, "{what} {address}");
            assert_eq!(cache_status(answer), hot, "{what} {address}");
            for name in named {
                assert_eq!(answer.header(name), direct.header(name), "{what} {address}: {name}");
            }
        };
        let plain = client.get(address).await;
        same_as_direct(&plain, "GET");
        assert_eq!(plain.body, direct.body, "{address}");
        let head = client.request("HEAD", address.as_bytes(), &[]).await;
        same_as_direct(&head, "HEAD");
        let length = direct.body.len().to_string();
        assert_eq!(head.header("content-length"), Some(length.as_str()), "{address}");

        // The uri of a problem is that of the request.
        let spelled = address.replace("/en.wikipedia/", "/www.EN.wikipedia.org/");
        for _ in 0..2 {
            let answer = client.get(&spelled).await;
            same_as_direct(&answer, "spelled");
            let uri = spelled.strip_prefix("/metrics").unwrap();
            let uri = answer.text().replace(uri, address.strip_prefix("/metrics").unwrap());
            assert_eq!(uri.as_bytes(), direct.body, "{spelled}");
        }

        let gzip = ("accept-encoding", "gzip");
        let answer = client.request("GET", address.as_bytes(), &[gzip]).await;
        assert_eq!(cache_status(&answer), hot, "gzip {address}");
        if direct.status == 200 && direct.body.len() >= GZIP_FROM {
            // The first request gets it.
            assert_eq!(answer.header("content-encoding"), Some("gzip"), "{address}");
            assert_eq!(unzipped(&answer), direct.body, "{address}");
            coded += 1;
        } else {
            assert_eq!(answer.body, direct.body, "{address}");
        }

        let Some(tag) = direct.header("etag") else { continue };
        for headers in [&[("if-none-match", tag)][..], &[("if-none-match", tag), gzip]] {
            let answer = client.request("GET", address.as_bytes(), headers).await;
            assert_eq!((answer.status, cache_status(&answer)), (304, hot.as_str()), "{address}");
            assert!(answer.body.is_empty());
        }
    }
    // Sixty-two days of two articles and two agents.
    assert_eq!(coded, 4);
    assert_eq!(store.reads(), before, "the store was asked");
    assert_eq!(
        (
            server.components.service.lookup.cache.len(),
            server.components.metrics.compressions.get()
        ),
        (0, 0)
    );
    // Keys outside the plans can't be answered.
    assert_eq!(client.get(OTHER).await.status, 503);
    assert!(store.reads() > before);
}

const OTHER: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240130/20240130";

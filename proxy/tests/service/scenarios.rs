//! Runs every scenario file over a real socket: each folder's rows in a store of their own, each
//! request twice, so that the answer from the store and the one from the cache are compared.

use crate::support::client::{Client, Response};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    get: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    also: Vec<String>,
    status: u16,
    #[serde(default)]
    response_headers: BTreeMap<String, Option<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    problem: Option<String>,
    #[serde(default)]
    uri: Option<String>,
}

impl Scenario {
    /// The exact body that is expected.
    fn expected(&self) -> String {
        let Some(detail) = &self.problem else {
            return self.body.clone().expect("a scenario has a body or a problem");
        };
        let path = self.get.split('?').next().unwrap();
        let uri = self.uri.as_deref().unwrap_or(path);
        let title = match self.status {
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            500 => "Internal Server Error",
            other => panic!("no title known for {other}"),
        };
        let text = |text: &str| serde_json::to_string(text).unwrap();
        format!(
            r#"{{"detail":{},"method":"get","status":{},"title":"{title}","type":"about:blank","uri":{}}}"#,
            text(detail),
            self.status,
            text(uri)
        )
    }

    fn differences(&self, target: &str, response: &Response) -> Vec<String> {
        let mut found = Vec::new();
        if response.status != self.status {
            found.push(format!("status {} instead of {}", response.status, self.status));
        }
        let expected = self.expected();
        if response.body != expected.as_bytes() {
            let body = String::from_utf8_lossy(&response.body);
            found.push(format!("body\n      {body}\n    instead of\n      {expected}"));
        }
        let problem = ("content-type".to_owned(), Some("application/problem+json".to_owned()));
        let implied = self.problem.as_ref().map(|_| problem);
        for (name, value) in self.response_headers.clone().into_iter().chain(implied) {
            let got = response.header(&name);
            if got != value.as_deref() {
                found.push(format!("header {name}: {got:?} instead of {value:?}"));
            }
        }
        found.into_iter().map(|difference| format!("  {target}\n    {difference}")).collect()
    }
}

fn topics() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut topics: Vec<PathBuf> =
        root.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    topics.sort();
    topics
}

fn scenarios(topic: &Path) -> Vec<(PathBuf, Vec<Scenario>)> {
    let mut files: Vec<PathBuf> =
        topic.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).unwrap();
        let scenarios = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        (file, scenarios)
    };
    files.into_iter().map(read).collect()
}

#[tokio::test]
async fn every_scenario_answers_as_written() {
    let mut ran = 0;
    let mut failures = Vec::new();
    for topic in topics() {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::support::store_of(&topic.join("rows"), folder.path());
        let house = crate::support::house(crate::support::settings(), store).await;
        let mut client = Client::connect(house.addresses[0]).await;
        for (file, scenarios) in scenarios(&topic) {
            for scenario in scenarios {
                ran += 1;
                let method = scenario.method.as_deref().unwrap_or("GET");
                let headers: Vec<(&str, &str)> = scenario
                    .headers
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()))
                    .collect();
                let spellings = std::iter::once(&scenario.get).chain(&scenario.also);
                for target in spellings.flat_map(|target| [target, target]) {
                    let response = client.request(method, target.as_bytes(), &headers).await;
                    let differences = scenario.differences(target, &response);
                    if !differences.is_empty() {
                        let place = file.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
                        failures.push(format!("{} · {}", place.display(), scenario.name));
                        failures.extend(differences);
                    }
                    // An answer before a close ends the connection; the next needs a new one.
                    if response.header("connection") == Some("close") {
                        client = Client::connect(house.addresses[0]).await;
                    }
                }
            }
        }
        drop(client);
        assert!(house.drain().await, "connections were left");
    }
    assert!(ran > 0, "no scenario was found");
    assert!(failures.is_empty(), "{} of {ran} scenarios:\n{}", failures.len(), failures.join("\n"));
}

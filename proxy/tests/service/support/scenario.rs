//! Scenario files: requests, expected responses, and their comparison.

use super::client::{Client, Response};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A folder of scenarios over the same rows.
#[derive(Debug)]
pub(crate) struct Topic {
    /// The directory of its rows.
    pub(crate) rows: PathBuf,
    pub(crate) scenarios: Vec<Scenario>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// The file that it is from.
    #[serde(skip)]
    file: String,
    name: String,
    get: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    also: Vec<String>,
    pub(crate) status: u16,
    #[serde(default)]
    response_headers: BTreeMap<String, Option<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    problem: Option<String>,
    #[serde(default)]
    uri: Option<String>,
}

/// What became of scenarios.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    ran: usize,
    failures: Vec<String>,
}

/// Every topic, as its files have it.
pub(crate) fn topics() -> Vec<Topic> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut folders: Vec<PathBuf> =
        root.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let topic = |folder: &PathBuf| Topic { rows: folder.join("rows"), scenarios: read(folder) };
    folders.iter().map(topic).collect()
}

fn read(folder: &Path) -> Vec<Scenario> {
    let mut files: Vec<PathBuf> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut scenarios: Vec<Scenario> = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let place = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
        scenarios.iter_mut().for_each(|scenario| scenario.file.clone_from(&place));
        all.append(&mut scenarios);
    }
    all
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

impl Outcome {
    /// Requests each target of a scenario twice over a real socket, so that the response from the
    /// store and the one from the cache are compared.
    pub(crate) async fn add<'a>(
        &mut self,
        scenarios: impl IntoIterator<Item = &'a Scenario>,
        address: SocketAddr,
    ) {
        let mut client = Client::connect(address).await;
        for scenario in scenarios {
            self.ran += 1;
            let method = scenario.method.as_deref().unwrap_or("GET");
            let headers: Vec<(&str, &str)> = scenario
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let aliases = std::iter::once(&scenario.get).chain(&scenario.also);
            for target in aliases.flat_map(|target| [target, target]) {
                let response = client.request(method, target.as_bytes(), &headers).await;
                let differences = scenario.differences(target, &response);
                if !differences.is_empty() {
                    self.failures.push(format!("{} · {}", scenario.file, scenario.name));
                    self.failures.extend(differences);
                }
                // An answer before a close ends the connection; the next needs a new one.
                if response.header("connection") == Some("close") {
                    client = Client::connect(address).await;
                }
            }
        }
    }

    /// Fails if one scenario failed, or if there were fewer than `least`.
    pub(crate) fn assert(&self, least: usize) {
        let Self { ran, failures } = self;
        assert!(*ran >= least, "only {ran} scenarios were found");
        assert!(failures.is_empty(), "of {ran} scenarios these failed:\n{}", failures.join("\n"));
    }
}

//! Scenario files: requests, expected responses, and their comparison.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A request, in one or several spellings, and the response to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The file that it is from.
    #[serde(skip)]
    file: String,
    name: String,
    get: String,
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    also: Vec<String>,
    pub status: u16,
    #[serde(default)]
    response_headers: BTreeMap<String, Option<String>>,
    body: Option<String>,
    problem: Option<String>,
    uri: Option<String>,
    /// The extension members of the problem, in JSON without braces. Any may be there if this is
    /// absent.
    extensions: Option<String>,
}

impl Scenario {
    pub(crate) fn read(file: &Path) -> Vec<Self> {
        let text = std::fs::read_to_string(file).unwrap();
        let mut scenarios: Vec<Self> = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        scenarios.iter_mut().for_each(|scenario| scenario.file = file.display().to_string());
        scenarios
    }

    /// All spellings of the request's target.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.get).chain(&self.also).map(String::as_str)
    }

    pub fn method(&self) -> &str {
        self.method.as_deref().unwrap_or("GET")
    }

    pub fn headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

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

    /// How status and body differ from those expected.
    pub fn differences(&self, status: u16, body: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        if status != self.status {
            found.push(format!("status {status} instead of {}", self.status));
        }
        let mut expected = self.expected();
        let is_problem = expected.starts_with("{\"detail\":");
        let members = expected.trim_end_matches('}').to_owned();
        let equal = match &self.extensions {
            None if is_problem => {
                let rest = body.strip_prefix(members.as_bytes());
                rest.is_some_and(|rest| rest == b"}" || rest.starts_with(b","))
            }
            None => body == expected.as_bytes(),
            Some(extensions) => {
                let comma = if extensions.is_empty() { "" } else { "," };
                expected = format!("{members}{comma}{extensions}}}");
                body == expected.as_bytes()
            }
        };
        if !equal {
            let body = String::from_utf8_lossy(body);
            found.push(format!("body\n      {body}\n    instead of\n      {expected}"));
        }
        found
    }

    /// How the headers of a response differ from those expected.
    pub fn header_differences<'h>(&self, header: impl Fn(&str) -> Option<&'h str>) -> Vec<String> {
        let problem = ("content-type".to_owned(), Some("application/problem+json".to_owned()));
        let implied = self.problem.as_ref().map(|_| problem);
        let expected = self.response_headers.clone().into_iter().chain(implied);
        let difference = |(name, value): (String, Option<String>)| {
            let found = header(&name);
            (found != value.as_deref())
                .then(|| format!("header {name}: {found:?} instead of {value:?}"))
        };
        expected.filter_map(difference).collect()
    }
}

/// What became of scenarios.
#[derive(Debug, Default)]
pub struct Outcome {
    ran: usize,
    failures: Vec<String>,
}

impl Outcome {
    /// Counts a scenario.
    pub fn begin(&mut self) {
        self.ran += 1;
    }

    /// Adds the differences of one request.
    pub fn add(&mut self, scenario: &Scenario, target: &str, differences: &[String]) {
        if !differences.is_empty() {
            self.failures.push(format!("{} · {}", scenario.file, scenario.name));
            let lines = differences.iter().map(|line| format!("  {target}\n    {line}"));
            self.failures.extend(lines);
        }
    }

    /// Fails if one scenario failed, or if there were fewer than `least`.
    pub fn assert(&self, least: usize) {
        let Self { ran, failures } = self;
        assert!(*ran >= least, "only {ran} scenarios were found");
        assert!(failures.is_empty(), "of {ran} scenarios these failed:\n{}", failures.join("\n"));
    }
}

//! A Prometheus process of the test.

use reqwest::Url;
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The limit for any condition to be reached.
const TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Scrapes an aqs server every second and evaluates the rules; killed on drop.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

/// The value of a series at one time.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) labels: serde_json::Map<String, Value>,
    pub(crate) value: f64,
}

impl Prometheus {
    pub(crate) async fn start(program: &Path, target: SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("prometheus.yml");
        let rules = aqs_dashboards::directory().join("rules.yml");
        std::fs::write(
            &config,
            format!(
                "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
                 rule_files: [{rules:?}]\n\
                 scrape_configs:\n\
                 - job_name: aqs\n  static_configs: [{{targets: [\"{target}\"]}}]\n"
            ),
        )
        .unwrap();
        // The port is free again; another process is unlikely to take it before Prometheus does.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=warn")
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut server = Self { child, address, _directory: directory };
        server.wait_until_ready().await;
        server
    }

    async fn wait_until_ready(&mut self) {
        let ready = format!("http://{}/-/ready", self.address);
        let waited = tokio::time::timeout(TIMEOUT, async {
            loop {
                if let Some(ended) = self.child.try_wait().unwrap() {
                    panic!("Prometheus exited: {ended}");
                }
                if reqwest::get(&ready).await.is_ok_and(|response| response.status().is_success()) {
                    return;
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        });
        waited.await.expect("Prometheus was not ready in time");
    }

    /// Queries the API; returns the data, or the message of the error.
    async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let url =
            Url::parse_with_params(&format!("http://{}{path}", self.address), parameters).unwrap();
        let response = reqwest::get(url).await.unwrap().text().await.unwrap();
        let mut body: Value = serde_json::from_str(&response).map_err(|_| response)?;
        match body["status"].as_str() {
            Some("success") => Ok(body["data"].take()),
            _ => Err(body["error"].to_string()),
        }
    }

    /// Evaluates an expression, now or at a time in seconds since 1970.
    pub(crate) async fn query(&self, expr: &str, at: Option<f64>) -> Result<Vec<Sample>, String> {
        let at = at.map(|at| format!("{at:.3}"));
        let mut parameters = vec![("query", expr)];
        parameters.extend(at.as_deref().map(|at| ("time", at)));
        let data = self.get("/api/v1/query", &parameters).await?;
        if data["resultType"] != "vector" {
            return Err(format!("the result is a {}", data["resultType"]));
        }
        let sample = |one: &Value| {
            let labels = one["metric"].as_object().unwrap().clone();
            // Parses NaN and +Inf too.
            let value = one["value"][1].as_str().unwrap().parse().unwrap();
            Sample { labels, value }
        };
        Ok(data["result"].as_array().unwrap().iter().map(sample).collect())
    }

    /// The current value of an expression with at most one series; 0 without a series.
    pub(crate) async fn one(&self, expr: &str) -> f64 {
        let samples = self.query(expr, None).await.unwrap();
        assert!(samples.len() < 2, "{expr}: {samples:?}");
        samples.first().map_or(0.0, |sample| sample.value)
    }

    /// Waits until an expression has this value.
    pub(crate) async fn until(&self, expr: &str, value: f64) {
        let mut last = 0.0;
        let waited = tokio::time::timeout(TIMEOUT, async {
            loop {
                last = self.one(expr).await;
                if last == value {
                    return;
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        });
        let waited = waited.await;
        assert!(waited.is_ok(), "{expr} is {last} instead of {value}");
    }

    /// Waits until every rule has been evaluated and returns the rules with their health.
    pub(crate) async fn rules(&self) -> Vec<Value> {
        let waited = tokio::time::timeout(TIMEOUT, async {
            loop {
                let data = self.get("/api/v1/rules", &[]).await.unwrap();
                let groups = data["groups"].as_array().unwrap().iter();
                let rules = groups.flat_map(|group| group["rules"].as_array().unwrap().clone());
                let rules: Vec<Value> = rules.collect();
                if rules.iter().all(|rule| rule["health"] != "unknown") {
                    return rules;
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        });
        waited.await.expect("the rules were not evaluated in time")
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Fails only if the process has already exited.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

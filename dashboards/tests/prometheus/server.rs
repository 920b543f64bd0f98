//! A Prometheus of its own.

use reqwest::Url;
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long it may take for anything to happen; it is for ever.
const LONG: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_millis(50);

/// A Prometheus that reads a house and evaluates the rules; it ends with this.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

/// A series at a moment.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) labels: serde_json::Map<String, Value>,
    pub(crate) value: f64,
}

impl Prometheus {
    pub(crate) async fn start(program: &Path, house: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let rules = aqs_dashboards::folder().join("rules.yml");
        std::fs::write(
            &config,
            format!(
                "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
                 rule_files: [{rules:?}]\n\
                 scrape_configs:\n\
                 - job_name: aqs\n  static_configs: [{{targets: [\"{house}\"]}}]\n"
            ),
        )
        .unwrap();
        // Nobody else on this machine takes it as soon as that.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=warn")
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut server = Self { child, address, _folder: folder };
        server.wait_until_ready().await;
        server
    }

    async fn wait_until_ready(&mut self) {
        let ready = format!("http://{}/-/ready", self.address);
        let waited = tokio::time::timeout(LONG, async {
            loop {
                if let Some(ended) = self.child.try_wait().unwrap() {
                    panic!("it ended: {ended}");
                }
                if reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()) {
                    return;
                }
                tokio::time::sleep(SOON).await;
            }
        });
        waited.await.expect("it never was ready");
    }

    /// Asks its API; the error is what it says.
    async fn ask(&self, path: &str, words: &[(&str, &str)]) -> Result<Value, String> {
        let url = Url::parse_with_params(&format!("http://{}{path}", self.address), words).unwrap();
        let answer = reqwest::get(url).await.unwrap().text().await.unwrap();
        let mut answer: Value = serde_json::from_str(&answer).map_err(|_| answer)?;
        match answer["status"].as_str() {
            Some("success") => Ok(answer["data"].take()),
            _ => Err(answer["error"].to_string()),
        }
    }

    /// What an expression gives, now or at a moment in seconds since 1970.
    pub(crate) async fn query(&self, expr: &str, at: Option<f64>) -> Result<Vec<Sample>, String> {
        let at = at.map(|at| format!("{at:.3}"));
        let mut words = vec![("query", expr)];
        words.extend(at.as_deref().map(|at| ("time", at)));
        let data = self.ask("/api/v1/query", &words).await?;
        if data["resultType"] != "vector" {
            return Err(format!("it gives a {}", data["resultType"]));
        }
        let sample = |one: &Value| {
            let labels = one["metric"].as_object().unwrap().clone();
            // NaN and +Inf are read, too.
            let value = one["value"][1].as_str().unwrap().parse().unwrap();
            Sample { labels, value }
        };
        Ok(data["result"].as_array().unwrap().iter().map(sample).collect())
    }

    /// The one value of an expression now; 0 if there is none.
    pub(crate) async fn one(&self, expr: &str) -> f64 {
        let samples = self.query(expr, None).await.unwrap();
        assert!(samples.len() < 2, "{expr}: {samples:?}");
        samples.first().map_or(0.0, |sample| sample.value)
    }

    /// Waits until an expression has a value.
    pub(crate) async fn until(&self, expr: &str, value: f64) {
        let mut last = 0.0;
        let waited = tokio::time::timeout(LONG, async {
            loop {
                last = self.one(expr).await;
                if last == value {
                    return;
                }
                tokio::time::sleep(SOON).await;
            }
        });
        let waited = waited.await;
        assert!(waited.is_ok(), "{expr} came to {last}, and must come to {value}");
    }

    /// Waits until every rule was evaluated, and says how that went.
    pub(crate) async fn rules(&self) -> Vec<Value> {
        let waited = tokio::time::timeout(LONG, async {
            loop {
                let data = self.ask("/api/v1/rules", &[]).await.unwrap();
                let groups = data["groups"].as_array().unwrap().iter();
                let rules = groups.flat_map(|group| group["rules"].as_array().unwrap().clone());
                let rules: Vec<Value> = rules.collect();
                if rules.iter().all(|rule| rule["health"] != "unknown") {
                    return rules;
                }
                tokio::time::sleep(SOON).await;
            }
        });
        waited.await.expect("the rules were never evaluated")
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It has nothing that is to be kept. If it has ended already there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

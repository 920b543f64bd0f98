//! The hot set by the admin API: jobs, rollback, verification.

use crate::support::client::{Client, Response};
use crate::support::{config, eventually, server};
use aqs_api::{Catalogue, Coverage, Lookup, Rows};
use aqs_origin::RequestContext;
use aqs_origin::store::embedded::{EmbeddedStore, Options};
use aqs_origin::store::{Store, StoreError};
use aqs_proxy::config::{Config, StateDir};
use aqs_proxy::server::{Server, TOKEN_FILE};
use aqs_scenarios::load_rows;
use async_trait::async_trait;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// Two plans of three answers each: the days of 2026 that are loaded, and their months.
const PLANS: &str = r#"[
    {"name": "english", "priority": 1, "items": [{"endpoint": "unique-devices",
     "values": {"project": ["en.wikipedia"], "access-site": "all", "granularity": ["daily"]},
     "windows": ["everything"]}]},
    {"name": "german", "items": [{"endpoint": "unique-devices",
     "values": {"project": ["de.wikipedia"], "access-site": "all", "granularity": ["daily"]},
     "windows": ["everything"]}]}
]"#;
const ENGLISH: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261002";
const GERMAN: &str = "/metrics/unique-devices/de.wikipedia/all-sites/daily/20261001/20261002";

/// An embedded store that can be made to wait, to be empty and to fail.
struct FaultyStore {
    store: EmbeddedStore,
    open: watch::Sender<bool>,
    empty: AtomicBool,
    away: AtomicBool,
}

#[async_trait]
impl Store for FaultyStore {
    async fn read(&self, lookup: &Lookup, ctx: &RequestContext) -> Result<Rows, StoreError> {
        // The sender lives as long as this.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
        if self.away.load(Ordering::SeqCst) {
            let reason = "it is away".to_owned();
            return Err(StoreError::Unavailable { store: "faulty", reason });
        }
        if self.empty.load(Ordering::SeqCst) {
            return Ok(lookup.rows().finish());
        }
        self.store.read(lookup, ctx).await
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        self.store.coverage().await
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        self.store.change_token().await
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        self.store.versions().await
    }
}

/// A server whose hot set is built, with its token.
struct Fixture {
    server: Server,
    store: Arc<FaultyStore>,
    bearer: String,
    folder: tempfile::TempDir,
}

impl Fixture {
    /// Both plans are built, that of the higher priority first.
    async fn built() -> Self {
        let fixture = Self::with(PLANS).await;
        eventually(|| {
            let live = fixture.server.components.service.lookup.hot_set.live();
            let plans = live.map_or(0, |live| live.plans.len());
            plans == 2 && !fixture.has_running_job()
        })
        .await;
        fixture
    }

    async fn with(plans: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::standard().unwrap();
        let path = folder.path().join("store.sqlite");
        load_rows(&rows(folder.path()), &path, &catalogue);
        let store = Arc::new(FaultyStore {
            store: EmbeddedStore::open(&path, &catalogue, Options::default()).unwrap(),
            open: watch::Sender::new(true),
            empty: AtomicBool::new(false),
            away: AtomicBool::new(false),
        });
        let state = folder.path().join("state");
        let mut config = Config { state: StateDir::At(state.clone()), ..config() };
        config.hot_set.plans = serde_json::from_str(plans).unwrap();
        let server = server(config, Arc::clone(&store) as Arc<dyn Store>).await;
        let token = std::fs::read_to_string(state.join(TOKEN_FILE)).unwrap();
        let bearer = format!("Bearer {}", token.trim());
        Self { server, store, bearer, folder }
    }

    fn has_running_job(&self) -> bool {
        let jobs = self.server.components.jobs.list();
        jobs.iter().any(|job| job.ended.is_none())
    }

    fn live(&self) -> u64 {
        self.server.components.service.lookup.hot_set.live().map_or(0, |live| live.id)
    }

    async fn request(&self, method: &str, target: &str) -> Response {
        let mut admin = Client::connect(self.server.admin_addresses[0]).await;
        admin.request(method, target.as_bytes(), &[("authorization", &self.bearer)]).await
    }

    /// The JSON at a target.
    async fn get(&self, target: &str) -> Value {
        let response = self.request("GET", target).await;
        assert_eq!(response.status, 200, "{target}: {}", response.text());
        response.json()
    }

    /// Starts a job and returns its number.
    async fn start(&self, query: &str) -> u64 {
        let started = self.request("POST", &format!("/admin/jobs?{query}")).await;
        assert_eq!(started.status, 202, "{query}: {}", started.text());
        started.json()["job"]["id"].as_u64().unwrap()
    }

    /// Waits for the end of a job.
    async fn await_end(&self, id: u64) -> Value {
        let target = format!("/admin/jobs/{id}");
        loop {
            let job = self.get(&target).await;
            if job["state"] != "running" {
                return job;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    async fn cache_status(&self, target: &str) -> String {
        let answer = Client::connect(self.server.addresses[0]).await.get(target).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("cache-status").unwrap().to_owned()
    }
}

/// Two days of both projects.
fn rows(folder: &Path) -> std::path::PathBuf {
    let mut lines = String::new();
    for project in ["en.wikipedia", "de.wikipedia"] {
        for site in ["all-sites", "desktop-site", "mobile-site"] {
            for day in ["20261001", "20261002"] {
                lines.push_str(&format!(
                    r#"{{"project":"{project}","access-site":"{site}","granularity":"daily","timestamp":"{day}","devices":7,"offset":1,"underestimate":2}}"#
                ));
                lines.push('\n');
            }
        }
    }
    let rows = folder.join("rows");
    std::fs::create_dir(&rows).unwrap();
    std::fs::write(rows.join("unique_devices.ndjson"), lines).unwrap();
    rows
}

#[tokio::test]
async fn writes_need_the_token() {
    let fixture = Fixture::built().await;
    let (before, jobs) = (fixture.live(), fixture.get("/admin/jobs").await);
    let local = ("host", "localhost");
    for (method, target) in [
        ("POST", "/admin/jobs?plan=english&full=true"),
        ("DELETE", "/admin/jobs/1"),
        ("POST", "/admin/hot-set/rollback"),
        ("POST", "/admin/hot-set/verify"),
    ] {
        let auth = ("authorization", fixture.bearer.as_str());
        let wrong = ("authorization", "Bearer wrong-but-long-enough");
        for (headers, status) in [
            (vec![local], 401),
            (vec![local, wrong], 401),
            (vec![("host", "evil.example"), auth], 403),
            (vec![("host", "10.0.0.5"), auth], 403),
            (vec![local, auth, ("origin", "null")], 403),
        ] {
            let mut admin = Client::connect(fixture.server.admin_addresses[0]).await;
            let lines = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
            let head = format!("{method} {target} HTTP/1.1\r\n{}\r\n", lines.collect::<String>());
            admin.send(head.as_bytes()).await;
            let refused = admin.response(false).await.unwrap();
            assert_eq!(refused.status, status, "{method} {target} {headers:?}");
        }
    }
    assert_eq!((fixture.live(), fixture.get("/admin/jobs").await), (before, jobs));
    // The public listener has no admin API.
    let mut public = Client::connect(fixture.server.addresses[0]).await;
    let auth = [("authorization", fixture.bearer.as_str())];
    assert_eq!(public.request("POST", b"/admin/jobs?plan=english", &auth).await.status, 405);
    assert_eq!(public.request("DELETE", b"/admin/jobs/1", &auth).await.status, 405);
    assert_eq!(public.get("/admin/hot-set").await.status, 404);
    // Reads on a loopback listener need no token.
    let mut reader = Client::connect(fixture.server.admin_addresses[0]).await;
    for target in ["/admin/jobs", "/admin/jobs/1", "/admin/hot-set"] {
        assert_eq!(reader.get(target).await.status, 200, "{target}");
    }
}

#[tokio::test]
async fn a_job_publishes_a_generation() {
    let fixture = Fixture::built().await;
    let before = fixture.live();
    let started = fixture.request("POST", "/admin/jobs?plan=english&full=true").await;
    assert_eq!(started.status, 202);
    let id = started.json()["job"]["id"].as_u64().unwrap();
    assert_eq!(started.header("location"), Some(format!("/admin/jobs/{id}").as_str()));
    assert_eq!(started.header("cache-control"), Some("no-store"));
    let started = started.json();
    let names = ["plan", "full", "force", "dry_run", "trigger"];
    let start = names.map(|name| started["job"][name].clone());
    assert_eq!(started["joined"], false);
    assert_eq!(json!(start), json!(["english", true, false, false, "operator"]));
    let job = fixture.await_end(id).await;
    assert_eq!((&job["state"], &job["error"]), (&json!("done"), &Value::Null));
    assert_eq!(job["generation"], before + 1);
    let names = ["wanted", "keys", "without_data", "shared", "errors"];
    let facts = names.map(|name| job["facts"][name].clone());
    assert_eq!(json!(facts), json!([3, 3, 0, 0, 0]));
    assert_eq!(job["facts"]["data_through"], json!({"unique-devices-daily": "20261002"}));
    let expected = format!("aqs; hit; detail=\"hotset;gen={}\"", before + 1);
    assert_eq!(fixture.cache_status(ENGLISH).await, expected);
    // Newest first.
    let jobs = fixture.get("/admin/jobs").await;
    let ids: Vec<u64> =
        jobs.as_array().unwrap().iter().map(|job| job["id"].as_u64().unwrap()).collect();
    assert_eq!((ids[0], ids.len()), (id, 3));
    assert_eq!(jobs[0], job);

    let shown = fixture.get("/admin/hot-set").await;
    let live = &shown["live"];
    assert_eq!((&live["id"], &live["parent"]), (&json!(before + 1), &json!(before)));
    assert_eq!((&live["provenance"], &live["keys"]), (&json!("built"), &json!(6)));
    assert_eq!((&live["stale"], &live["purged"]), (&json!(0), &json!(0)));
    assert_eq!(live["data_through"], json!({"unique-devices-daily": "20261002"}));
    let plans = live["plans"].as_array().unwrap();
    for plan in plans {
        let fields = ["current", "partial", "completeness"].map(|name| plan[name].clone());
        assert_eq!(json!(fields), json!([true, false, 1.0]), "{plan}");
    }
    assert_eq!(plans.len(), 2);
    assert_eq!(shown["kept"].as_array().unwrap().last(), Some(&json!(before + 1)));
    assert_eq!(shown["max_age_seconds"], 26 * 3600);
    let plan = &shown["plans"][0];
    let fields = ["name", "every_seconds", "priority"].map(|name| plan[name].clone());
    assert_eq!(json!(fields), json!(["english", 6 * 3600, 1]));
    assert!(plan["next"].as_u64() > live["built"].as_u64(), "{plan}");
}

#[tokio::test]
async fn answers_without_data_are_counted() {
    let fixture = Fixture::built().await;
    // No such project is loaded.
    let id = fixture.start("plan=german&project=nosuch.wikipedia&force=true").await;
    let job = fixture.await_end(id).await;
    let facts = ["wanted", "keys", "without_data"].map(|name| job["facts"][name].clone());
    assert_eq!(json!(facts), json!([3, 3, 3]), "{job}");
    let shown = fixture.get("/admin/hot-set").await;
    let mut plans = shown["live"]["plans"].as_array().unwrap().iter();
    let german = plans.find(|plan| plan["name"] == "german").unwrap();
    let held = ["wanted", "keys", "without_data"].map(|name| german[name].clone());
    assert_eq!(json!(held), json!([6, 6, 3]), "{german}");
}

#[tokio::test]
async fn purged_answers_are_counted() {
    let fixture = Fixture::built().await;
    let purge = "/admin/purge?scope=project&name=de.wikipedia&depth=";
    for (depth, stale, purged) in [("soft", 3, 0), ("hard", 0, 3)] {
        // The builds that a purge starts wait, so that the purged answers stay.
        fixture.store.open.send_replace(false);
        assert_eq!(fixture.request("POST", &format!("{purge}{depth}")).await.status, 200);
        let live = &fixture.get("/admin/hot-set").await["live"];
        assert_eq!((&live["stale"], &live["purged"]), (&json!(stale), &json!(purged)), "{depth}");
        assert_eq!(live["keys"], 6);
    }
    fixture.store.open.send_replace(true);
}

#[tokio::test]
async fn mistakes_are_named_and_start_nothing() {
    let fixture = Fixture::built().await;
    let (before, jobs) = (fixture.live(), fixture.get("/admin/jobs").await);
    for (method, target, status, part) in [
        ("POST", "/admin/jobs", 400, "plan is missing"),
        ("POST", "/admin/jobs?plan=englisch", 404, "did you mean \"english\"?"),
        ("POST", "/admin/jobs?plan=x", 404, "the plans are english, german"),
        ("POST", "/admin/jobs?plan=english&projects=x", 400, "did you mean project?"),
        ("POST", "/admin/jobs?plan=english&project=a%20b", 400, "\"a b\" is not a project"),
        ("POST", "/admin/jobs?plan=english&last=7w", 400, "such as 7d or 13m"),
        ("POST", "/admin/jobs?plan=english&force=1", 400, "force: invalid value: string \"1\""),
        ("GET", "/admin/jobs/99", 404, "there is no job \"99\""),
        ("GET", "/admin/jobs/x", 404, "there is no job \"x\""),
        ("GET", "/admin/jobs/", 404, "invalid route"),
        ("DELETE", "/admin/jobs/99", 404, "there is no job \"99\""),
        ("DELETE", "/admin/jobs/1", 409, "job 1 has ended already"),
        ("DELETE", "/admin/jobs/1?force=true", 400, "no parameter `force`, there are no fields"),
        ("DELETE", "/admin/jobs", 405, "use GET, HEAD, POST, OPTIONS"),
        ("POST", "/admin/jobs/1", 405, "use GET, HEAD, DELETE, OPTIONS"),
        ("POST", "/admin/hot-set", 405, "use GET, HEAD, OPTIONS"),
        ("GET", "/admin/hot-set/rollback", 405, "use POST, OPTIONS"),
        ("POST", "/admin/hot-set/rollback?to=x", 400, "to: invalid digit"),
        ("POST", "/admin/hot-set/rollback?id=1", 400, "no parameter `id`, expected `to`"),
        ("POST", "/admin/hot-set/rollback?to=99", 404, "generation 99 is not kept"),
        ("POST", "/admin/hot-set/rollback?to=LIVE", 409, "is the one that is served"),
        ("POST", "/admin/hot-set/verify?sample=-1", 400, "sample: invalid digit"),
        ("POST", "/admin/hot-set/verify?sample=10001", 400, "sample is at most 10000"),
        ("POST", "/admin/hot-set/verify?samples=1", 400, "did you mean sample?"),
    ] {
        let target = target.replace("LIVE", &before.to_string());
        let refused = fixture.request(method, &target).await;
        assert_eq!(refused.status, status, "{method} {target}: {}", refused.text());
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(part), "{method} {target}: {detail}");
        assert_eq!(refused.json()["method"], method.to_ascii_lowercase(), "{method} {target}");
    }
    assert_eq!((fixture.live(), fixture.get("/admin/jobs").await), (before, jobs));
}

#[tokio::test]
async fn a_second_start_joins_and_a_cancelled_job_changes_nothing() {
    let fixture = Fixture::built().await;
    let before = fixture.get("/admin/hot-set").await;
    fixture.store.open.send_replace(false);
    let first = fixture.start("plan=english&full=true").await;
    let again = fixture.request("POST", "/admin/jobs?full=true&plan=english").await.json();
    assert_eq!((&again["joined"], &again["job"]["id"]), (&json!(true), &json!(first)));
    let other = fixture.start("plan=english&full=true&last=1d").await;
    assert_ne!(other, first);
    let job = fixture.get(&format!("/admin/jobs/{first}")).await;
    assert_eq!((&job["state"], &job["joined"]), (&json!("running"), &json!(1)));
    for id in [first, other] {
        let cancelled = fixture.request("DELETE", &format!("/admin/jobs/{id}")).await;
        assert_eq!(cancelled.status, 202, "{}", cancelled.text());
        assert_eq!(cancelled.header("location"), Some(format!("/admin/jobs/{id}").as_str()));
        assert_eq!(cancelled.json()["id"], id);
        let job = fixture.await_end(id).await;
        assert_eq!((&job["state"], &job["generation"]), (&json!("cancelled"), &Value::Null));
        assert_eq!(fixture.request("DELETE", &format!("/admin/jobs/{id}")).await.status, 409);
    }
    assert_eq!(fixture.get("/admin/hot-set").await["live"], before["live"]);
    assert!(fixture.cache_status(ENGLISH).await.contains("hotset"));
    fixture.store.open.send_replace(true);
}

#[tokio::test]
async fn a_dry_run_estimates_and_changes_nothing() {
    let fixture = Fixture::built().await;
    let files = || {
        let folder = std::fs::read_dir(fixture.folder.path().join("state/hot-set")).unwrap();
        let mut names: Vec<_> = folder.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let (before, kept) = (fixture.get("/admin/hot-set").await, files());
    let id = fixture.start("plan=english&full=true&dry_run=true").await;
    let job = fixture.await_end(id).await;
    assert_eq!((&job["state"], &job["generation"]), (&json!("done"), &Value::Null));
    let estimate = ["keys", "shared", "reads", "fits"].map(|name| job["estimate"][name].clone());
    // A site of a project is a partition.
    assert_eq!(json!(estimate), json!([3, 0, 3, true]));
    let after = fixture.get("/admin/hot-set").await;
    assert_eq!((&after["live"], files()), (&before["live"], kept));
}

#[tokio::test]
async fn a_rollback_publishes_an_older_content_under_a_new_number() {
    let fixture = Fixture::built().await;
    let two = fixture.live();
    let back = fixture.request("POST", "/admin/hot-set/rollback").await;
    assert_eq!(back.status, 200, "{}", back.text());
    let generation = &back.json()["generation"];
    let fields = ["id", "parent", "provenance", "keys"].map(|name| generation[name].clone());
    assert_eq!(json!(fields), json!([two + 1, two, {"rolled-back": {"from": two - 1}}, 3]));
    assert_eq!(back.json()["not_kept"], Value::Null);
    let expected = format!("aqs; hit; detail=\"hotset;gen={}\"", two + 1);
    assert_eq!(fixture.cache_status(ENGLISH).await, expected);
    assert!(!fixture.cache_status(GERMAN).await.contains("hotset"));
    let shown = fixture.get("/admin/hot-set").await;
    assert_eq!(&shown["live"], generation);
    assert_eq!(shown["kept"], json!([two - 1, two, two + 1]));
    // A rollback to a newer generation.
    let forward =
        fixture.request("POST", &format!("/admin/hot-set/rollback?to={two}")).await.json();
    assert_eq!(forward["generation"]["id"], two + 2);
    assert_eq!(forward["generation"]["provenance"], json!({"rolled-back": {"from": two}}));
    assert!(fixture.cache_status(GERMAN).await.contains("hotset"));
}

#[tokio::test]
async fn a_verification_names_differences() {
    let fixture = Fixture::built().await;
    let before = fixture.live();
    let well = fixture.request("POST", "/admin/hot-set/verify?sample=4").await;
    assert_eq!(well.status, 200, "{}", well.text());
    let expected = json!({"generation": before, "well": true, "intact": true, "kept": true,
                          "kept_error": null, "asked": 4, "compared": 4, "differs": [],
                          "unanswered": null});
    assert_eq!(well.json(), expected);
    // By default as many as before a publication, or as there are.
    assert_eq!(fixture.request("POST", "/admin/hot-set/verify").await.json()["compared"], 6);
    fixture.store.empty.store(true, Ordering::SeqCst);
    let differs = fixture.request("POST", "/admin/hot-set/verify?sample=100").await.json();
    assert_eq!((&differs["well"], &differs["compared"]), (&json!(false), &json!(6)));
    assert_eq!(differs["differs"].as_array().unwrap().len(), 6);
    fixture.store.empty.store(false, Ordering::SeqCst);
    fixture.store.away.store(true, Ordering::SeqCst);
    let away = fixture.request("POST", "/admin/hot-set/verify?sample=4").await.json();
    let fields = ["well", "intact", "kept", "asked", "compared", "differs"].map(|name| &away[name]);
    assert_eq!(json!(fields), json!([false, true, true, 4, 0, []]));
    assert!(away["unanswered"].as_str().unwrap().contains("it is away"), "{away}");
    fixture.store.away.store(false, Ordering::SeqCst);
    let newest = fixture.folder.path().join(format!("state/hot-set/gen-{before:010}.aqs"));
    assert!(newest.exists());
    std::fs::write(&newest, "something else").unwrap();
    let damaged = fixture.request("POST", "/admin/hot-set/verify?sample=0").await.json();
    let fields = ["well", "intact", "kept"].map(|name| damaged[name].clone());
    assert_eq!(json!(fields), json!([false, true, false]));
    assert!(damaged["kept_error"].as_str().unwrap().contains("is damaged"), "{damaged}");
    assert_eq!(fixture.live(), before);
}

#[tokio::test]
async fn a_start_without_plans_names_the_configuration() {
    let fixture = Fixture::with("[]").await;
    let refused = fixture.request("POST", "/admin/jobs?plan=english").await;
    assert_eq!(refused.status, 404);
    assert!(refused.text().contains("hot_set.enabled"), "{}", refused.text());
    assert_eq!(fixture.get("/admin/jobs").await, json!([]));
    let shown = fixture.get("/admin/hot-set").await;
    let fields = ["live", "kept", "plans"].map(|name| shown[name].clone());
    assert_eq!(json!(fields), json!([null, null, []]));
    for what in ["rollback", "verify"] {
        let nothing = fixture.request("POST", &format!("/admin/hot-set/{what}")).await;
        assert_eq!(nothing.status, 404, "{}", nothing.text());
    }
}

#[tokio::test]
async fn no_job_starts_during_the_drain() {
    let fixture = Fixture::built().await;
    let admin = fixture.server.admin_addresses[0];
    let (ready, bearer) = (fixture.server.components.readiness.clone(), fixture.bearer.clone());
    // A head that is not complete keeps the drain going.
    let mut unfinished = Client::connect(fixture.server.addresses[0]).await;
    unfinished.send(b"GET /healthz HTTP/1.1\r\n").await;
    let drained = tokio::spawn(fixture.server.drain());
    eventually(|| !ready.missing().is_empty()).await;
    let auth = [("authorization", bearer.as_str())];
    let target = b"/admin/jobs?plan=english&full=true";
    let late = Client::connect(admin).await.request("POST", target, &auth).await;
    assert_eq!(late.status, 503, "{}", late.text());
    assert!(late.text().contains("shutting down"), "{}", late.text());
    unfinished.send(b"host: x\r\n\r\n").await;
    assert_eq!(unfinished.response(false).await.unwrap().status, 200);
    drop(unfinished);
    assert!(drained.await.unwrap());
}

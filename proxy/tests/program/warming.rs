//! The hot set by the command line: builds, jobs, rollback, verification.

use super::*;
use serde_json::Value;

const DEVICES: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261002";
const ARTICLE: &str =
    "/metrics/pageviews/per-article/en.wikipedia/all-access/user/X/daily/20260903/20261002";

/// A process that serves a few rows, with a state directory in a temporary home.
struct Served {
    running: Running,
    home: tempfile::TempDir,
}

impl Served {
    /// With the built-in plans for one project.
    fn start() -> Self {
        Self::start_with("{projects: [en.wikipedia]}")
    }

    fn start_with(hot_set: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = home.path().join("store.sqlite");
        for (table, lines) in [
            ("unique_devices", devices(1, 10) + &devices(2, 20)),
            ("pageviews_per_article_flat", views(1) + &views(2)),
            ("top_pageviews", top()),
        ] {
            let directory = rows(home.path(), table, &lines);
            let loaded =
                run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
            assert!(loaded.status.success(), "{}", output_text(&loaded));
        }
        Self::serve(home, &store, hot_set)
    }

    /// Without anything loaded.
    fn empty() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = home.path().join("store.sqlite");
        let directory = rows(home.path(), "unique_devices", "");
        run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
        Self::serve(home, &store, "{projects: [en.wikipedia]}")
    }

    fn serve(home: tempfile::TempDir, store: &Path, hot_set: &str) -> Self {
        let file = home.path().join("aqs.yaml");
        let (state, store) = (home.path().join("state"), store.display());
        let keys = format!(
            "listen: ['127.0.0.1:0']\nadmin: {{listen: ['127.0.0.1:0']}}\nstate: {}\n\
             store: {{path: {store}}}\nhot_set: {hot_set}\n",
            state.display()
        );
        fs::write(&file, keys).unwrap();
        let running = Running::spawn(aqs(home.path()).arg("--config").arg(&file));
        Self { running, home }
    }

    fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// A command that finds the server by its state directory.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = aqs(self.home.path());
        command.args(args).env("AQS_STATE", self.state());
        command
    }

    /// The exit code and the output of a command.
    fn output(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = run(&mut self.command(args));
        (output.status.code(), output_text(&output))
    }

    /// What a command prints with `--json`.
    fn json(&self, args: &[&str]) -> Value {
        let output = run(self.command(args).arg("--json"));
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{args:?}: {}", output_text(&output)))
    }

    fn jobs(&self) -> Vec<Value> {
        self.json(&["jobs"]).as_array().unwrap().clone()
    }

    /// Waits until each plan was built. Plans of different priorities are built in sequence.
    fn await_builds(&self) {
        let plans = self.json(&["hot-set"])["plans"].as_array().unwrap().clone();
        eventually("all jobs end", Duration::from_secs(60), || {
            let jobs = self.jobs();
            let begun = |plan: &Value| jobs.iter().any(|job| job["plan"] == plan["name"]);
            plans.iter().all(begun) && jobs.iter().all(|job| job["state"] != "running")
        });
    }
}

fn views(day: u32) -> String {
    format!(
        r#"{{"project":"en.wikipedia","article":"X","granularity":"daily","timestamp":"2026100{day}00","aa":9,"au":8,"as":1,"da":9,"du":8}}"#
    ) + "\n"
}

fn top() -> String {
    r#"{"project":"en.wikipedia","access":"all-access","year":"2026","month":"10","day":"02","articlesJSON":"[{\"article\":\"X\",\"views\":8,\"rank\":1}]"}"#.to_owned() + "\n"
}

#[test]
fn both_plans_are_built_and_served() {
    let served = Served::start();
    served.await_builds();
    let mut last = 0;
    for plan in ["top-articles", "aggregates"] {
        let job = served.json(&["warm", plan, "--full"]);
        assert_eq!((&job["state"], &job["plan"]), (&"done".into(), &plan.into()), "{job}");
        assert_eq!((&job["full"], &job["trigger"]), (&true.into(), &"operator".into()));
        assert_eq!(job["facts"]["keys"], job["facts"]["wanted"]);
        assert_eq!(job["facts"]["errors"], 0);
        last = job["generation"].as_u64().unwrap();
        assert_eq!(served.json(&["hot-set"])["live"]["id"], last);
        assert_eq!(served.json(&["jobs", "show", &job["id"].to_string()]), job);
    }
    for target in [DEVICES, ARTICLE] {
        let answer = served.running.get(target);
        let expected = format!("cache-status: aqs; hit; detail=\"hotset;gen={last}\"");
        assert!(answer.contains(&expected), "{answer}");
    }
    // Without --json.
    let (code, text) =
        served.output(&["warm", "top-articles", "--project", "en.wikipedia", "--last", "2d"]);
    assert_eq!(code, Some(0), "{text}");
    for part in [
        "is published",
        "top-articles of en.wikipedia, last 2d",
        "carried over",
        "2026-10-02  pageviews-top-daily",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (_, text) = served.output(&["jobs"]);
    assert!(text.starts_with("job  plan "), "{text}");
    let (_, text) = served.output(&["hot-set"]);
    assert!(text.starts_with(&format!("generation {}: built ", last + 1)), "{text}");
    assert!(text.contains("100.0 %") && !text.contains("only a part"), "{text}");
}

#[test]
fn a_generation_is_rolled_back_and_verified() {
    let served = Served::start();
    served.await_builds();
    let before = served.json(&["warm", "aggregates", "--full"])["generation"].as_u64().unwrap();
    let back = served.json(&["hot-set", "rollback"]);
    assert_eq!(
        (&back["generation"]["id"], &back["generation"]["parent"]),
        (&(before + 1).into(), &before.into())
    );
    let back = served.json(&["hot-set", "rollback", "--to", &before.to_string()]);
    assert_eq!(back["generation"]["provenance"]["rolled-back"]["from"], before);
    let live = before + 2;
    assert_eq!(served.json(&["hot-set", "show"])["live"]["id"], live);
    let (code, text) = served.output(&["hot-set", "rollback", "--to", &live.to_string()]);
    assert!(code == Some(1) && text.contains("refused with 409"), "{text}");
    let (code, text) = served.output(&["hot-set", "verify", "--sample", "3"]);
    assert!(
        code == Some(0)
            && text.contains("all checks passed")
            && text.contains("3 of 3 with the store"),
        "{text}"
    );
    let file = served.state().join(format!("hot-set/gen-{live:010}.aqs"));
    fs::write(file, "something else").unwrap();
    let (code, text) = served.output(&["hot-set", "verify"]);
    assert!(code == Some(6) && text.contains("is damaged"), "{code:?} {text}");
}

#[test]
fn a_refused_build_can_be_forced() {
    let served = Served::empty();
    served.await_builds();
    let (code, text) = served.output(&["warm", "top-articles"]);
    assert_eq!(code, Some(4), "{text}");
    assert!(
        text.contains("skipped; nothing has changed: none of its datasets is loaded"),
        "{text}"
    );
    assert_eq!(served.json(&["hot-set"])["live"], Value::Null);
    let (code, text) = served.output(&["hot-set", "verify"]);
    assert!(code == Some(1) && text.contains("nothing is published yet"), "{text}");
    let (code, text) = served.output(&["warm", "top-articles", "--force"]);
    assert!(code == Some(0) && text.contains("by force"), "{code:?} {text}");
    let plan = &served.json(&["hot-set"])["live"]["plans"][0];
    assert_eq!(plan["forced"].as_array().unwrap().len(), 1, "{plan}");
}

/// One read per second, so that no job ends within the test.
const SLOW: &str = "{projects: [en.wikipedia], built_in: [aggregates], rate: 1}";

#[test]
fn a_job_goes_on_after_an_interrupt_and_can_be_cancelled() {
    let served = Served::start_with(SLOW);
    eventually("the schedule starts it", Duration::from_secs(60), || !served.jobs().is_empty());
    // The schedule has started the job, so that it is joined.
    let (code, text) = served.output(&["warm", "aggregates", "--no-wait"]);
    assert!(code == Some(0) && text.contains("job 1 is already running"), "{text}");
    let mut interrupted = served.command(&["warm", "aggregates", "--full"]).spawn().unwrap();
    eventually("it is started", Duration::from_secs(60), || served.jobs()[0]["id"] == 2);
    let interrupt = ["-s", "INT", &interrupted.id().to_string()].map(str::to_owned);
    assert!(Command::new("kill").args(interrupt).status().unwrap().success());
    assert_eq!(interrupted.wait().unwrap().code(), Some(130));
    let mut text = String::new();
    interrupted.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    // The signal may come before the answer that has the job's number.
    let hint =
        ["Job 2 goes on; aqs jobs cancel 2 cancels it", "The job may have started; aqs jobs lists"];
    assert!(hint.iter().any(|hint| text.contains(hint)), "{text}");
    assert_eq!(served.json(&["jobs", "show", "2"])["state"], "running");
    let waiting = served.command(&["warm", "aggregates", "--full"]).spawn().unwrap();
    eventually("it is joined", Duration::from_secs(60), || {
        served.json(&["jobs", "show", "2"])["joined"] == 1
    });
    let (code, text) = served.output(&["jobs", "cancel", "2"]);
    assert!(code == Some(0) && text.contains("job 2 is being cancelled"), "{text}");
    let ended = waiting.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(5), "{}", output_text(&ended));
    assert!(
        output_text(&ended).contains("cancelled; nothing has changed"),
        "{}",
        output_text(&ended)
    );
    let (code, text) = served.output(&["jobs", "cancel", "2"]);
    assert!(code == Some(1) && text.contains("refused with 409: job 2 has ended"), "{text}");
    assert_eq!(served.output(&["jobs", "cancel", "99"]).0, Some(1));
}

#[test]
fn a_plan_over_the_memory_limit_fails() {
    let plan = "{built_in: [], plans: [{name: devices, limits: {bytes: 100}, items: [{endpoint: \
                unique-devices, windows: [everything], values: {project: [en.wikipedia], \
                access-site: [all-sites], granularity: [daily]}}]}]}";
    let served = Served::start_with(plan);
    served.await_builds();
    let (code, text) = served.output(&["warm", "devices", "--dry-run"]);
    assert_eq!(code, Some(7), "{text}");
    assert!(text.contains("the plan would take more memory than allowed"), "{text}");
    assert_eq!(served.json(&["warm", "devices", "--dry-run"])["estimate"]["fits"], false);
    let (code, text) = served.output(&["warm", "devices"]);
    assert!(code == Some(4) && text.contains("failed; nothing has changed"), "{text}");
}

#[test]
fn failures_to_connect_are_explained() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    for args in [&["warm", "aggregates"][..], &["jobs"], &["hot-set", "verify"]] {
        let nowhere = run(aqs(home.path()).args(args).arg("--state").arg(&state));
        assert_eq!(nowhere.status.code(), Some(1), "{args:?}");
        assert!(
            output_text(&nowhere).contains("name it with --admin"),
            "{}",
            output_text(&nowhere)
        );
        let token = home.path().join("token");
        fs::write(&token, "a-token-that-is-long-enough").unwrap();
        assert!(Command::new("chmod").arg("600").arg(&token).status().unwrap().success());
        let mut command = aqs(home.path());
        command.args(args).args(["--admin", "http://127.0.0.1:1", "--token-file"]).arg(&token);
        let silent = run(&mut command);
        assert_eq!(silent.status.code(), Some(1), "{args:?}");
        assert!(
            output_text(&silent).contains("no server answers at http://127.0.0.1:1"),
            "{}",
            output_text(&silent)
        );
        let bad = home.path().join("bad.yaml");
        fs::write(&bad, "stat: x\n").unwrap();
        let bad = run(aqs(home.path()).args(args).arg("--config").arg(&bad));
        assert_eq!(bad.status.code(), Some(64), "{}", output_text(&bad));
    }
    for args in [&["warm"][..], &["jobs", "show"], &["jobs", "show", "x"], &["hot-set", "burn"]] {
        assert_eq!(run(aqs(home.path()).args(args)).status.code(), Some(2), "{args:?}");
    }
    let help = output_text(&run(aqs(home.path()).args(["warm", "--help"])));
    assert!(help.contains("  7  warm --dry-run: "), "{help}");
}

#[test]
fn builds_by_operators_are_logged_at_any_level() {
    let mut served = Served::start();
    served.await_builds();
    assert_eq!(served.output(&["log-level", "error"]).0, Some(0));
    assert_eq!(served.output(&["warm", "aggregates", "--force", "--last", "1d"]).0, Some(0));
    assert_eq!(served.output(&["hot-set", "rollback"]).0, Some(0));
    assert_eq!(served.output(&["hot-set", "verify"]).0, Some(0));
    served.running.signal("TERM");
    let mut log = String::new();
    served.running.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    for parts in [
        ["a job was started by an operator", "plan=\"aggregates\"", "force=true", "last=\"1d\""],
        ["the hot set was rolled back by an operator", "generation=", "before=", "http.request.id"],
        ["the hot set was verified by an operator", "well=true", "compared=", "http.request.id"],
    ] {
        let matches = |line: &&str| parts.iter().all(|part| line.contains(part));
        assert_eq!(log.lines().filter(matches).count(), 1, "{parts:?}: {log}");
    }
    // The log names triggers and events like the admin API.
    for part in ["trigger=\"schedule\"", "a job ended: generation ", "the hot set was rolled back"]
    {
        assert!(log.contains(part), "{part}: {log}");
    }
    for form in ["trigger=Schedule", "RolledBack", "words="] {
        assert!(!log.contains(form), "{form}: {log}");
    }
}

#[test]
fn completions_have_commands_and_flags() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(aqs(home.path()).args(["completions", shell]));
        assert_eq!(script.status.code(), Some(0), "{}", output_text(&script));
        for word in ["hot-set", "rollback", "dry-run", "token-file"] {
            assert!(output_text(&script).contains(word), "{shell} lacks {word}");
        }
    }
    assert_eq!(run(aqs(home.path()).args(["completions", "cmd"])).status.code(), Some(2));
}

/// A small store is no failure: nothing is logged above INFO, and what can be built is.
#[test]
fn a_store_with_one_dataset_has_a_hot_set_and_no_errors() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let lines = (devices(1, 10) + &devices(2, 20)).replace("en.wikipedia", "wiki.example");
    let directory = rows(home.path(), "unique_devices", &lines);
    let loaded = run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    assert!(loaded.status.success(), "{}", output_text(&loaded));
    let mut served = Served::serve(home, &store, "{}");
    eventually("all jobs end", Duration::from_secs(20), || {
        let jobs = served.jobs();
        jobs.len() == 2 && jobs.iter().all(|job| job["state"] != "running")
    });
    let mut states: Vec<_> = served.jobs().iter().map(|job| job["state"].clone()).collect();
    states.sort_by_key(ToString::to_string);
    assert_eq!(states, ["done", "skipped"]);
    for (project, expected) in [
        ("wiki.exmaple", "nothing of wiki.exmaple is loaded; did you mean wiki.example?"),
        ("de.wikipedia", "nothing of de.wikipedia is loaded (force"),
    ] {
        let (code, text) = served.output(&["warm", "aggregates", "--project", project]);
        assert!(code == Some(1) && text.contains(expected), "{code:?} {text}");
    }
    let sums = ["warm", "aggregates", "--project", "all-projects", "--dry-run"];
    let (code, text) = served.output(&sums);
    assert_eq!(code, Some(0), "{text}");
    // The projects of the built-in plans are those of the store.
    let path = "/metrics/unique-devices/wiki.example/all-sites/daily/20260903/20261002";
    let response = served.running.get(path);
    assert!(
        response.contains("detail=\"hotset;") && response.contains("\"devices\":20"),
        "{response}"
    );
    let printed = &served.running.printed;
    assert!(printed.contains("/metrics/unique-devices/wiki.example/"), "{printed}");
    served.running.signal("TERM");
    let mut log = String::new();
    served.running.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("none of its datasets is loaded"), "{log}");
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
}

//! Version and configuration.

use super::*;

#[test]
fn the_version_is_printed() {
    let home = tempfile::tempdir().unwrap();
    let version = run(aqs(home.path()).arg("--version"));
    assert_eq!(output_text(&version).trim(), format!("aqs {}", env!("CARGO_PKG_VERSION")));
    assert_eq!(run(aqs(home.path()).arg("--no-such-flag")).status.code(), Some(2));
}

#[test]
fn an_upstream_configuration_starts_without_its_cassandra() {
    let home = tempfile::tempdir().unwrap();
    let file = upstream(home.path());
    let mut command = aqs(home.path());
    command.env("AQS_ADMIN_LISTEN", "127.0.0.1:0").env("AQS_LOG_FORMAT", "readable");
    let mut running = Running::spawn(command.arg("-config").arg(&file));
    assert!(running.get("/healthz").contains("\r\n\r\n{\n  \"version\": \""));
    let devices = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261001";
    assert!(running.get(devices).starts_with("HTTP/1.1 503"));
    // Unknown coverage is not an empty store.
    assert!(running.get("/metrics/datasets").starts_with("HTTP/1.1 503"));
    assert!(running.get("/admin/metrics").contains("\nhttp_requests_total{"));
    running.signal("TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    let mut logged = String::new();
    running.child.stderr.take().unwrap().read_to_string(&mut logged).unwrap();
    let unset = "CASSANDRA_USERNAME and CASSANDRA_PASSWORD env vars unset, \
                 using values from configuration file";
    assert!(logged.contains(unset), "{logged}");
    assert!(
        logged.contains("127.0.0.1:1: connection refused; does Cassandra run there"),
        "{logged}"
    );
    assert!(!logged.contains("geheim") && !logged.contains("INFO"), "{logged}");
}

#[test]
fn a_bad_configuration_is_refused_before_the_start() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("aqs.yaml");
    fs::write(&file, "limits:\n  haed: 10s\n").unwrap();
    for args in [&["--config"][..], &["check-config", "--config"], &["serve", "-config"]] {
        let ended = run(aqs(home.path()).args(args).arg(&file));
        assert_eq!(ended.status.code(), Some(64), "{}", output_text(&ended));
        let refusal = "aqs.yaml:2:3: limits.haed: there is no such key; the nearest is `head`\n";
        assert!(output_text(&ended).ends_with(refusal), "{}", output_text(&ended));
    }
    let missing = run(aqs(home.path()).env("AQS_CONFIG", home.path().join("missing.yaml")));
    assert_eq!(missing.status.code(), Some(64), "{}", output_text(&missing));
    assert_eq!(run(aqs(home.path()).env("AQS_MEMORY", "much")).status.code(), Some(64));
    for args in
        [["--memory", "much"], ["--listen", "here"], ["--admin-listen", "x"], ["--state", ""]]
    {
        let ended = run(aqs(home.path()).args(args));
        assert_eq!(ended.status.code(), Some(64), "{}", output_text(&ended));
    }
    assert!(!home.path().join("cache").exists(), "a sample was built");
}

#[test]
fn a_bad_ca_file_is_refused_before_the_start() {
    let home = tempfile::tempdir().unwrap();
    let file = upstream(home.path());
    fs::write(home.path().join("ca.pem"), "").unwrap();
    for command in ["check-config", "serve"] {
        let ended = run(aqs(home.path()).args([command, "--config"]).arg(&file));
        assert_eq!(ended.status.code(), Some(64), "{}", output_text(&ended));
        assert!(
            output_text(&ended).contains("cassandra.tls.ca: the CA file "),
            "{}",
            output_text(&ended)
        );
        assert!(
            output_text(&ended).contains("ca.pem holds no certificate"),
            "{}",
            output_text(&ended)
        );
    }
}

#[test]
fn a_ca_file_may_have_a_bad_certificate_and_a_good_one() {
    let home = tempfile::tempdir().unwrap();
    let file = upstream(home.path());
    let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(home.path().join("ca.pem"), format!("{odd}{CA}")).unwrap();
    let checked = run(aqs(home.path()).args(["check-config", "--config"]).arg(&file));
    assert_eq!(checked.status.code(), Some(0), "{}", output_text(&checked));
    fs::write(home.path().join("ca.pem"), odd).unwrap();
    let checked = run(aqs(home.path()).args(["check-config", "--config"]).arg(&file));
    assert_eq!(checked.status.code(), Some(64), "{}", output_text(&checked));
}

#[test]
fn the_effective_configuration_has_no_secrets() {
    let home = tempfile::tempdir().unwrap();
    let file = upstream(home.path());
    let mut command = aqs(home.path());
    command.env("CASSANDRA_PASSWORD", "geheimer").env("AQS_MEMORY", "32MiB");
    let printed = run(command.args(["check-config", "--memory", "64MiB", "--config"]).arg(&file));
    assert_eq!(printed.status.code(), Some(0), "{}", output_text(&printed));
    let text = output_text(&printed);
    for line in ["memory: 64MiB", "- 127.0.0.1:0", "username: device_analytics", "***"] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("geheim"), "{text}");
    let page = run(aqs(home.path()).arg("config-docs"));
    assert!(String::from_utf8_lossy(&page.stdout).contains("| `limits.head` |"));
}

#[test]
fn check_config_warns_of_likely_mistakes() {
    let home = tempfile::tempdir().unwrap();
    let mut command = aqs(home.path());
    command.arg("check-config").env("AQS_LISTN", "127.0.0.1:1").args(["--store", "/no/store"]);
    let checked = run(&mut command);
    assert_eq!(checked.status.code(), Some(0), "{}", output_text(&checked));
    let warnings = String::from_utf8(checked.stderr).unwrap();
    for warning in [
        "aqs: the variable AQS_LISTN is not known and does nothing; the nearest is AQS_LISTEN",
        "aqs: store.path: /no/store is not there",
    ] {
        assert!(warnings.lines().any(|line| line == warning), "{warnings}");
    }
}

#[test]
fn an_unusable_state_directory_is_named() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    for (state, fault) in [
        ("/proc/x".to_owned(), "can't be made: "),
        (file.display().to_string(), "is no directory; "),
        ("/proc".to_owned(), "can't be used: "),
    ] {
        let mut command = aqs(home.path());
        command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store"]);
        let ended = run(command.arg(&store).args(["--state", &state]));
        assert_eq!(ended.status.code(), Some(1), "{}", output_text(&ended));
        let begin = format!("aqs: the state directory {state} {fault}");
        let end = "choose another with --state or the key state";
        let named = |line: &str| line.starts_with(&begin) && line.ends_with(end);
        assert!(output_text(&ended).lines().any(named), "{}", output_text(&ended));
    }
}

/// The example of plans in OPERATING.md is valid.
#[test]
fn the_documented_plans_are_valid() {
    let page = include_str!("../../../config/OPERATING.md");
    let from = page.find("    hot_set:\n").unwrap();
    let block = page[from..].lines().take_while(|line| line.starts_with("    "));
    let example: String = block.map(|line| line[4..].to_owned() + "\n").collect();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("aqs.yaml");
    fs::write(&file, &example).unwrap();
    let checked = run(aqs(home.path()).arg("check-config").arg("--config").arg(&file));
    assert_eq!(checked.status.code(), Some(0), "{}", output_text(&checked));
    assert!(output_text(&checked).contains("country-lists"), "{}", output_text(&checked));
    for (right, wrong, reason) in [
        ("newest 7 days", "last 7 days", "does not fit"),
        ("access: all", "access: desktop", "as a list"),
        ("top_articles_of: newest day", "top_articles_of: newest week", "is no window"),
    ] {
        fs::write(&file, example.replace(right, wrong)).unwrap();
        let refused = run(aqs(home.path()).arg("check-config").arg("--config").arg(&file));
        assert_eq!(refused.status.code(), Some(64), "{wrong}");
        assert!(output_text(&refused).contains(reason), "{wrong}: {}", output_text(&refused));
    }
}

/// A control group that is removed when dropped.
struct ControlGroup(PathBuf);

impl ControlGroup {
    /// A group with a memory limit in bytes; `None` if the machine allows none.
    fn limited(bytes: u64) -> Option<Self> {
        let roots =
            [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        roots.iter().find_map(|(root, file)| {
            let group = Self(Path::new(root).join(format!("aqs-test-{}", std::process::id())));
            fs::create_dir(&group.0).ok()?;
            fs::write(group.0.join(file), bytes.to_string()).ok()?;
            group.0.join(file).exists().then_some(group)
        })
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(self.0.join("inner"));
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn memory_limit_of_a_parent_group_is_found() {
    let Some(outer) = ControlGroup::limited(200 << 20) else {
        eprintln!("skipped: this machine allows no control groups");
        return;
    };
    fs::create_dir(outer.0.join("inner")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let in_group = |args: &[&str]| {
        let procs = outer.0.join("inner/cgroup.procs");
        let own = aqs(home.path());
        let mut shell = Command::new("sh");
        shell
            .env("HOME", home.path())
            .envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        for (name, _) in own.get_envs().filter(|(_, value)| value.is_none()) {
            shell.env_remove(name);
        }
        shell
            .args(["-c", "echo $$ > \"$0\" && exec \"$@\""])
            .arg(procs)
            .arg(own.get_program())
            .args(args);
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        shell
    };
    let checked = output_text(&run(&mut in_group(&["check-config"])));
    let found = "# The memory limit is 200MiB of the control group (/sys/fs/cgroup/";
    assert!(checked.starts_with(found), "{checked}");
    assert!(checked.contains("\nmemory: 100MiB\n"), "{checked}");
    let warned = output_text(&run(&mut in_group(&["check-config", "--memory", "1GiB"])));
    assert!(warned.contains("memory is 1GiB, but the memory limit of the process"), "{warned}");
}

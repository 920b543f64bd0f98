//! Purges by the command line.

use super::*;

#[test]
fn a_purge_finds_the_server_by_its_state_directory() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    let state = home.path().join("state");
    let purge =
        |args: &[&str]| run(aqs(home.path()).env("AQS_STATE", &state).arg("purge").args(args));
    assert!(output_text(&purge(&["--all"])).contains("name it with --admin"), "no server runs yet");
    let running = Running::start_with(home.path(), &store, &["--state", state.to_str().unwrap()]);
    let target = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261001";
    for args in [
        ["--all", "--hard"].as_slice(),
        &["--hard", "--project", "en.wikipedia"],
        &["--hard", "--endpoint", "unique-devices"],
        &["--hard", "--dataset", "unique-devices-daily"],
        &[
            "--hard",
            target,
            "/api/rest_v1/metrics/unique-devices/de.wikipedia/all-sites/daily/20261001/20261001",
        ],
    ] {
        running.get(target);
        let purged = purge(args);
        assert!(purged.status.success(), "{args:?}: {}", output_text(&purged));
        assert!(running.get(target).contains("detail=purged"), "{args:?}");
    }
    let refused = purge(&["--dataset", "unique-devices-weekly"]);
    assert!(!refused.status.success());
    assert!(output_text(&refused).contains("did you mean"), "{}", output_text(&refused));
    assert_eq!(purge(&[]).status.code(), Some(2), "nothing to purge was named");
}

#[test]
fn a_purge_uses_the_configured_socket_file() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let directory = rows(home.path(), "unique_devices", &devices(1, 10));
    run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    let (socket, state) = (home.path().join("admin"), home.path().join("state"));
    let file = home.path().join("aqs.yaml");
    let keys = format!(
        "listen: ['127.0.0.1:0']\nadmin: {{listen: ['unix:{}']}}\nstate: {}\nstore: {{path: {}}}\n",
        socket.display(),
        state.display(),
        store.display()
    );
    fs::write(&file, keys).unwrap();
    let mut running = Running::spawn(aqs(home.path()).arg("--config").arg(&file));
    assert!(running.printed.contains(&format!("curl --unix-socket {}", socket.display())));
    let target = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261001";
    let token = state.join("admin-token");
    let by_flags = format!("--admin unix:{} --token-file {}", socket.display(), token.display());
    let by_flags: Vec<&str> = by_flags.split(' ').collect();
    let config = file.to_str().unwrap();
    for args in [&["--config", config][..], &by_flags] {
        running.get(target);
        let purged = run(aqs(home.path()).args(["purge", "--all", "--hard"]).args(args));
        assert!(purged.status.success(), "{args:?}: {}", output_text(&purged));
        assert!(running.get(target).contains("detail=purged"), "{args:?}");
    }
    let purged = run(aqs(home.path()).env("AQS_CONFIG", &file).args(["purge", "--all"]));
    assert!(purged.status.success(), "{}", output_text(&purged));
    let other = home.path().join("other-token");
    fs::write(&other, "a token that is long enough".replace(' ', "-")).unwrap();
    let mut command = aqs(home.path());
    command.args(["purge", "--all", "--config", config, "--token-file"]).arg(&other);
    for (mode, refusal) in [("644", "chmod 600"), ("600", "refused with 401")] {
        assert!(Command::new("chmod").arg(mode).arg(&other).status().unwrap().success());
        let refused = run(&mut command);
        assert!(
            !refused.status.success() && output_text(&refused).contains(refusal),
            "{}",
            output_text(&refused)
        );
    }
    running.signal("TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    assert!(!socket.exists(), "the socket file was not removed");
    let refused = run(aqs(home.path()).args(["purge", "--all", "--config", config]));
    assert!(output_text(&refused).contains("found no running server"), "{}", output_text(&refused));
    fs::write(&file, "stat: x\n").unwrap();
    let bad = run(aqs(home.path()).args(["purge", "--all", "--config", config]));
    assert_eq!(bad.status.code(), Some(64), "{}", output_text(&bad));
}

//! Standard streams that are closed or full: no command panics or does less because of that.

use super::*;
use std::fs::File;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    /// A pipe that no one reads.
    Closed,
    /// A full disk.
    Full,
}

impl Stream {
    fn open(self) -> Stdio {
        match self {
            Self::Full => File::options().write(true).open("/dev/full").unwrap().into(),
            Self::Closed => {
                let (read, write) = std::io::pipe().unwrap();
                drop(read);
                write.into()
            }
        }
    }
}

/// Runs a command with such streams. Returns its exit code and what it wrote to standard error.
fn run_into(command: &mut Command, out: Stream, err: Option<Stream>) -> (Option<i32>, String) {
    command.stdout(out.open());
    if let Some(err) = err {
        command.stderr(err.open());
    }
    let ended = command.output().unwrap();
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[test]
fn work_is_done_without_a_reader() {
    for (out, err) in [
        (Stream::Closed, None),
        (Stream::Full, None),
        (Stream::Full, Some(Stream::Full)),
        (Stream::Closed, Some(Stream::Closed)),
    ] {
        let home = tempfile::tempdir().unwrap();
        let store = home.path().join("store.sqlite");
        let lines = devices(1, 10) + "nonsense\n";
        let directory = rows(home.path(), "unique_devices", &lines);
        let mut load = aqs(home.path());
        let (code, text) =
            run_into(load.arg("load").arg(&directory).arg("--store").arg(&store), out, err);
        // The code of a load that left a bad row out.
        assert_eq!(code, Some(1), "{out:?} {err:?}: {text}");
        assert!(!text.contains("panicked"), "{text}");
        let running = Running::start(home.path(), &store);
        let target = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20261001/20261001";
        assert!(running.get(target).contains("\"devices\":10,"), "{out:?} {err:?}");
        drop(running);
        let sample = home.path().join("sample");
        let (code, text) = run_into(aqs(home.path()).arg("sample").arg(&sample), out, err);
        assert_eq!(code, Some(0), "{out:?} {err:?}: {text}");
        assert!(sample.join("unique_devices.ndjson").exists());
    }
}

#[test]
fn a_result_that_is_lost_is_an_error_but_not_one_that_is_cut() {
    let home = tempfile::tempdir().unwrap();
    for args in [&["schema"][..], &["check-config"], &["config-docs"], &["completions", "bash"]] {
        let (code, text) = run_into(aqs(home.path()).args(args), Stream::Full, None);
        assert_eq!(code, Some(1), "{args:?}: {text}");
        assert!(text.contains("aqs: failed to write to standard output: "), "{args:?}: {text}");
        let (code, text) = run_into(aqs(home.path()).args(args), Stream::Closed, None);
        assert_eq!((code, text.as_str()), (Some(0), ""), "{args:?}");
        let (code, _) = run_into(aqs(home.path()).args(args), Stream::Full, Some(Stream::Full));
        assert_eq!(code, Some(1), "{args:?}");
    }
}

#[test]
fn text_from_files_does_not_control_the_terminal() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store.sqlite");
    let line = "{\"project\":\"a\\u001b[2J\\nb\",\"x\u{1b}[31m\":1}\n";
    let directory = rows(home.path(), "unique_devices", line);
    let loaded = run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    let text = output_text(&loaded);
    let is_unsafe = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(is_unsafe), "{text:?}");
}

#[test]
fn completions_offer_names() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = output_text(&run(aqs(home.path()).args(["completions", shell])));
        for name in ["pageviews/top-by-country", "unique-devices-monthly"] {
            assert!(script.contains(name), "{shell}: {name}");
        }
        // clap_complete has no values of positional arguments for fish.
        assert!(shell == "fish" || script.contains("top-articles"), "{shell}");
    }
    let help = output_text(&run(aqs(home.path()).args(["completions", "--help"])));
    let line = help.lines().skip_while(|line| !line.contains("bash: ")).take(2);
    let line = line.collect::<String>().replacen("bash: ", "", 1);
    let path = format!(
        "{}:/usr/bin:/bin",
        Path::new(env!("CARGO_BIN_EXE_aqs")).parent().unwrap().display()
    );
    let mut shell = Command::new("bash");
    let ended =
        shell.arg("-c").arg(&line).env("HOME", home.path()).env("PATH", path).output().unwrap();
    assert!(ended.status.success(), "{line}: {}", output_text(&ended));
    assert!(home.path().join(".local/share/bash-completion/completions/aqs").exists());
}

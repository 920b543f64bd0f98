//! The hot set of a process that is killed.

use super::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const PLANS: u32 = 40;
const KILLS: u64 = 20;
/// Loaded days of each project.
const DAYS: u32 = 9;

/// The target that every version of a plan builds.
fn target(project: u32) -> String {
    format!("/metrics/unique-devices/p{project}.wikipedia/all-sites/daily/20261001/2026100{DAYS}")
}

/// The body of the answer (contract §1.4).
fn expected(project: u32) -> String {
    let item = |day: u32| {
        format!(
            r#"{{"project":"p{project}.wikipedia","access-site":"all-sites","granularity":"daily","timestamp":"2026100{day}","devices":{},"offset":1,"underestimate":2}}"#,
            100 * project + day
        )
    };
    format!(r#"{{"items":[{}]}}"#, (1..=DAYS).map(item).collect::<Vec<_>>().join(","))
}

fn all_rows() -> String {
    let lines = (0..PLANS).flat_map(|project| {
        (1..=DAYS).map(move |day| {
            devices(day, 100 * project + day)
                .replace("en.wikipedia", &format!("p{project}.wikipedia"))
        })
    });
    // With an example, which is the last line that a start prints.
    lines.chain([devices(1, 10)]).collect()
}

/// A plan for each project. The plans differ between rounds, so that each start builds all of them,
/// and each build writes a generation.
fn configuration(round: u64) -> String {
    let mut text = "hot_set:\n  built_in: []\n  plans:\n".to_owned();
    for project in 0..PLANS {
        let _ = writeln!(
            text,
            "    - {{name: p{project}, items: [{{endpoint: unique-devices, values: {{project: \
             [p{project}.wikipedia], access-site: [all-sites], granularity: [daily]}}, windows: \
             [everything, last {} days]}}]}}",
            1 + round % 8
        );
    }
    text
}

/// The generation and the body of an answer of the hot set; `None` for another answer.
fn hot(answer: &str) -> Option<(u64, &str)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let (_, rest) = head.split_once("cache-status: aqs; hit; detail=\"hotset;gen=")?;
    Some((rest.split_once('"')?.0.parse().ok()?, body))
}

/// The names of the files on disk.
fn kept(state: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(state.join("hot-set")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The number of the newest complete generation.
fn newest(names: &BTreeSet<String>) -> u64 {
    let number = |name: &String| name.strip_prefix("gen-")?.strip_suffix(".aqs")?.parse().ok();
    names.iter().filter_map(number).max().unwrap()
}

#[test]
fn a_kill_during_writes_leaves_a_complete_generation() {
    let home = tempfile::tempdir().unwrap();
    let (store, state) = (home.path().join("store.sqlite"), home.path().join("state"));
    let directory = rows(home.path(), "unique_devices", &all_rows());
    let loaded = run(aqs(home.path()).arg("load").arg(&directory).arg("--store").arg(&store));
    assert!(loaded.status.success(), "{}", output_text(&loaded));
    let file = home.path().join("aqs.yaml");
    let start = |round: u64| {
        fs::write(&file, configuration(round)).unwrap();
        let args = ["--config", file.to_str().unwrap(), "--state", state.to_str().unwrap()];
        Running::start_with(home.path(), &store, &args)
    };
    let kill = |mut running: Running| {
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        kept(&state)
    };

    let running = start(0);
    eventually("all plans are built", Duration::from_secs(120), || {
        (0..PLANS).all(|project| hot(&running.get(&target(project))).is_some())
    });
    // A generation is written after it is published.
    eventually("and written", Duration::from_secs(120), || {
        newest(&kept(&state)) == u64::from(PLANS)
    });
    let mut least = newest(&kill(running));
    let mut unfinished = 0;
    for round in 1..=KILLS {
        let running = start(round);
        let mut last = least;
        for project in 0..PLANS {
            let answer = running.get(&target(project));
            let (generation, body) = hot(&answer).unwrap_or_else(|| panic!("{round}: {answer}"));
            assert_eq!(body, expected(project), "{round}");
            assert!(generation >= last, "{round}: {generation} after {last}");
            last = generation;
        }
        // Some are killed during requests, some during writes, some after the last write.
        std::thread::sleep(Duration::from_millis(round * 7919 % 1000));
        let names = kill(running);
        unfinished += names.iter().filter(|name| name.starts_with(".unfinished-")).count();
        assert!(newest(&names) >= least, "{round}: {names:?}");
        least = newest(&names);
    }
    let running = start(0);
    assert!(hot(&running.get(&target(0))).unwrap().0 >= least);
    let names = kept(&state);
    let known = |name: &str| {
        // `next` holds the next number.
        matches!(name, "lock" | "next") || name.starts_with("gen-") && name.ends_with(".aqs")
            // A file that is being written.
            || name.starts_with(".unfinished-")
    };
    assert!(names.iter().all(|name| known(name)), "a file was quarantined: {names:?}");
    // Three older generations stay, and no incomplete one.
    assert!(names.len() <= 2 + 1 + 3 + 2, "{names:?}");
    println!("{unfinished} of {KILLS} kills met a generation that was being written");
}

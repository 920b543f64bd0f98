//! Jobs in words.

use super::words;
use aqs_warmers::build::{Basis, Estimate, Snapshot};
use aqs_warmers::generation::PlanFacts;
use aqs_warmers::jobs::{JobView, State};

/// What is built, in short.
pub(super) fn what(job: &JobView) -> String {
    let mut what = job.plan.clone();
    if !job.overrides.projects.is_empty() {
        what.push_str(&format!(" of {}", job.overrides.projects.join(", ")));
    }
    if let Some(last) = job.overrides.last {
        what.push_str(&format!(", last {last}"));
    }
    for (is, word) in [(job.full, "full"), (job.force, "forced"), (job.dry_run, "dry run")] {
        if is {
            what.push_str(&format!(", {word}"));
        }
    }
    what
}

/// Everything about a job.
pub(super) fn all_about(job: &JobView) -> String {
    let mut text = format!("job {}: {}\n", job.id, outcome(job));
    let mut facts = vec![
        ("plan", what(job)),
        ("started", format!("{}, by {}", words::moment(job.started), job.trigger.name())),
    ];
    if job.joined > 0 {
        facts.push(("joined", format!("by {} further starts", job.joined)));
    }
    if let Some(ended) = job.ended {
        facts.push(("took", words::between(job.started, ended)));
    }
    match (&job.estimate, &job.facts) {
        (Some(estimate), _) => facts.extend(estimated(estimate)),
        (None, Some(built)) => facts.extend(of_build(built, job)),
        (None, None) => facts.extend(so_far(&job.progress)),
    }
    text.push_str(&words::facts(facts));
    for refusal in &job.refusals {
        text.push_str(&format!("  check {}: {}\n", refusal.check, refusal.reason));
    }
    if let Some(reason) = &job.not_kept {
        text.push_str(&format!("  not kept for a restart: {reason}\n"));
    }
    text
}

/// What became of a job, in a few words.
fn outcome(job: &JobView) -> String {
    let reason = job.error.as_deref().unwrap_or("no reason is known");
    match (job.state, job.generation, &job.estimate) {
        (State::Running, ..) => "it is under way".to_owned(),
        (State::Done, Some(id), _) if job.refusals.is_empty() => {
            format!("generation {id} is published")
        }
        (State::Done, Some(id), _) => {
            format!("generation {id} is published by force, against the checks")
        }
        (State::Done, None, Some(estimate)) if estimate.fits => "it would fit".to_owned(),
        (State::Done, None, Some(_)) => "it would take more memory than it may".to_owned(),
        (State::Done, None, None) => "it is done".to_owned(),
        (State::Refused, ..) => "the checks refused it, and nothing has changed".to_owned(),
        (State::Failed, ..) => format!("it failed, and nothing has changed: {reason}"),
        (State::Cancelled, ..) => "it was cancelled, and nothing has changed".to_owned(),
    }
}

fn of_build(built: &PlanFacts, job: &JobView) -> Vec<(&'static str, String)> {
    // What could not be read may be held still, as it was.
    let progress = &job.progress;
    let read = progress.done.saturating_sub(progress.shared + progress.errors);
    let mut facts = vec![
        ("answers", format!("{} of {} wanted{}", built.keys, built.wanted, without_data(built))),
        ("read", read.to_string()),
        ("taken over", built.shared.to_string()),
        ("errors", built.errors.to_string()),
        ("reads", format!("{} ({} of them further attempts)", built.reads, job.progress.retries)),
        ("bytes read", words::bytes(job.progress.bytes)),
    ];
    let through =
        built.data_through.iter().map(|(name, day)| ("data through", words::through(name, day)));
    facts.extend(through);
    facts
}

/// How many answers tell nothing; many do if a name is misspelled.
fn without_data(built: &PlanFacts) -> String {
    match built.without_data {
        0 => String::new(),
        count => format!(" ({count} of these without data)"),
    }
}

fn so_far(progress: &Snapshot) -> Vec<(&'static str, String)> {
    vec![
        ("answers", format!("{} of {}", progress.done, progress.total)),
        ("taken over", progress.shared.to_string()),
        ("errors", progress.errors.to_string()),
        ("reads", format!("{} ({} of them further attempts)", progress.reads, progress.retries)),
        ("bytes read", words::bytes(progress.bytes)),
    ]
}

fn estimated(estimate: &Estimate) -> Vec<(&'static str, String)> {
    let basis = match estimate.basis {
        Basis::Served => "from answers that are served",
        Basis::Sample => "from a few answers that were read",
        Basis::Nothing => "for some endpoints from nothing, so it may well be more",
    };
    let mut facts = vec![
        ("answers", estimate.keys.to_string()),
        ("taken over", estimate.shared.to_string()),
        ("reads", estimate.reads.to_string()),
        ("bytes", format!("about {}, estimated {basis}", words::bytes(estimate.bytes))),
        ("other plans", words::bytes(estimate.others)),
        ("limit", words::bytes(estimate.limit)),
        ("fits", if estimate.fits { "yes" } else { "no" }.to_owned()),
    ];
    if !estimate.unloaded.is_empty() {
        facts.push(("not loaded", estimate.unloaded.join(", ")));
    }
    facts
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A job as a server tells of it.
    pub(in crate::commands) fn job(more: &str) -> JobView {
        let base = r#"{"id":7,"plan":"p","overrides":{"projects":["a","b"],"last":"7d"},
            "full":true,"force":false,"dry_run":false,"trigger":"operator","state":"running",
            "joined":2,"started":1770000000000,"ended":null,"generation":null,"facts":null,
            "estimate":null,"refusals":[],"error":null,"not_kept":null,
            "progress":{"total":9,"done":3,"shared":1,"errors":0,"reads":4,"retries":1,
                        "bytes":2048,"rate":2.5,"remaining_seconds":null}}"#;
        let mut base: serde_json::Value = serde_json::from_str(base).unwrap();
        let more: serde_json::Value = serde_json::from_str(more).unwrap();
        for (key, value) in more.as_object().unwrap() {
            base[key] = value.clone();
        }
        serde_json::from_value(base).unwrap()
    }

    #[test]
    fn each_state_is_told() {
        let refusals = r#"[{"check":"empty","reason":"nothing"}]"#;
        for (more, said) in [
            ("{}", "job 7: it is under way\n"),
            ("{}", "p of a, b, last 7d, full\n"),
            ("{}", "3 of 9\n"),
            (r#"{"state":"done","generation":5}"#, "generation 5 is published\n"),
            (r#"{"state":"cancelled","ended":1770000002500}"#, "2s 500ms\n"),
            (r#"{"state":"failed","error":"why"}"#, "nothing has changed: why\n"),
            (r#"{"not_kept":"disk full"}"#, "not kept for a restart: disk full\n"),
        ] {
            let told = all_about(&job(more));
            assert!(told.contains(said), "{told}");
        }
        for (without, said) in
            [(0, "  4 of 4 wanted\n"), (3, "4 of 4 wanted (3 of these without data)\n")]
        {
            let facts = format!(
                r#"{{"state":"done","generation":5,"facts":{{"name":"p","built":1,"wanted":4,
                "keys":4,"without_data":{without},"reads":2,"shared":1,"errors":0,
                "data_through":{{}},"forced":[]}}}}"#
            );
            let told = all_about(&job(&facts));
            assert!(told.contains(said), "{told}");
        }
        let refused = format!(r#"{{"state":"refused","refusals":{refusals}}}"#);
        assert!(all_about(&job(&refused)).contains("check empty: nothing\n"));
        let forced = format!(r#"{{"state":"done","generation":5,"refusals":{refusals}}}"#);
        assert!(all_about(&job(&forced)).contains("by force"));
    }
}

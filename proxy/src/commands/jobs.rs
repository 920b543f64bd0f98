//! `aqs jobs`: the builds of a running server.

use super::admin_client::{AdminClient, ServerArgs};
use super::exit::Exit;
use super::{CommandResult, format, output};
use aqs_warmers::build::{Basis, BuildOptions, Estimate, Snapshot};
use aqs_warmers::generation::PlanFacts;
use aqs_warmers::jobs::{JobView, State};
use aqs_warmers::plan::Overrides;
use clap::{Args, Subcommand};
use reqwest::Method;

pub(super) const PATH: &str = "/admin/jobs";

#[derive(Debug, Args)]
pub struct JobsArgs {
    #[command(subcommand)]
    pub action: Option<Action>,
    /// Print the answer of the server as JSON
    #[arg(long, global = true)]
    pub json: bool,
    #[command(flatten)]
    pub server: ServerArgs,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Action {
    /// List the running jobs and the last that ended, newest first (the default)
    List,
    /// Show one job
    Show {
        /// Its number
        #[arg(value_name = "ID")]
        id: u64,
    },
    /// Cancel a job; what is served stays as it is
    Cancel {
        /// Its number
        #[arg(value_name = "ID")]
        id: u64,
    },
}

pub fn run(args: &JobsArgs) -> CommandResult {
    let action = args.action.unwrap_or(Action::List);
    let (method, path) = match action {
        Action::List => (Method::GET, PATH.to_owned()),
        Action::Show { id } => (Method::GET, format!("{PATH}/{id}")),
        Action::Cancel { id } => (Method::DELETE, format!("{PATH}/{id}")),
    };
    let client = AdminClient::connect(&args.server)?;
    let answer = client.send(method, &path, &[])?;
    let text = match action {
        _ if args.json => answer,
        Action::List => list(&client.parse::<Vec<JobView>>(&answer)?),
        Action::Show { .. } => describe(&client.parse(&answer)?),
        Action::Cancel { id } => format!("job {id} is being cancelled\n"),
    };
    match action {
        Action::List | Action::Show { .. } => output::result(&text)?,
        Action::Cancel { .. } => output::note(&text),
    }
    Ok(Exit::Success.into())
}

fn list(jobs: &[JobView]) -> String {
    if jobs.is_empty() {
        return "no jobs since the server was started\n".to_owned();
    }
    let names = ["job", "plan", "state", "by", "started", "took", "answers", "generation"];
    let row = |job: &JobView| {
        [
            job.id.to_string(),
            title(job),
            job.state.to_string(),
            job.start.trigger.to_string(),
            format::moment(job.started),
            format::or_dash(job.ended.map(|ended| format::between(job.started, ended))),
            answers(job),
            format::or_dash(job.generation),
        ]
    };
    format::table(names, jobs.iter().map(row))
}

fn answers(job: &JobView) -> String {
    match &job.estimate {
        Some(estimate) => estimate.keys.to_string(),
        // A dry run knows it at its end.
        None if job.start.dry_run => "-".to_owned(),
        None => format!("{}/{}", job.progress.done, job.progress.total),
    }
}

/// The plan and the parameters of a job.
fn title(job: &JobView) -> String {
    let BuildOptions { overrides: Overrides { projects, last }, full, force } = &job.start.options;
    let parts = [
        (!projects.is_empty()).then(|| format!(" of {}", projects.join(", "))),
        last.map(|last| format!(", last {last}")),
        full.then(|| ", full".to_owned()),
        force.then(|| ", forced".to_owned()),
        job.start.dry_run.then(|| ", dry run".to_owned()),
    ];
    job.start.plan.clone() + &parts.into_iter().flatten().collect::<String>()
}

pub(super) fn describe(job: &JobView) -> String {
    let mut rows = vec![
        ("plan", title(job)),
        ("started", format!("{}, by {}", format::moment(job.started), job.start.trigger)),
    ];
    if job.joined > 0 {
        rows.push(("joined", format!("by {} further starts", job.joined)));
    }
    rows.extend(job.ended.map(|ended| ("took", format::between(job.started, ended))));
    match &job.estimate {
        Some(estimate) => rows.extend(estimate_rows(estimate)),
        None => rows.extend(build_rows(job)),
    }
    let refusals = job.refusals.iter();
    rows.extend(refusals.map(|it| ("failed", format!("check {}: {}", it.check, it.reason))));
    let not_kept = job.not_kept.as_ref();
    rows.extend(not_kept.map(|why| ("warning", format!("not kept for a restart: {why}"))));
    format!("job {}: {}\n{}", job.id, outcome(job), format::properties(rows))
}

fn outcome(job: &JobView) -> String {
    let reason = job.error.as_deref().unwrap_or("no reason is known");
    match (job.state, job.generation, &job.estimate) {
        (State::Running, ..) => "running".to_owned(),
        (State::Done, Some(id), _) if job.refusals.is_empty() => {
            format!("generation {id} is published")
        }
        (State::Done, Some(id), _) => {
            format!("generation {id} is published by force, against the checks")
        }
        (State::Done, None, Some(estimate)) if estimate.fits => "the plan fits".to_owned(),
        (State::Done, None, Some(_)) => "the plan would take more memory than allowed".to_owned(),
        (State::Done, None, None) => "done".to_owned(),
        (State::Refused, ..) => "refused by the checks; nothing has changed".to_owned(),
        (State::Failed, ..) => format!("failed; nothing has changed: {reason}"),
        (State::Skipped, ..) => format!("skipped; nothing has changed: {reason}"),
        (State::Cancelled, ..) => "cancelled; nothing has changed".to_owned(),
    }
}

/// The rows of a build, running or ended.
fn build_rows(job: &JobView) -> Vec<(&'static str, String)> {
    let Snapshot { total, done, shared, errors, reads, retries, bytes, .. } = job.progress;
    let answers = match &job.facts {
        None => format!("{done} of {total}"),
        Some(PlanFacts { keys, wanted, without_data: 0, .. }) => {
            format!("{keys} of {wanted} wanted")
        }
        Some(PlanFacts { keys, wanted, without_data, .. }) => {
            format!("{keys} of {wanted} wanted ({without_data} of these without data)")
        }
    };
    let mut rows = vec![
        ("answers", answers),
        ("read", done.saturating_sub(shared + errors).to_string()),
        ("carried over", shared.to_string()),
        ("errors", errors.to_string()),
        ("reads", format!("{reads} ({retries} of them retries)")),
        ("bytes read", format::bytes(bytes)),
    ];
    let through = job.facts.iter().flat_map(|facts| &facts.data_through);
    rows.extend(through.map(|(name, day)| ("data through", format::through(name, day))));
    rows
}

fn estimate_rows(estimate: &Estimate) -> Vec<(&'static str, String)> {
    let basis = match estimate.basis {
        Basis::Served => "from answers that are served",
        Basis::Sample => "from a few answers that were read",
        Basis::Nothing => "without data for some endpoints: it may take much more",
    };
    let mut rows = vec![
        ("answers", estimate.keys.to_string()),
        ("carried over", estimate.shared.to_string()),
        ("reads", estimate.reads.to_string()),
        ("bytes", format!("about {}, estimated {basis}", format::bytes(estimate.bytes))),
        ("other plans", format::bytes(estimate.others)),
        ("limit", format::bytes(estimate.limit)),
        ("fits", if estimate.fits { "yes" } else { "no" }.to_owned()),
    ];
    if !estimate.unloaded.is_empty() {
        rows.push(("not loaded", estimate.unloaded.join(", ")));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A running job with some fields replaced.
    fn job(more: &str) -> JobView {
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
    fn every_state_has_a_text() {
        let refusals = r#"[{"check":"empty","reason":"nothing"}]"#;
        for (more, expected) in [
            ("{}", "job 7: running\n"),
            ("{}", "p of a, b, last 7d, full\n"),
            ("{}", "3 of 9\n"),
            (r#"{"state":"done","generation":5}"#, "generation 5 is published\n"),
            (r#"{"state":"cancelled","ended":1770000002500}"#, "2s 500ms\n"),
            (r#"{"state":"failed","error":"why"}"#, "nothing has changed: why\n"),
            (r#"{"not_kept":"disk full"}"#, "not kept for a restart: disk full\n"),
        ] {
            let text = describe(&job(more));
            assert!(text.contains(expected), "{text}");
        }
        for (without, expected) in
            [(0, "  4 of 4 wanted\n"), (3, "4 of 4 wanted (3 of these without data)\n")]
        {
            let facts = format!(
                r#"{{"state":"done","generation":5,"facts":{{"name":"p","built":1,"wanted":4,
                "keys":4,"without_data":{without},"reads":2,"shared":1,"errors":0,
                "data_through":{{}},"forced":[]}}}}"#
            );
            let text = describe(&job(&facts));
            assert!(text.contains(expected), "{text}");
        }
        let refused = format!(r#"{{"state":"refused","refusals":{refusals}}}"#);
        assert!(describe(&job(&refused)).contains("check empty: nothing\n"));
        let forced = format!(r#"{{"state":"done","generation":5,"refusals":{refusals}}}"#);
        assert!(describe(&job(&forced)).contains("by force"));
    }

    #[test]
    fn a_dry_run_counts_the_wanted_answers() {
        let estimate = r#""estimate":{"keys":196,"shared":3,"reads":9,"bytes":1,"others":0,
            "limit":9,"fits":true,"basis":"served","unloaded":[]}"#;
        for (more, text) in [
            ("{}".to_owned(), "3/9"),
            (r#"{"dry_run":true}"#.to_owned(), "-"),
            (format!(r#"{{"dry_run":true,"state":"done",{estimate}}}"#), "196"),
        ] {
            assert_eq!(answers(&job(&more)), text);
        }
    }
}

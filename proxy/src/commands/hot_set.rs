//! `aqs hot-set`: the hot set of a running server.

use super::admin_client::{AdminClient, ServerArgs};
use super::exit::Exit;
use super::{CommandResult, format, output};
use aqs_warmers::generation::Provenance;
use aqs_warmers::view::{
    BuiltPlanView, GenerationView, HotSetView, PlanView, RolledBackView, VerifiedView,
};
use clap::{Args, Subcommand};
use reqwest::Method;
use std::time::Duration;

const PATH: &str = "/admin/hot-set";

#[derive(Debug, Args)]
pub struct HotSetArgs {
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
    /// Show the generation that is served, and the schedule of builds (the default)
    Show,
    /// Publish an older content as a new generation, until the next build
    Rollback {
        /// The generation with the content [default: the newest before the one that is served]
        #[arg(long, value_name = "GENERATION")]
        to: Option<u64>,
    },
    /// Check what is served against its checksum, its file and the store
    Verify {
        /// How many answers are compared with the store [default: as many as before a publication]
        #[arg(long, value_name = "ANSWERS")]
        sample: Option<usize>,
    },
}

pub fn run(args: &HotSetArgs) -> CommandResult {
    let client = AdminClient::connect(&args.server)?;
    let post = |path: &str, name, value: Option<String>| {
        let parameter = value.as_deref().map(|value| (name, value));
        client.send(Method::POST, &format!("{PATH}/{path}"), parameter.as_slice())
    };
    let (answer, text, exit) = match args.action.unwrap_or(Action::Show) {
        Action::Show => {
            let answer = client.send(Method::GET, PATH, &[])?;
            let text = show(&client.parse(&answer)?);
            (answer, text, Exit::Success)
        }
        Action::Rollback { to } => {
            let answer = post("rollback", "to", to.map(|to| to.to_string()))?;
            let RolledBackView { generation: live, not_kept } = client.parse(&answer)?;
            let warning = not_kept.map(|why| format!("not kept for a restart: {why}\n"));
            (answer, generation(&live) + &warning.unwrap_or_default(), Exit::Success)
        }
        Action::Verify { sample } => {
            let answer = post("verify", "sample", sample.map(|sample| sample.to_string()))?;
            let (text, exit) = verification(&client.parse(&answer)?);
            (answer, text, exit)
        }
    };
    let text = if args.json { &answer } else { &text };
    match args.action {
        None | Some(Action::Show) => output::result(text)?,
        Some(Action::Rollback { .. } | Action::Verify { .. }) => output::note(text),
    }
    Ok(exit.into())
}

fn show(hot_set: &HotSetView) -> String {
    let live = hot_set.live.as_ref();
    let live = live.map_or_else(|| "nothing is published yet\n".to_owned(), generation);
    let kept = match hot_set.kept.as_deref() {
        None => "nothing: there is no state directory".to_owned(),
        Some([]) => "-".to_owned(),
        Some(kept) => kept.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
    };
    let age = format::duration(Duration::from_secs(hot_set.max_age_seconds));
    let limit = format::bytes(hot_set.limit);
    let rows = [("kept on disk", kept), ("stale after", age), ("limit", limit)];
    let plan = |plan: &PlanView| {
        let every = format::duration(Duration::from_secs(plan.every_seconds));
        let next = format::or_dash(plan.next.map(format::moment));
        [plan.name.clone(), every, plan.priority.to_string(), next]
    };
    let names = ["plan", "interval", "priority", "next build, unless data arrive before"];
    let plans = match hot_set.plans.as_slice() {
        [] => "no plans: see hot_set.enabled of the configuration\n".to_owned(),
        plans => format::table(names, plans.iter().map(plan)),
    };
    format!("{live}{}\n{plans}", format::properties(rows))
}

fn generation(live: &GenerationView) -> String {
    let built = format::moment(live.built);
    let provenance = match live.provenance {
        Provenance::Built => format!("built {built}"),
        Provenance::RolledBack { from } => format!("rolled back to {from} at {built}"),
    };
    let parent = live.parent.map(|id| format!(", after {id}")).unwrap_or_default();
    let mut rows = vec![
        ("answers", format!("{} ({} stale, {} purged)", live.keys, live.stale, live.purged)),
        ("bytes", format::bytes(live.bytes)),
        ("checksum", live.checksum.to_string()),
    ];
    let through = live.data_through.iter();
    rows.extend(through.map(|(name, day)| ("data through", format::through(name, day))));
    let (rows, id) = (format::properties(rows), live.id);
    let names = ["plan", "answers", "complete", "built", "reads", "carried over", "errors", ""];
    let plans = format::table(names, live.plans.iter().map(plan));
    format!("generation {id}: {provenance}{parent}\n{rows}\n{plans}\n")
}

fn plan(plan: &BuiltPlanView) -> [String; 8] {
    let facts = &plan.facts;
    let remarks = [
        (facts.without_data > 0).then(|| format!("{} without data", facts.without_data)),
        plan.partial.then(|| "only a part".to_owned()),
        (!plan.partial && !plan.current).then(|| "of an older configuration".to_owned()),
        (!facts.forced.is_empty()).then(|| "forced".to_owned()),
    ];
    [
        facts.name.clone(),
        format!("{}/{}", facts.keys, facts.wanted),
        format!("{:.1} %", plan.completeness * 100.0),
        format::moment(facts.built),
        facts.reads.to_string(),
        facts.shared.to_string(),
        facts.errors.to_string(),
        remarks.into_iter().flatten().collect::<Vec<_>>().join(", "),
    ]
}

fn verification(verified: &VerifiedView) -> (String, Exit) {
    let (exit, result) = match (verified.passed, verified.is_uncompared()) {
        (true, _) => (Exit::Success, "all checks passed"),
        (false, true) => {
            (Exit::NotCompared, "no check failed, but nothing could be compared with the store")
        }
        (false, false) => (Exit::Differs, "a check failed"),
    };
    let file = match verified.kept {
        None => "none",
        Some(true) => "ok",
        Some(false) => verified.kept_error.as_deref().unwrap_or("differs"),
    };
    let mut rows = vec![
        ("checksum", if verified.intact { "ok" } else { "wrong" }.to_owned()),
        ("file", file.to_owned()),
        ("compared", format!("{} of {} with the store", verified.compared, verified.sampled)),
    ];
    rows.extend(verified.last_error.iter().map(|reason| ("not compared", reason.clone())));
    rows.extend(verified.differs.iter().map(|difference| ("differs", difference.clone())));
    let rows = format::properties(rows);
    (format!("generation {}: {result}\n{rows}", verified.generation), exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifications_have_a_text_and_an_exit_code() {
        let passed = VerifiedView {
            generation: 3,
            passed: true,
            intact: true,
            kept: None,
            kept_error: None,
            sampled: 5,
            compared: 5,
            differs: Vec::new(),
            last_error: None,
        };
        let away = |compared| VerifiedView {
            passed: compared > 0,
            compared,
            last_error: Some("the store is away".to_owned()),
            ..passed.clone()
        };
        let differs = vec!["/a is answered otherwise".to_owned()];
        for (verified, code, parts) in [
            (passed.clone(), 0, ["all checks passed", "5 of 5 with the store\n"]),
            (away(2), 0, ["all checks passed", "2 of 5 with the store\n"]),
            (away(0), 8, ["no check failed, but", "the store is away\n"]),
            (VerifiedView { intact: false, ..away(0) }, 6, ["a check failed", "0 of 5"]),
            (VerifiedView { kept: Some(false), ..away(0) }, 6, ["a check failed", "0 of 5"]),
            (
                VerifiedView { passed: false, differs, ..away(1) },
                6,
                ["a check failed", "/a is answered"],
            ),
        ] {
            let (text, exit) = verification(&verified);
            assert_eq!(exit as u8, code, "{text}");
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        }
    }

    #[test]
    fn no_files_yet_differs_from_no_directory() {
        let view = |kept| HotSetView {
            live: None,
            kept,
            max_age_seconds: 60,
            limit: 1,
            plans: Vec::new(),
        };
        for (kept, expected) in [
            (None, "kept on disk  nothing: there is no state directory\n"),
            (Some(Vec::new()), "kept on disk  -\n"),
            (Some(vec![3, 4]), "kept on disk  3, 4\n"),
        ] {
            assert!(show(&view(kept)).contains(expected), "{expected}");
        }
    }
}

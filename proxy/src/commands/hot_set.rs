//! `aqs hot-set`: what a running server has built ahead.

use super::admin_client::{AdminClient, Intent, ServerArgs};
use super::exit::Exit;
use super::{Done, say, words};
use crate::config;
use aqs_warmers::generation::Provenance;
use aqs_warmers::view::{GenerationView, HotSetView, PlanHeld, RolledBackView, VerifiedView};
use clap::{Args, Subcommand};
use std::time::Duration;

const TARGET: &str = "/admin/hot-set";

/// What of the hot set, and where.
#[derive(Debug, Args)]
pub struct HotSetArgs {
    /// What to do; `show` if nothing is said.
    #[command(subcommand)]
    pub what: Option<What>,
    /// Print what the server says, as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// What to do about the hot set.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Tell what is served, and what is built when (what happens without a word)
    Show,
    /// Publish an older content again, under a new number, until the next build
    Rollback {
        /// Which generation's [default: the newest before the one that is served]
        #[arg(long, value_name = "GENERATION")]
        to: Option<u64>,
    },
    /// Look whether answers and file are as they were made, and compare some with the store
    Verify {
        /// How many answers are compared with the store [default: as many as before a publication]
        #[arg(long, value_name = "ANSWERS")]
        sample: Option<usize>,
    },
}

/// Asks the server, and prints what it says.
pub fn run(args: &HotSetArgs) -> Done {
    let intent = match &args.what {
        None | Some(What::Show) => Intent::Look,
        Some(What::Rollback { .. } | What::Verify { .. }) => Intent::Act,
    };
    let client = AdminClient::find(&args.server, intent, &config::process_environment)?;
    let said = match args.what.as_ref().unwrap_or(&What::Show) {
        What::Show => client.get(TARGET)?,
        What::Rollback { to } => client.post_patiently(&target("rollback", "to", *to))?,
        What::Verify { sample } => client.post_patiently(&target("verify", "sample", *sample))?,
    };
    let (text, exit) = match &args.what {
        None | Some(What::Show) => (show(&client.understand(&said)?), Exit::Done),
        Some(What::Rollback { .. }) => (rolled_back(&client.understand(&said)?), Exit::Done),
        Some(What::Verify { .. }) => {
            let verified: VerifiedView = client.understand(&said)?;
            let exit = exit(&verified);
            (looked_at(&verified, exit), exit)
        }
    };
    say(if args.json { &said } else { &text })?;
    Ok(exit.into())
}

fn target(what: &str, name: &str, value: Option<impl ToString>) -> String {
    let query = value.map(|value| format!("?{name}={}", value.to_string()));
    format!("{TARGET}/{what}{}", query.unwrap_or_default())
}

fn show(hot_set: &HotSetView) -> String {
    let mut text = match &hot_set.live {
        Some(live) => generation(live),
        None => "nothing is published yet\n".to_owned(),
    };
    let kept = match &hot_set.kept {
        Some(kept) => {
            let kept: Vec<String> = kept.iter().map(u64::to_string).collect();
            if kept.is_empty() { "none yet".to_owned() } else { kept.join(", ") }
        }
        None => "nowhere: there is no state directory".to_owned(),
    };
    let age = words::span(Duration::from_secs(hot_set.max_age_seconds));
    text.push_str(&words::facts([
        ("kept on disk", kept),
        ("stale after", age),
        ("limit", words::bytes(hot_set.limit)),
    ]));
    if hot_set.plans.is_empty() {
        text.push_str("\nno plans: nothing is built ahead here (see hot_set.enabled)\n");
        return text;
    }
    let rows = hot_set.plans.iter().map(|plan| {
        let next = plan.next.map(words::moment).unwrap_or_default();
        let every = words::span(Duration::from_secs(plan.every_seconds));
        [plan.name.clone(), every, plan.priority.to_string(), words::or_dash(next)]
    });
    let names = ["plan", "built every", "priority", "next, unless data come before"];
    text + "\n" + &words::columns(names, rows)
}

fn generation(live: &GenerationView) -> String {
    let parent = live.parent.map(|id| format!(", after {id}")).unwrap_or_default();
    let provenance = match live.provenance {
        Provenance::Built => format!("built {}{parent}", words::moment(live.built)),
        Provenance::RolledBack { from } => {
            format!("the content of {from} again, since {}{parent}", words::moment(live.built))
        }
    };
    let mut facts = vec![
        ("answers", format!("{} ({} stale, {} purged)", live.keys, live.stale, live.purged)),
        ("bytes", words::bytes(live.bytes)),
        ("checksum", live.checksum.to_string()),
    ];
    let through = live.data_through.iter();
    facts.extend(through.map(|(name, day)| ("data through", words::through(name, day))));
    let names = ["plan", "answers", "complete", "built", "reads", "taken over", "errors", ""];
    let plans = words::columns(names, live.plans.iter().map(plan));
    format!("generation {}: {provenance}\n{}\n{plans}\n", live.id, words::facts(facts))
}

fn plan(plan: &PlanHeld) -> [String; 8] {
    let mut remarks = Vec::new();
    if plan.without_data > 0 {
        remarks.push(format!("{} without data", plan.without_data));
    }
    match (plan.partial, plan.current) {
        (true, _) => remarks.push("a part of it".to_owned()),
        (false, true) => {}
        (false, false) => remarks.push("configured otherwise since".to_owned()),
    }
    if !plan.forced.is_empty() {
        remarks.push("published by force".to_owned());
    }
    [
        plan.name.clone(),
        format!("{}/{}", plan.keys, plan.wanted),
        format!("{:.1} %", plan.completeness * 100.0),
        words::moment(plan.built),
        plan.reads.to_string(),
        plan.shared.to_string(),
        plan.errors.to_string(),
        remarks.join(", "),
    ]
}

fn rolled_back(back: &RolledBackView) -> String {
    let mut text = generation(&back.generation);
    if let Some(reason) = &back.not_kept {
        text.push_str(&format!("not kept for a restart: {reason}\n"));
    }
    text
}

fn exit(verified: &VerifiedView) -> Exit {
    match (verified.well, verified.is_uncompared()) {
        (true, _) => Exit::Done,
        (false, true) => Exit::Uncompared,
        (false, false) => Exit::Differs,
    }
}

fn looked_at(verified: &VerifiedView, exit: Exit) -> String {
    let file = match (verified.kept, &verified.kept_error) {
        (None, _) => "kept nowhere".to_owned(),
        (Some(true), _) => "the same".to_owned(),
        (Some(false), reason) => reason.clone().unwrap_or_default(),
    };
    let intact = if verified.intact { "as they were made" } else { "not as they were made" };
    let well = match exit {
        Exit::Done => "all is well",
        Exit::Uncompared => "nothing is wrong, but it could not be compared with the store",
        _ => "it is not as it should be",
    };
    let compared = match &verified.unanswered {
        None => format!("{} with the store", verified.compared),
        Some(reason) => {
            let VerifiedView { asked, compared, .. } = verified;
            format!("{compared} of {asked} with the store, which could not tell more: {reason}")
        }
    };
    let mut text = format!("generation {}: {well}\n", verified.generation);
    text.push_str(&words::facts([
        ("answers", intact.to_owned()),
        ("file", file),
        ("compared", compared),
    ]));
    for differs in &verified.differs {
        text.push_str(&format!("  {differs}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_look_found_is_told() {
        let well = VerifiedView {
            generation: 3,
            well: true,
            intact: true,
            kept: None,
            kept_error: None,
            asked: 5,
            compared: 5,
            differs: Vec::new(),
            unanswered: None,
        };
        let away = |compared| VerifiedView {
            well: compared > 0,
            compared,
            unanswered: Some("the store is away".to_owned()),
            ..well.clone()
        };
        let differs = vec!["/a is answered otherwise".to_owned()];
        for (verified, code, parts) in [
            (well.clone(), 0, ["all is well", "5 with the store\n"]),
            (away(2), 0, ["all is well", "2 of 5 with the store, which"]),
            (away(0), 8, ["nothing is wrong, but it could not be compared", "the store is away\n"]),
            (VerifiedView { intact: false, ..away(0) }, 6, ["not as it should be", "0 of 5"]),
            (VerifiedView { kept: Some(false), ..away(0) }, 6, ["not as it should be", "0 of 5"]),
            (VerifiedView { well: false, differs, ..away(1) }, 6, ["not as it", "/a is answered"]),
        ] {
            let exit = exit(&verified);
            let told = looked_at(&verified, exit);
            assert_eq!(exit.code(), code, "{told}");
            assert!(parts.iter().all(|part| told.contains(part)), "{told}");
        }
    }

    #[test]
    fn where_nothing_is_kept_differs_from_nothing_yet() {
        let view = |kept| HotSetView {
            live: None,
            kept,
            max_age_seconds: 60,
            limit: 1,
            plans: Vec::new(),
        };
        for (kept, told) in [
            (None, "kept on disk  nowhere: there is no state directory\n"),
            (Some(Vec::new()), "kept on disk  none yet\n"),
            (Some(vec![3, 4]), "kept on disk  3, 4\n"),
        ] {
            assert!(show(&view(kept)).contains(told), "{}", told);
        }
    }
}

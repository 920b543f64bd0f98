//! `aqs jobs`: the builds of a running server.

use super::admin_client::{AdminClient, Intent, ServerArgs, push_value};
use super::exit::Exit;
use super::job_words;
use super::{Done, say, words};
use crate::config;
use aqs_warmers::jobs::{JobId, JobView};
use clap::{Args, Subcommand};

const TARGET: &str = "/admin/jobs";

/// Which jobs, and where.
#[derive(Debug, Args)]
pub struct JobsArgs {
    /// What to do; `list` if nothing is said.
    #[command(subcommand)]
    pub what: Option<What>,
    /// Print what the server says, as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// What to do about jobs.
#[derive(Debug, Subcommand)]
pub enum What {
    /// List those under way and the last that ended, newest first (what happens without a word)
    List,
    /// Tell all about one
    Show {
        /// Its number
        #[arg(value_name = "ID")]
        id: u64,
    },
    /// Cancel one; what was served is served on
    Cancel {
        /// Its number
        #[arg(value_name = "ID")]
        id: u64,
    },
}

/// Asks the server, and prints what it says.
pub fn run(args: &JobsArgs) -> Done {
    let intent = match &args.what {
        None | Some(What::List | What::Show { .. }) => Intent::Look,
        Some(What::Cancel { .. }) => Intent::Act,
    };
    let client = AdminClient::find(&args.server, intent, &config::process_environment)?;
    let said = match args.what.as_ref().unwrap_or(&What::List) {
        What::List => client.get(TARGET)?,
        What::Show { id } => client.get(&target(JobId(*id)))?,
        What::Cancel { id } => client.delete(&target(JobId(*id)))?,
    };
    let text = match &args.what {
        _ if args.json => said,
        None | Some(What::List) => list(&client.understand::<Vec<JobView>>(&said)?),
        Some(What::Show { .. }) => job_words::all_about(&client.understand(&said)?),
        Some(What::Cancel { id }) => format!("job {id} is being cancelled\n"),
    };
    say(&text)?;
    Ok(Exit::Done.into())
}

/// Where a job is looked at.
pub(super) fn target(id: JobId) -> String {
    format!("{TARGET}/{id}")
}

/// Where a job of a plan is started.
pub(super) fn start_target(plan: &str) -> String {
    let mut target = format!("{TARGET}?plan=");
    push_value(&mut target, plan);
    target
}

fn list(jobs: &[JobView]) -> String {
    if jobs.is_empty() {
        return "no jobs since the server was started\n".to_owned();
    }
    let names = ["job", "plan", "state", "by", "started", "took", "answers", "generation"];
    words::columns(names, jobs.iter().map(row))
}

fn row(job: &JobView) -> [String; 8] {
    let took = job.ended.map(|ended| words::between(job.started, ended)).unwrap_or_default();
    let generation = job.generation.map(|id| id.to_string()).unwrap_or_default();
    [
        job.id.to_string(),
        job_words::what(job),
        job.state.name().to_owned(),
        job.trigger.name().to_owned(),
        words::moment(job.started),
        words::or_dash(took),
        answers(job),
        words::or_dash(generation),
    ]
}

/// How many answers are dealt with, or would be.
fn answers(job: &JobView) -> String {
    match &job.estimate {
        Some(estimate) => estimate.keys.to_string(),
        // How many it would be is not known before its end.
        None if job.dry_run => "-".to_owned(),
        None => format!("{}/{}", job.progress.done, job.progress.total),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::job_words::tests::job;

    #[test]
    fn of_a_dry_run_the_answers_are_those_that_are_wanted() {
        let estimate = r#""estimate":{"keys":196,"shared":3,"reads":9,"bytes":1,"others":0,
            "limit":9,"fits":true,"basis":"served","unloaded":[]}"#;
        for (more, told) in [
            ("{}".to_owned(), "3/9"),
            (r#"{"dry_run":true}"#.to_owned(), "-"),
            (format!(r#"{{"dry_run":true,"state":"done",{estimate}}}"#), "196"),
        ] {
            assert_eq!(answers(&job(&more)), told);
        }
    }
}

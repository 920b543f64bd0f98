//! `aqs warm`: have a running server build a plan of its hot set, and watch it.

mod follow;
mod teller;

use super::admin_client::{AdminClient, Intent, ServerArgs, push_value};
use super::exit::Exit;
use super::{Done, job_words, jobs, say};
use crate::admin::StartedJob;
use crate::config;
use aqs_warmers::jobs::{JobView, State};
use clap::Args;
use follow::Followed;

/// What to build, and where.
#[derive(Debug, Args)]
pub struct WarmArgs {
    /// The plan, as top-articles
    #[arg(value_name = "PLAN")]
    pub plan: String,
    /// Only this project, as en.wikipedia; may be given several times
    #[arg(long = "project", value_name = "NAME")]
    pub projects: Vec<String>,
    /// Only these last days or months, as 7d or 13m
    #[arg(long, value_name = "SPAN")]
    pub last: Option<String>,
    /// Read also what can't have changed
    #[arg(long)]
    pub full: bool,
    /// Publish whatever the checks say; that is recorded
    #[arg(long)]
    pub force: bool,
    /// Tell what it would take, and build nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Don't wait for its end
    #[arg(long)]
    pub no_wait: bool,
    /// Print what the server says in the end, as JSON
    #[arg(long)]
    pub json: bool,
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Starts the job or joins it, waits for its end, and tells what became of it.
pub fn run(args: &WarmArgs) -> Done {
    let client = AdminClient::find(&args.server, Intent::Act, &config::process_environment)?;
    let target = target(args);
    if args.no_wait {
        let said = client.post(&target)?;
        let StartedJob { joined, job: JobView { id, .. } } = client.understand(&said)?;
        let how = if joined { "under way already" } else { "started" };
        let text = format!("job {id} is {how}; aqs jobs show {id} tells how far it is\n");
        say(if args.json { &said } else { &text })?;
        return Ok(Exit::Done.into());
    }
    match client.run(follow::from_start_to_end(&client, &target))? {
        Followed::CloseReason { said, job } => {
            let told = job_words::all_about(&job);
            say(if args.json { &said } else { &told })?;
            Ok(exit(&job).into())
        }
        Followed::Interrupted => Ok(Exit::Interrupted.into()),
    }
}

fn exit(job: &JobView) -> Exit {
    let fits = job.estimate.as_ref().is_none_or(|estimate| estimate.fits);
    match job.state {
        State::Done if fits => Exit::Done,
        State::Done => Exit::TooLarge,
        State::Refused => Exit::Refused,
        State::Cancelled => Exit::Cancelled,
        State::Failed | State::Running => Exit::JobFailed,
    }
}

fn target(args: &WarmArgs) -> String {
    let mut target = jobs::start_target(&args.plan);
    let projects = args.projects.iter().map(|project| ("project", project));
    for (name, value) in projects.chain(args.last.as_ref().map(|last| ("last", last))) {
        target.push_str(&format!("&{name}="));
        push_value(&mut target, value);
    }
    for (name, is) in [("full", args.full), ("force", args.force), ("dry_run", args.dry_run)] {
        if is {
            target.push_str(&format!("&{name}=true"));
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_parameters() {
        let mut args = WarmArgs {
            plan: "top articles".to_owned(),
            projects: vec!["en.wikipedia".to_owned(), "a&b".to_owned()],
            last: Some("7d".to_owned()),
            full: true,
            force: false,
            dry_run: true,
            no_wait: false,
            json: false,
            server: ServerArgs::default(),
        };
        let expected = "/admin/jobs?plan=top%20articles&project=en.wikipedia&project=a%26b&last=7d\
                        &full=true&dry_run=true";
        assert_eq!(target(&args), expected);
        (args.projects, args.last, args.full, args.dry_run) = (Vec::new(), None, false, false);
        args.force = true;
        assert_eq!(target(&args), "/admin/jobs?plan=top%20articles&force=true");
    }
}

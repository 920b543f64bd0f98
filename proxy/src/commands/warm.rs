//! `aqs warm`: builds a plan of a running server's hot set, and follows the job.

use super::admin_client::{AdminClient, AdminError, ServerArgs};
use super::exit::Exit;
use super::progress::ProgressReporter;
use super::{CommandResult, format, jobs, output};
use crate::admin::StartedJob;
use aqs_warmers::build::Snapshot;
use aqs_warmers::jobs::{JobView, State};
use clap::Args;
use reqwest::Method;
use std::cell::Cell;
use std::error::Error;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// The interval of polls of a job; short enough for a smooth progress bar.
const POLL_INTERVAL: Duration = Duration::from_millis(300);
/// The number of consecutive polls that may fail.
const MAX_FAILURES: u32 = 10;

#[derive(Debug, Args)]
pub struct WarmArgs {
    /// The plan, as top-articles
    #[arg(value_name = "PLAN")]
    pub plan: String,
    /// Only this project, as en.wikipedia; may be given several times
    #[arg(long = "project", value_name = "NAME")]
    pub projects: Vec<String>,
    /// Only the last days or months, as 7d or 13m
    #[arg(long, value_name = "SPAN")]
    pub last: Option<String>,
    /// Read also what can't have changed
    #[arg(long)]
    pub full: bool,
    /// Publish even if the checks refuse it, which is recorded, and take projects without data
    #[arg(long)]
    pub force: bool,
    /// Estimate reads and memory, and build nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Don't wait for the end of the job
    #[arg(long)]
    pub no_wait: bool,
    /// Print the last answer of the server as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Starts or joins the job, and waits for its end.
pub fn run(args: &WarmArgs) -> CommandResult {
    let client = AdminClient::connect(&args.server)?;
    let parameters = parameters(args);
    if args.no_wait {
        let answer = client.send(Method::POST, jobs::PATH, &parameters)?;
        let StartedJob { joined, job: JobView { id, .. } } = client.parse(&answer)?;
        let how = if joined { "already running" } else { "started" };
        let text = format!("job {id} is {how}; aqs jobs show {id} shows its progress\n");
        output::note(if args.json { &answer } else { &text });
        return Ok(Exit::Success.into());
    }
    let Some((answer, job)) = client.block_on(start_and_follow(&client, &parameters))? else {
        return Ok(Exit::Interrupted.into());
    };
    output::note(&if args.json { answer } else { jobs::describe(&job) });
    let fits = job.estimate.is_none_or(|estimate| estimate.fits);
    let exit = match job.state {
        State::Done if fits => Exit::Success,
        State::Done => Exit::TooLarge,
        State::Refused => Exit::Refused,
        State::Cancelled => Exit::Cancelled,
        State::Skipped => Exit::JobFailed,
        State::Failed | State::Running => Exit::JobFailed,
    };
    Ok(exit.into())
}

fn parameters(args: &WarmArgs) -> Vec<(&str, &str)> {
    let mut parameters = vec![("plan", args.plan.as_str())];
    parameters.extend(args.projects.iter().map(|project| ("project", project.as_str())));
    parameters.extend(args.last.iter().map(|last| ("last", last.as_str())));
    let flags = [("full", args.full), ("force", args.force), ("dry_run", args.dry_run)];
    parameters.extend(flags.iter().filter(|(_, set)| *set).map(|(name, _)| (*name, "true")));
    parameters
}

/// Returns the last answer and the job that it describes; `None` if SIGINT came first.
async fn start_and_follow(
    client: &AdminClient,
    parameters: &[(&str, &str)],
) -> Result<Option<(String, JobView)>, Box<dyn Error>> {
    // From here on SIGINT doesn't end the process.
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut reporter = ProgressReporter::new("{bar:30} {pos}/{len} {msg}");
    let started = Cell::new(None);
    let follow = async {
        let answer = client.request(Method::POST, jobs::PATH, parameters).await?;
        let StartedJob { joined, job } = client.parse(&answer)?;
        started.set(Some(job.id));
        if joined || !reporter.is_terminal() {
            let how = if joined { "is already running, and is joined" } else { "is started" };
            reporter.print(&format!("Job {} {how}", job.id));
        }
        follow(client, job, &mut reporter).await
    };
    tokio::select! {
        ended = follow => return ended.map(Some),
        _ = interrupts.recv() => {}
    }
    reporter.print(&match started.get() {
        Some(id) => format!("Job {id} goes on; aqs jobs cancel {id} cancels it"),
        None => "The job may have started; aqs jobs lists it".to_owned(),
    });
    Ok(None)
}

async fn follow(
    client: &AdminClient,
    started: JobView,
    reporter: &mut ProgressReporter,
) -> Result<(String, JobView), Box<dyn Error>> {
    let id = started.id;
    let path = format!("{}/{id}", jobs::PATH);
    let mut failures = 0;
    loop {
        match client.request(Method::GET, &path, &[]).await {
            Ok(answer) => {
                failures = 0;
                let job: JobView = client.parse(&answer)?;
                // A restarted server counts from 1 again.
                if (job.started, &job.start.plan) != (started.started, &started.start.plan) {
                    let error = "the server was restarted, and the job ended with the old process";
                    return Err(format!("{error}: job {id}; start it again").into());
                }
                if job.state != State::Running {
                    return Ok((answer, job));
                }
                let at = &job.progress;
                reporter.update(at.done, at.total, progress(at));
            }
            Err(AdminError::Unreachable { .. }) if failures < MAX_FAILURES => failures += 1,
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn progress(at: &Snapshot) -> String {
    if at.total == 0 {
        return "planning".to_owned();
    }
    if at.done >= at.total {
        return "answers, now checked and published".to_owned();
    }
    let mut text = format!("answers, {:.0}/s", at.rate);
    let remaining = at.remaining_seconds.and_then(|left| Duration::try_from_secs_f64(left).ok());
    if let Some(left) = remaining {
        let left = format::duration(Duration::from_secs(left.as_secs()));
        text.push_str(&format!(", {left} left"));
    }
    if at.errors > 0 {
        text.push_str(&format!(", {} errors", at.errors));
    }
    text
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
        let expected = [
            ("plan", "top articles"),
            ("project", "en.wikipedia"),
            ("project", "a&b"),
            ("last", "7d"),
            ("full", "true"),
            ("dry_run", "true"),
        ];
        assert_eq!(parameters(&args), expected);
        (args.projects, args.last, args.full, args.dry_run) = (Vec::new(), None, false, false);
        args.force = true;
        assert_eq!(parameters(&args), [("plan", "top articles"), ("force", "true")]);
    }

    #[test]
    fn progress_has_rate_and_remaining_time() {
        let mut at = Snapshot::default();
        assert_eq!(progress(&at), "planning");
        (at.total, at.done, at.rate) = (100, 10, 2.4);
        assert_eq!(progress(&at), "answers, 2/s");
        (at.remaining_seconds, at.errors) = (Some(3700.4), 3);
        assert_eq!(progress(&at), "answers, 2/s, 1h 1m 40s left, 3 errors");
        at.remaining_seconds = Some(f64::INFINITY);
        assert_eq!(progress(&at), "answers, 2/s, 3 errors");
        at.done = 100;
        assert_eq!(progress(&at), "answers, now checked and published");
    }
}

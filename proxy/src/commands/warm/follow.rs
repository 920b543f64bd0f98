//! Watching a job to its end.

use super::teller::Teller;
use crate::admin::StartedJob;
use crate::commands::admin_client::{AdminClient, AdminError};
use crate::commands::jobs;
use aqs_warmers::jobs::{JobId, JobView, State};
use std::error::Error;
use std::time::Duration;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

/// How often it is asked how far a job is: often enough for a bar that moves.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How often in a row nobody may answer before it is given up.
const PATIENT: u32 = 10;

/// The job is not there any more.
#[derive(Debug, Error)]
#[error("the server was started anew, and job {0} ended with the one before; start it again")]
pub(super) struct Gone(JobId);

/// How watching ended.
pub(super) enum Followed {
    /// With the job.
    CloseReason {
        /// What the server said of it.
        said: String,
        /// The same, understood.
        job: Box<JobView>,
    },
    /// Before it: somebody pressed Ctrl-C.
    Interrupted,
}

/// Starts or joins a job and watches it to its end, or until SIGINT.
pub(super) async fn from_start_to_end(
    client: &AdminClient,
    target: &str,
) -> Result<Followed, Box<dyn Error>> {
    // From here on SIGINT ends nothing by itself.
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut teller = Teller::new();
    let begun = tokio::select! {
        begun = client.start(target) => client.understand(&begun?)?,
        _ = interrupts.recv() => {
            teller.say("It may have started; aqs jobs tells");
            return Ok(Followed::Interrupted);
        }
    };
    let StartedJob { joined, job: begun } = begun;
    let id = begun.id;
    teller.begun(id, joined);
    tokio::select! {
        followed = watch(client, &begun, &mut teller) => followed,
        _ = interrupts.recv() => {
            teller.say(&format!("Job {id} goes on; aqs jobs cancel {id} cancels it"));
            Ok(Followed::Interrupted)
        }
    }
}

async fn watch(
    client: &AdminClient,
    begun: &JobView,
    teller: &mut Teller,
) -> Result<Followed, Box<dyn Error>> {
    let target = jobs::target(begun.id);
    let mut unanswered = 0;
    loop {
        match client.look_at(&target).await {
            Ok(said) => {
                unanswered = 0;
                let job: Box<JobView> = client.understand(&said)?;
                // Numbers begin anew with each server.
                if (job.started, &job.plan) != (begun.started, &begun.plan) {
                    return Err(Gone(begun.id).into());
                }
                if job.state != State::Running {
                    return Ok(Followed::CloseReason { said, job });
                }
                teller.advanced(&job.progress);
            }
            Err(AdminError::Silent { .. }) if unanswered < PATIENT => unanswered += 1,
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

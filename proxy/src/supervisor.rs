//! The owner of the background tasks: restarts those that fail, and makes it known.

use crate::readiness::Readiness;
use aqs_origin::backoff::Backoff;
use prometheus::IntCounterVec;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const BACKOFF: Backoff =
    Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };

/// Owns background tasks. One that panics or returns early is logged, counted and restarted after
/// a pause, during which the process is not ready.
#[derive(Clone)]
pub struct Supervisor {
    tasks: TaskTracker,
    readiness: Readiness,
    /// The failures by task.
    failures: IntCounterVec,
    backoff: Backoff,
}

impl Supervisor {
    pub fn new(readiness: Readiness, failures: IntCounterVec) -> Self {
        Self { tasks: TaskTracker::new(), readiness, failures, backoff: BACKOFF }
    }

    /// All tasks, to await their end.
    pub fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Runs what `start` makes until `cancel` is cancelled, upon which it has to return. The
    /// result is `None` if the task failed in the end.
    pub fn spawn<F>(
        &self,
        name: &'static str,
        cancel: CancellationToken,
        start: impl Fn(CancellationToken) -> F + Send + 'static,
    ) -> JoinHandle<Option<F::Output>>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let Self { tasks, readiness, failures, backoff } = self.clone();
        tasks.spawn(async move {
            // Shows the task in the metrics before it fails.
            let failures = failures.with_label_values(&[name]);
            let mut attempt = 0;
            loop {
                let started = Instant::now();
                // A task of its own, so that a panic ends there.
                let error = match tokio::spawn(start(cancel.clone())).await {
                    Ok(output) if cancel.is_cancelled() => return Some(output),
                    Ok(_) => "it returned early".to_owned(),
                    Err(error) => error.to_string(),
                };
                failures.inc();
                tracing::error!(task = name, error, "a background task failed");
                if cancel.is_cancelled() {
                    return None;
                }
                attempt = if started.elapsed() > backoff.longest { 1 } else { attempt + 1 };
                let _not_ready = readiness.wait_for(name);
                let pause = sleep(backoff.wait(attempt));
                cancel.run_until_cancelled(pause).await?;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::Opts;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A supervisor with this pause after a failure.
    fn supervisor(pause: Duration) -> Supervisor {
        let failures = IntCounterVec::new(Opts::new("failures", "none"), &["task"]).unwrap();
        let backoff = Backoff { first: pause, longest: pause };
        Supervisor { backoff, ..Supervisor::new(Readiness::default(), failures) }
    }

    async fn eventually(holds: impl Fn() -> bool) {
        while !holds() {
            sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn a_task_that_fails_is_counted_and_restarted() {
        let supervisor = supervisor(Duration::from_millis(50));
        let (cancel, starts) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let task = supervisor.spawn("test", cancel.clone(), {
            let starts = Arc::clone(&starts);
            move |cancel| {
                let start = starts.fetch_add(1, Ordering::SeqCst);
                async move {
                    match start {
                        0 => panic!("the first start fails"),
                        // The second returns early.
                        1 => 1,
                        _ => {
                            cancel.cancelled().await;
                            2
                        }
                    }
                }
            }
        });
        let failures = supervisor.failures.with_label_values(&["test"]);
        for failed in [1, 2] {
            eventually(|| failures.get() == failed).await;
            eventually(|| supervisor.readiness.missing() == ["test"]).await;
        }
        eventually(|| starts.load(Ordering::SeqCst) == 3).await;
        assert!(supervisor.readiness.missing().is_empty());
        cancel.cancel();
        assert_eq!(task.await.unwrap(), Some(2));
        assert_eq!(failures.get(), 2);
    }

    #[tokio::test]
    async fn a_task_that_is_cancelled_while_it_pauses_is_not_restarted() {
        let supervisor = supervisor(Duration::from_secs(3600));
        let cancel = CancellationToken::new();
        let task = supervisor.spawn("test", cancel.clone(), |_| async { panic!("always") });
        eventually(|| !supervisor.readiness.missing().is_empty()).await;
        cancel.cancel();
        assert_eq!(task.await.unwrap(), None::<()>);
        assert!(supervisor.readiness.missing().is_empty());
    }
}

//! Work that goes on when its poller goes away.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// Work that is polled in place, and goes on in a task of its own if this is dropped before its
/// end. So a miss whose client waits needs no task and no wake-up of one.
pub(super) struct Detached<W: Detachable> {
    work: Option<W>,
    cut_off: Instant,
    tasks: TaskTracker,
}

pub(super) trait Detachable: Future<Output = ()> + Unpin + Send + 'static {}

impl<W: Future<Output = ()> + Unpin + Send + 'static> Detachable for W {}

impl<W: Detachable> Detached<W> {
    /// `cut_off` bounds the work once it is in a task of its own.
    pub(super) fn new(work: W, cut_off: Instant, tasks: &TaskTracker) -> Self {
        Self { work: Some(work), cut_off, tasks: tasks.clone() }
    }
}

impl<W: Detachable> Future for Detached<W> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<()> {
        if let Some(work) = &mut self.work {
            // A panic ends the work alone, as it would in a task: the panic hook reports it, and
            // the work is not polled again.
            let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(work).poll(ctx)));
            if matches!(polled, Ok(Poll::Pending)) {
                return Poll::Pending;
            }
            self.work = None;
        }
        Poll::Ready(())
    }
}

impl<W: Detachable> Drop for Detached<W> {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else { return };
        // Without a runtime the program is ending, and the work with it.
        if Instant::now() < self.cut_off && Handle::try_current().is_ok() {
            let cut_off = self.cut_off.into();
            self.tasks.spawn(async move {
                // Work that is late is dropped, which ends its flight.
                let _ = tokio::time::timeout_at(cut_off, work).await;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;
    use tokio::sync::Notify;

    const SOON: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn dropped_work_goes_on() {
        let (go, done) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let tasks = TaskTracker::new();
        let work = {
            let (go, done) = (Arc::clone(&go), Arc::clone(&done));
            Box::pin(async move {
                go.notified().await;
                done.store(true, Ordering::SeqCst);
            })
        };
        let mut detached = Detached::new(work, Instant::now() + SOON, &tasks);
        assert!(futures_util::poll!(&mut detached).is_pending());
        assert!(tasks.is_empty());
        drop(detached);
        assert_eq!(tasks.len(), 1);
        go.notify_one();
        tasks.close();
        tasks.wait().await;
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn finished_or_late_work_takes_no_task() {
        let tasks = TaskTracker::new();
        let mut detached = Detached::new(ready(()), Instant::now() + SOON, &tasks);
        (&mut detached).await;
        drop(detached);
        drop(Detached::new(pending(), Instant::now(), &tasks));
        assert!(tasks.is_empty());
    }

    #[tokio::test]
    async fn a_panic_stays_inside() {
        let tasks = TaskTracker::new();
        let panics = Box::pin(async { panic!("inside") });
        Detached::new(panics, Instant::now() + SOON, &tasks).await;
    }
}

//! The graceful end of a server: unready, no new connections, requests in flight finish.

use super::Server;
use crate::net::{Acceptor, Connections};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How long admin requests in flight and background tasks may take at the end of a drain.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);
/// How long aborted connections may take to end.
pub const ABORT_TIMEOUT: Duration = Duration::from_millis(200);
/// How long after the drain the process has ended, as documented.
pub const EXIT_TIMEOUT: Duration = Duration::from_secs(4);

// The last lines of the log come after all else; the rest is for the system.
const _: () = assert!(
    SHUTDOWN_TIMEOUT.as_millis()
        + ABORT_TIMEOUT.as_millis()
        + crate::log::FLUSH_TIMEOUT.as_millis()
        < EXIT_TIMEOUT.as_millis(),
    "the end takes longer than documented"
);

impl Server {
    /// Drains: the server becomes unready, accepting stops, requests in flight finish, idle
    /// connections close, background tasks end.
    ///
    /// A request that was sent before its connection was closed, or before a reply announced its
    /// end, is answered: an idle connection stays open for [`Limits::drain_idle`]. Takes
    /// [`Limits::drain_delay`], [`Limits::drain`], [`SHUTDOWN_TIMEOUT`] and [`ABORT_TIMEOUT`] at
    /// most. Returns whether every connection ended in time; the others are aborted.
    ///
    /// [`Limits::drain`]: crate::net::Limits::drain
    /// [`Limits::drain_delay`]: crate::net::Limits::drain_delay
    /// [`Limits::drain_idle`]: crate::net::Limits::drain_idle
    pub async fn drain(self) -> bool {
        // First, so that balancers send clients elsewhere.
        let _draining = self.components.readiness.wait_for("draining: this server is about to end");
        drop(self.end_builds);
        // From here on every reply has `Connection: close`.
        self.draining.send_replace(true);
        self.skip_drain_delay.run_until_cancelled(sleep(self.drain_delay)).await;
        drop(self.stop_accepting);
        let deadline = Instant::now() + self.drain_within;
        let mut connections = Acceptor::close(self.acceptors, deadline).await;
        let tasks = &self.components.tasks;
        let drained = timeout_at(deadline, async {
            Connections::join(&mut connections).await;
            // Reads without waiters have deadlines of their own.
            tasks.close();
            tasks.wait().await;
        });
        let in_time = drained.await.is_ok();
        Connections::abort(&mut connections);

        // Until here the admin API shows the progress.
        let deadline = Instant::now() + SHUTDOWN_TIMEOUT;
        drop(self.end_background);
        let background = self.supervisor.tasks();
        background.close();
        let (admin_in_time, background) =
            tokio::join!(self.admin.drain(deadline), timeout_at(deadline, background.wait()));
        if timeout(ABORT_TIMEOUT, Connections::join(&mut connections)).await.is_err() {
            tracing::warn!("failed to abort a connection in time");
        }
        if background.is_err() {
            tracing::warn!("a background task did not end in time");
        }
        in_time && admin_in_time
    }
}

//! A pool of connections, which run jobs on blocking threads.
//!
//! A caller waits for its job up to its deadline. When a caller is gone, its job is interrupted,
//! and the connection returns to the pool as soon as the job has ended.

use super::error::QueryError;
use crate::request_context::{Priority, RequestContext};
use rusqlite::Connection;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task;
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;

/// The number of virtual machine instructions between checks for cancellation: tens of
/// microseconds.
const CHECK_INTERVAL: i32 = 2000;

#[derive(Debug)]
pub(super) struct Pool {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    /// One less, so that work without a waiting client never takes the last connection.
    background: Arc<Semaphore>,
    size: u32,
}

#[derive(Debug)]
pub(super) enum JobError {
    Timeout,
    /// The pool was closed before the job began.
    Closed,
    /// The runtime is shutting down, or the job panicked.
    Stopped,
    Failed(QueryError),
}

impl Pool {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let size = connections.len();
        Self {
            size: u32::try_from(size).unwrap_or(u32::MAX),
            idle: Arc::new(Mutex::new(connections)),
            permits: Arc::new(Semaphore::new(size)),
            background: Arc::new(Semaphore::new(size.saturating_sub(1).max(1))),
        }
    }

    /// Runs a job with the next free connection.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        ctx: &RequestContext,
        job: impl FnOnce(&Connection) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, JobError> {
        let deadline = ctx.deadline;
        let caller_is_gone = CancellationToken::new();
        let _guard = caller_is_gone.clone().drop_guard();
        let result = async {
            let lease = self.lease(ctx).await.map_err(|_| JobError::Closed)?;
            let work = task::spawn_blocking(move || {
                lease.run(move || caller_is_gone.is_cancelled() || Instant::now() >= deadline, job)
            });
            work.await.unwrap_or(Err(JobError::Stopped))
        };
        timeout_at(deadline.into(), result).await.unwrap_or(Err(JobError::Timeout))
    }

    /// Waits for the jobs that run, and closes all connections. Jobs that wait are refused.
    pub(super) async fn close(&self) {
        // Jobs that began to wait earlier still run.
        let all = self.permits.acquire_many(self.size).await;
        self.permits.close();
        self.background.close();
        let closed = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(all);
        // Closing may write to the disk.
        let _ = task::spawn_blocking(move || drop(closed)).await;
    }

    async fn lease(&self, ctx: &RequestContext) -> Result<Lease, AcquireError> {
        let background = match ctx.priority() {
            Priority::Live => None,
            Priority::Refresh | Priority::Warm => tokio::select! {
                permit = Arc::clone(&self.background).acquire_owned() => Some(permit?),
                // A client now waits for the same read, so it may take the last connection.
                () = ctx.priority.reaches(Priority::Live) => None,
            },
        };
        let permit = Arc::clone(&self.permits).acquire_owned().await?;
        let conn = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Lease { conn, idle: Arc::clone(&self.idle), _permits: (permit, background) })
    }
}

/// A connection in use. It returns to the pool before its permit does, also after a panic.
struct Lease {
    conn: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    _permits: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

impl Lease {
    fn run<T>(
        mut self,
        is_over: impl Fn() -> bool + Clone + Send + 'static,
        job: impl FnOnce(&Connection) -> Result<T, QueryError>,
    ) -> Result<T, JobError> {
        if is_over() {
            return Err(JobError::Timeout);
        }
        let Some(conn) = self.conn.as_mut() else { return Err(JobError::Stopped) };
        // Replaces that of the last job. Without it, the caller still leaves in time.
        let _ = conn.progress_handler(CHECK_INTERVAL, Some(is_over.clone()));
        job(conn)
            .map_err(|error| if is_over() { JobError::Timeout } else { JobError::Failed(error) })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;
    use tokio::sync::oneshot;

    // Counts for years.
    const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                           SELECT count(*) FROM n";

    fn pool(size: usize) -> Pool {
        Pool::new((0..size).map(|_| Connection::open_in_memory().unwrap()).collect())
    }

    fn ctx(wait: Duration, priority: Priority) -> RequestContext {
        RequestContext::new(Instant::now() + wait, priority, 0)
    }

    fn unhurried() -> RequestContext {
        ctx(Duration::from_secs(60), Priority::Live)
    }

    fn one(conn: &Connection) -> Result<i64, QueryError> {
        Ok(conn.query_row("SELECT 1", [], |row| row.get(0))?)
    }

    fn endless(conn: &Connection) -> Result<i64, QueryError> {
        Ok(conn.query_row(ENDLESS, [], |row| row.get(0))?)
    }

    #[tokio::test]
    async fn a_job_that_runs_too_long_is_interrupted() {
        let pool = pool(1);
        let outcome = pool.run(&ctx(Duration::from_millis(30), Priority::Live), endless).await;
        assert!(matches!(outcome, Err(JobError::Timeout)), "{outcome:?}");
        // The only connection is back and does the next job.
        assert!(matches!(pool.run(&unhurried(), one).await, Ok(1)));
    }

    #[tokio::test]
    async fn a_cancelled_call_interrupts_its_job() {
        let pool = Arc::new(pool(1));
        let (started, has_started) = oneshot::channel();
        let call = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                let job = move |conn: &Connection| {
                    let _ = started.send(());
                    endless(conn)
                };
                // The next caller would not wait for that deadline.
                let _ = pool.run(&ctx(Duration::from_secs(3600), Priority::Live), job).await;
            }
        });
        has_started.await.unwrap();
        call.abort();
        assert!(matches!(pool.run(&unhurried(), one).await, Ok(1)));
    }

    #[tokio::test]
    async fn a_wait_for_a_connection_ends_at_the_deadline() {
        let pool = Arc::new(pool(1));
        let (release, released) = mpsc::channel::<()>();
        let (started, has_started) = oneshot::channel();
        let holder = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                let job = move |conn: &Connection| {
                    let _ = started.send(());
                    let _ = released.recv();
                    one(conn)
                };
                pool.run(&unhurried(), job).await
            }
        });
        has_started.await.unwrap();
        let late = pool.run(&ctx(Duration::from_millis(20), Priority::Live), one).await;
        assert!(matches!(late, Err(JobError::Timeout)), "{late:?}");
        release.send(()).unwrap();
        assert!(matches!(holder.await.unwrap(), Ok(1)));
        assert!(matches!(pool.run(&unhurried(), one).await, Ok(1)));
    }

    #[tokio::test]
    async fn background_work_leaves_a_connection_to_clients() {
        let pool = Arc::new(pool(2));
        let background = ctx(Duration::from_secs(60), Priority::Warm);
        let mut holders = Vec::new();
        let mut first = Vec::new();
        for _ in 0..2 {
            let (release, released) = mpsc::channel::<()>();
            let (started, has_started) = oneshot::channel();
            let (pool, ctx) = (Arc::clone(&pool), background.clone());
            holders.push(tokio::spawn(async move {
                let job = move |conn: &Connection| {
                    let _ = started.send(());
                    let _ = released.recv();
                    one(conn)
                };
                pool.run(&ctx, job).await
            }));
            first.push((release, has_started));
        }
        let (release, has_started) = first.remove(0);
        has_started.await.unwrap();
        assert!(matches!(pool.run(&unhurried(), one).await, Ok(1)));
        drop((release, first));
        for holder in holders {
            assert!(matches!(holder.await.unwrap(), Ok(1)));
        }
    }

    #[tokio::test]
    async fn a_hundred_callers_share_two_connections() {
        let pool = Arc::new(pool(2));
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move { pool.run(&unhurried(), one).await })
            })
            .collect();
        for call in calls {
            assert!(matches!(call.await.unwrap(), Ok(1)));
        }
        assert_eq!(pool.idle.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn closing_waits_for_jobs_and_refuses_others() {
        let pool = Arc::new(pool(2));
        let (release, released) = mpsc::channel::<()>();
        let (started, has_started) = oneshot::channel();
        let holder = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                let job = move |conn: &Connection| {
                    let _ = started.send(());
                    let _ = released.recv();
                    one(conn)
                };
                pool.run(&unhurried(), job).await
            }
        });
        has_started.await.unwrap();
        let mut closing = std::pin::pin!(pool.close());
        assert!(futures_util::poll!(&mut closing).is_pending());
        release.send(()).unwrap();
        closing.await;
        assert!(matches!(holder.await.unwrap(), Ok(1)));
        assert!(pool.idle.lock().unwrap().is_empty());
        let refused = pool.run(&unhurried(), one).await;
        assert!(matches!(refused, Err(JobError::Closed)), "{refused:?}");
    }

    #[tokio::test]
    async fn a_job_that_panics_returns_its_connection() {
        let pool = pool(1);
        let outcome =
            pool.run(&unhurried(), |_| -> Result<(), QueryError> { panic!("a bug") }).await;
        assert!(matches!(outcome, Err(JobError::Stopped)), "{outcome:?}");
        assert!(matches!(pool.run(&unhurried(), one).await, Ok(1)));
    }
}

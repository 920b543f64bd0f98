//! Connections that wait for SQLite, so that nothing else does.
//!
//! A job runs on a blocking thread with a connection that is its own meanwhile. Its asker waits
//! no longer than to the deadline; a job whose asker is gone is interrupted, and its connection
//! goes back in any case, when the job has let go of it.

use crate::request_context::{Priority, RequestContext};
use rusqlite::Connection;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task;
use tokio::time::timeout_at;

/// Asked of SQLite's machine after so many instructions: some tens of microseconds.
const INSTRUCTIONS_BETWEEN_LOOKS: i32 = 2000;

/// A handful of connections.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    /// One less: what no client waits for never takes the last connection.
    background: Arc<Semaphore>,
}

/// Why a job has no outcome.
#[derive(Debug)]
pub(super) enum JobError<E> {
    /// The deadline came first.
    Timeout,
    /// The runtime is shutting down.
    Stopped,
    /// The job says so.
    Failed(E),
}

impl Pool {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let size = connections.len();
        Self {
            idle: Arc::new(Mutex::new(connections)),
            permits: Arc::new(Semaphore::new(size)),
            background: Arc::new(Semaphore::new(size.saturating_sub(1).max(1))),
        }
    }

    /// Runs a job with the next free connection.
    pub(super) async fn run<T, E>(
        &self,
        ctx: &RequestContext,
        job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, JobError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let patience = Arc::new(Patience { until: ctx.deadline, gone: AtomicBool::new(false) });
        let _asker = Asker(Arc::clone(&patience));
        let outcome = async {
            let lease = self.lease(ctx).await.map_err(|_| JobError::Stopped)?;
            let work = task::spawn_blocking(move || lease.run(&patience, job));
            work.await.unwrap_or(Err(JobError::Stopped))
        };
        timeout_at(ctx.deadline.into(), outcome).await.unwrap_or(Err(JobError::Timeout))
    }

    async fn lease(&self, ctx: &RequestContext) -> Result<Lease, AcquireError> {
        let background = match ctx.priority() {
            Priority::Live => None,
            Priority::Refresh | Priority::Warm => tokio::select! {
                permit = Arc::clone(&self.background).acquire_owned() => Some(permit?),
                // A client has come to wait for the same: the last connection is for it, too.
                () = ctx.priority.reaches(Priority::Live) => None,
            },
        };
        let permit = Arc::clone(&self.permits).acquire_owned().await?;
        let conn = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Lease { conn, idle: Arc::clone(&self.idle), _permits: (permit, background) })
    }
}

/// How long an asker waits.
#[derive(Debug)]
struct Patience {
    until: Instant,
    gone: AtomicBool,
}

impl Patience {
    fn is_over(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || Instant::now() >= self.until
    }
}

/// Is dropped with the asker's future, whatever ends that.
struct Asker(Arc<Patience>);

impl Drop for Asker {
    fn drop(&mut self) {
        self.0.gone.store(true, Ordering::Relaxed);
    }
}

/// A connection on loan. It is given back before its permit is.
struct Lease {
    conn: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    _permits: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

impl Lease {
    fn run<T, E>(
        mut self,
        patience: &Arc<Patience>,
        job: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, JobError<E>> {
        if patience.is_over() {
            return Err(JobError::Timeout);
        }
        let Some(conn) = self.conn.as_mut() else { return Err(JobError::Stopped) };
        let watched = Arc::clone(patience);
        // Replaces the last job's. If it can't be set, the asker still leaves in time.
        let _ = conn.progress_handler(INSTRUCTIONS_BETWEEN_LOOKS, Some(move || watched.is_over()));
        job(conn).map_err(|error| match patience.is_over() {
            true => JobError::Timeout,
            false => JobError::Failed(error),
        })
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

    fn patient() -> RequestContext {
        ctx(Duration::from_secs(60), Priority::Live)
    }

    fn one(conn: &Connection) -> rusqlite::Result<i64> {
        conn.query_row("SELECT 1", [], |row| row.get(0))
    }

    fn endless(conn: &Connection) -> rusqlite::Result<i64> {
        conn.query_row(ENDLESS, [], |row| row.get(0))
    }

    #[tokio::test]
    async fn a_job_that_runs_too_long_is_interrupted() {
        let pool = pool(1);
        let outcome = pool.run(&ctx(Duration::from_millis(30), Priority::Live), endless).await;
        assert!(matches!(outcome, Err(JobError::Timeout)), "{outcome:?}");
        // The only connection is back and does the next job.
        assert!(matches!(pool.run(&patient(), one).await, Ok(1)));
    }

    #[tokio::test]
    async fn an_asker_that_leaves_takes_no_connection_along() {
        let pool = Arc::new(pool(1));
        let (started, has_started) = oneshot::channel();
        let asking = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                let job = move |conn: &Connection| {
                    let _ = started.send(());
                    endless(conn)
                };
                // The next asker would not wait for that deadline.
                let _ = pool.run(&ctx(Duration::from_secs(3600), Priority::Live), job).await;
            }
        });
        has_started.await.unwrap();
        asking.abort();
        assert!(matches!(pool.run(&patient(), one).await, Ok(1)));
    }

    #[tokio::test]
    async fn who_waits_for_a_connection_waits_to_the_deadline_only() {
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
                pool.run(&patient(), job).await
            }
        });
        has_started.await.unwrap();
        let late = pool.run(&ctx(Duration::from_millis(20), Priority::Live), one).await;
        assert!(matches!(late, Err(JobError::Timeout)), "{late:?}");
        release.send(()).unwrap();
        assert!(matches!(holder.await.unwrap(), Ok(1)));
        assert!(matches!(pool.run(&patient(), one).await, Ok(1)));
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
        assert!(matches!(pool.run(&patient(), one).await, Ok(1)));
        drop((release, first));
        for holder in holders {
            assert!(matches!(holder.await.unwrap(), Ok(1)));
        }
    }

    #[tokio::test]
    async fn a_hundred_askers_share_two_connections() {
        let pool = Arc::new(pool(2));
        let asking: Vec<_> = (0..100)
            .map(|_| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move { pool.run(&patient(), one).await })
            })
            .collect();
        for asked in asking {
            assert!(matches!(asked.await.unwrap(), Ok(1)));
        }
        assert_eq!(pool.idle.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_job_that_panics_gives_its_connection_back() {
        let pool = pool(1);
        let outcome = pool.run(&patient(), |_| -> rusqlite::Result<()> { panic!("a bug") }).await;
        assert!(matches!(outcome, Err(JobError::Stopped)), "{outcome:?}");
        assert!(matches!(pool.run(&patient(), one).await, Ok(1)));
    }
}

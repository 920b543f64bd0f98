//! Rows on their way.

use super::acks::Acks;
use super::group::Group;
use super::prepare::Prepared;
use super::retry;
use scylla::client::session::Session;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OwnedSemaphorePermit as PurgeTags;
use tokio_util::sync::CancellationToken;

/// What rows under way share with the thread that gives them.
pub(super) struct Shared {
    session: Session,
    acks: Mutex<Acks>,
    pub(super) stop: CancellationToken,
}

impl Shared {
    pub(super) fn new(session: Session, stop: CancellationToken) -> Self {
        Self { session, acks: Mutex::default(), stop }
    }

    pub(super) fn acks(&self) -> MutexGuard<'_, Acks> {
        // A set of numbers is sound wherever a thread may have ended.
        self.acks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes rows, as often as it takes. After a stop they are not tried again, and count as not
    /// written.
    pub(super) async fn write(self: Arc<Self>, insert: Prepared, group: Group, tags: PurgeTags) {
        let lines = || group.rows.iter().map(|row| row.line);
        let first = lines().next().unwrap_or_default();
        let batch = insert.batch(group.rows.len());
        for attempt in 1.. {
            let done = match group.rows.as_slice() {
                [row] => self.session.execute_unpaged(&insert.insert, row).await,
                rows => self.session.batch(&batch, rows).await,
            };
            let error = match done {
                Ok(_) => {
                    let mut acks = self.acks();
                    lines().for_each(|line| acks.acknowledged(line));
                    break;
                }
                Err(error) => error,
            };
            if !retry::may_succeed_later(&error) {
                self.acks().failed(first, error.to_string());
                break;
            }
            if attempt >= retry::ATTEMPTS {
                let reason = format!("not written in {attempt} attempts, the last time: {error}");
                self.acks().failed(first, reason);
                break;
            }
            let pause = tokio::time::sleep(retry::BACKOFF.wait(attempt));
            if self.stop.run_until_cancelled(pause).await.is_none() {
                break;
            }
        }
        drop(tags);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("acks", &self.acks).finish_non_exhaustive()
    }
}

//! Who a read is for: goes with every call to origin.

use crate::trace::TraceParent;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;
use tokio::sync::Notify;

#[derive(Clone, Debug)]
pub struct RequestContext {
    pub deadline: Instant,
    /// Rises when a more urgent request joins.
    pub priority: Arc<SharedPriority>,
    /// The request's name in logs.
    pub request_id: RequestId,
    /// The trace that it belongs to, for stores that can record it.
    pub trace: Option<TraceParent>,
    /// Whether a flight reads, which goes on to its end without its waiters.
    pub in_flight: bool,
}

/// The name of a request, which its client, the response and the log share.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

/// How urgent a read is, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Built ahead of any client.
    Warm,
    /// Behind a stale answer that a client already has.
    Refresh,
    /// A client waits.
    Live,
}

/// A priority that only rises, and raises its followers with it.
#[derive(Debug)]
pub struct SharedPriority {
    /// A [`Priority`] as a number.
    level: AtomicU8,
    risen: Notify,
    followers: Mutex<Vec<Weak<SharedPriority>>>,
}

impl RequestContext {
    /// A context with a priority of its own, in no trace.
    pub fn new(deadline: Instant, priority: Priority, request_id: impl Into<RequestId>) -> Self {
        let priority = Arc::new(SharedPriority::new(priority));
        Self { deadline, priority, request_id: request_id.into(), trace: None, in_flight: false }
    }

    pub fn priority(&self) -> Priority {
        self.priority.get()
    }
}

impl RequestId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RequestId {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<u64> for RequestId {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SharedPriority {
    pub fn new(priority: Priority) -> Self {
        let level = AtomicU8::new(priority as u8);
        Self { level, risen: Notify::new(), followers: Mutex::default() }
    }

    pub fn get(&self) -> Priority {
        let level = self.level.load(Ordering::SeqCst);
        let of_level = |priority: &Priority| *priority as u8 == level;
        // It only ever holds one of these.
        [Priority::Warm, Priority::Refresh].into_iter().find(of_level).unwrap_or(Priority::Live)
    }

    /// Raises the priority, and that of all followers.
    pub fn raise(&self, priority: Priority) {
        if self.level.fetch_max(priority as u8, Ordering::SeqCst) < priority as u8 {
            self.risen.notify_waiters();
            for follower in self.followers().iter().filter_map(Weak::upgrade) {
                follower.raise(priority);
            }
        }
    }

    /// Raises this to the leader's priority, now and whenever the leader rises.
    pub fn follow(self: &Arc<Self>, leader: &SharedPriority) {
        if std::ptr::eq(Arc::as_ptr(self), leader) {
            return;
        }
        // Registered first: a rise in between reaches this either way.
        let mut followers = leader.followers();
        followers.retain(|follower| follower.strong_count() > 0);
        followers.push(Arc::downgrade(self));
        drop(followers);
        self.raise(leader.get());
    }

    /// Waits until the priority has risen to `priority`, possibly forever.
    pub async fn reaches(&self, priority: Priority) {
        loop {
            // Registered first: a rise in between wakes this either way.
            let risen = self.risen.notified();
            if self.get() >= priority {
                return;
            }
            risen.await;
        }
    }

    fn followers(&self) -> MutexGuard<'_, Vec<Weak<SharedPriority>>> {
        self.followers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_followers_priority_only_rises() {
        let (warm, live) =
            (SharedPriority::new(Priority::Warm), SharedPriority::new(Priority::Refresh));
        let flight = Arc::new(SharedPriority::new(Priority::Warm));
        flight.follow(&warm);
        assert_eq!(flight.get(), Priority::Warm);
        flight.follow(&live);
        assert_eq!(flight.get(), Priority::Refresh);
        warm.raise(Priority::Live);
        assert_eq!(flight.get(), Priority::Live);
        live.raise(Priority::Refresh);
        assert_eq!(flight.get(), Priority::Live);
    }
}

//! Who asks: goes with every call to origin.

use crate::request_id::RequestId;
use crate::trace::TraceParent;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;
use tokio::sync::Notify;

/// The circumstances of a read_plan.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// When the asker gives up.
    pub deadline: Instant,
    /// How urgent it is: rises when somebody more urgent joins.
    pub priority: Arc<SharedPriority>,
    /// What logs call the request.
    pub request_id: RequestId,
    /// The trace that it belongs to, for stores that can be told.
    pub trace: Option<TraceParent>,
    /// Whether a flight asks, which goes on to its end whatever becomes of those who wait for it.
    /// It may ask for one thing after the other, and must not give up what it asked for.
    pub in_flight: bool,
}

/// How urgent a read_plan is, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Built ahead of any client.
    Warm,
    /// Behind a stale answer that a client already has.
    Refresh,
    /// A client waits.
    Live,
}

/// A priority that only rises, and takes along those who work on its behalf.
#[derive(Debug)]
pub struct SharedPriority {
    /// Its place in [`Priority::ALL`].
    level: AtomicU8,
    risen: Notify,
    followers: Mutex<Vec<Weak<SharedPriority>>>,
}

impl Priority {
    /// Each, least urgent first.
    const ALL: [Self; 3] = [Self::Warm, Self::Refresh, Self::Live];
}

// Each stands at its own place, whatever comes between them one day.
const _: () = {
    let mut place = 0;
    while place < Priority::ALL.len() {
        assert!(Priority::ALL[place] as usize == place);
        place += 1;
    }
    assert!(Priority::Live as usize + 1 == Priority::ALL.len());
};

impl RequestContext {
    /// A read_plan of its own, in no trace.
    pub fn new(deadline: Instant, priority: Priority, request_id: impl Into<RequestId>) -> Self {
        let priority = Arc::new(SharedPriority::new(priority));
        Self { deadline, priority, request_id: request_id.into(), trace: None, in_flight: false }
    }

    /// How urgent it is by now.
    pub fn priority(&self) -> Priority {
        self.priority.get()
    }
}

impl SharedPriority {
    /// Begins at a priority.
    pub fn new(priority: Priority) -> Self {
        let level = AtomicU8::new(priority as u8);
        Self { level, risen: Notify::new(), followers: Mutex::default() }
    }

    /// The priority by now.
    pub fn get(&self) -> Priority {
        let level = usize::from(self.level.load(Ordering::SeqCst));
        // It only ever holds a place.
        Priority::ALL.get(level).copied().unwrap_or(Priority::Live)
    }

    /// Raises the priority, and that of all who follow.
    pub fn raise(&self, priority: Priority) {
        if self.level.fetch_max(priority as u8, Ordering::SeqCst) < priority as u8 {
            self.risen.notify_waiters();
            for follower in self.followers().iter().filter_map(Weak::upgrade) {
                follower.raise(priority);
            }
        }
    }

    /// Makes this as urgent as the leader is, and whenever it becomes more so.
    pub fn follow(self: &Arc<Self>, leader: &SharedPriority) {
        if std::ptr::eq(Arc::as_ptr(self), leader) {
            return;
        }
        // Entered first: what rises in between reaches this either way.
        let mut followers = leader.followers();
        followers.retain(|follower| follower.strong_count() > 0);
        followers.push(Arc::downgrade(self));
        drop(followers);
        self.raise(leader.get());
    }

    /// Ends when it is that urgent, perhaps never.
    pub async fn reaches(&self, priority: Priority) {
        loop {
            // Asked for first: who raises it in between wakes this either way.
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
    fn a_follower_rises_with_its_leaders_and_never_falls() {
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

//! The time, from one place, so that tests can set it.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment in milliseconds since 1970.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Moment(pub u64);

/// What tells the time.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that stands until it is moved.
    Set(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that stands at a moment.
    pub fn set(at: Moment) -> Self {
        Self::Set(Arc::new(AtomicU64::new(at.0)))
    }

    /// Now.
    pub fn now(&self) -> Moment {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Moment(since.as_millis() as u64)
            }
            Self::Set(at) => Moment(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a set clock on; the machine's can't be moved.
    pub fn advance(&self, by: Duration) {
        if let Self::Set(at) = self {
            at.fetch_add(by.as_millis() as u64, Ordering::SeqCst);
        }
    }
}

impl Moment {
    /// That much later.
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by.as_millis() as u64))
    }

    /// The seconds from another moment to this, negative if it is the earlier.
    pub fn seconds_since(self, other: Self) -> i64 {
        (self.0 as i64).saturating_sub(other.0 as i64).div_euclid(1000)
    }
}

//! The clock, which tests can set.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment in milliseconds since 1970.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Moment(pub u64);

#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    /// A clock that stands until it is advanced.
    Set(Arc<AtomicU64>),
}

impl Clock {
    pub fn set(at: Moment) -> Self {
        Self::Set(Arc::new(AtomicU64::new(at.0)))
    }

    pub fn now(&self) -> Moment {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Moment(since.as_millis() as u64)
            }
            Self::Set(at) => Moment(at.load(Ordering::SeqCst)),
        }
    }

    /// Advances a set clock; the machine's can't be advanced.
    pub fn advance(&self, by: Duration) {
        if let Self::Set(at) = self {
            at.fetch_add(by.as_millis() as u64, Ordering::SeqCst);
        }
    }
}

impl Moment {
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by.as_millis() as u64))
    }

    /// Negative if this is the earlier moment.
    pub fn seconds_since(self, other: Self) -> i64 {
        (self.0 as i64).saturating_sub(other.0 as i64).div_euclid(1000)
    }
}

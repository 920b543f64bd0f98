//! One number that bounds what answers take of memory, and who has how much of it.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Who takes memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The response cache: gives way to all others.
    Cache,
    /// Aliases of keys.
    Aliases,
    /// The generations of the hot set, and the one in construction.
    HotSet,
    /// Answers in construction.
    Singleflight,
    /// The buffers of connections.
    Connections,
}

impl Part {
    /// Every part, in the order of their indices.
    pub const ALL: [Self; 5] =
        [Self::Cache, Self::Aliases, Self::HotSet, Self::Singleflight, Self::Connections];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Aliases => "aliases",
            Self::HotSet => "hot-set",
            Self::Singleflight => "flights",
            Self::Connections => "connections",
        }
    }
}

/// The bound, and what is used of it.
#[derive(Debug)]
pub struct Budget {
    total: u64,
    used: [AtomicU64; Part::ALL.len()],
}

/// The cache keeps at least this part of the whole, one in so many: without it, every request
/// would become a read.
const LEAST_CACHE: u64 = 8;

impl Budget {
    /// A budget of so many bytes.
    pub fn new(total: u64) -> Self {
        Self { total, used: Default::default() }
    }

    /// The bound.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// What a part uses.
    pub fn used(&self, part: Part) -> u64 {
        self.used[part as usize].load(Ordering::Relaxed)
    }

    /// Notes what a part uses that counts for itself.
    pub fn set(&self, part: Part, bytes: u64) {
        self.used[part as usize].store(bytes, Ordering::Relaxed);
    }

    /// What the others leave for the cache.
    pub fn left_for_cache(&self) -> u64 {
        let others = Part::ALL.into_iter().filter(|part| *part != Part::Cache);
        let taken: u64 = others.map(|part| self.used(part)).sum();
        self.total.saturating_sub(taken).max(self.total / LEAST_CACHE)
    }

    /// Charges a part for as long as the reservation lives.
    pub fn reserve(self: &Arc<Self>, part: Part, bytes: usize) -> Reservation {
        self.used[part as usize].fetch_add(bytes as u64, Ordering::Relaxed);
        Reservation { budget: Arc::clone(self), part, bytes: bytes as u64 }
    }

    /// A value that is charged to a part for as long as anybody has it.
    pub fn reserved<T>(self: &Arc<Self>, part: Part, bytes: usize, value: T) -> Arc<Reserved<T>> {
        Arc::new(Reserved { value, _reservation: self.reserve(part, bytes) })
    }
}

/// Bytes that a part uses.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Budget>,
    part: Part,
    bytes: u64,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used[self.part as usize].fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A value and its reservation.
#[derive(Debug)]
pub struct Reserved<T> {
    value: T,
    _reservation: Reservation,
}

impl<T> Deref for Reserved<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_gives_way_and_gets_back() {
        let budget = Arc::new(Budget::new(800));
        budget.set(Part::Cache, 700);
        assert_eq!(budget.left_for_cache(), 800);
        let reservation = budget.reserve(Part::Singleflight, 300);
        assert_eq!(budget.left_for_cache(), 500);
        let more = budget.reserved(Part::Connections, 900, ());
        assert_eq!(budget.left_for_cache(), 100);
        drop((reservation, more));
        assert_eq!(budget.left_for_cache(), 800);
        assert_eq!(budget.used(Part::Singleflight), 0);
    }
}

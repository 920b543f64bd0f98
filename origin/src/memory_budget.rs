//! The memory budget: one bound for all consumers of memory.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consumer {
    /// The response cache: gives way to all others.
    Cache,
    Aliases,
    /// The generations of the hot set, and the one in construction.
    HotSet,
    Flights,
    Connections,
}

impl Consumer {
    /// Every consumer, in the order of their indices.
    pub const ALL: [Self; 5] =
        [Self::Cache, Self::Aliases, Self::HotSet, Self::Flights, Self::Connections];

    pub fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Aliases => "aliases",
            Self::HotSet => "hot-set",
            Self::Flights => "flights",
            Self::Connections => "connections",
        }
    }
}

#[derive(Debug)]
pub struct Budget {
    total: u64,
    used: [AtomicU64; Consumer::ALL.len()],
}

/// The cache keeps at least the budget divided by this: without a cache every request would be a
/// read.
const LEAST_CACHE_DIVISOR: u64 = 8;

impl Budget {
    /// `total` is in bytes.
    pub fn new(total: u64) -> Self {
        Self { total, used: Default::default() }
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn used(&self, consumer: Consumer) -> u64 {
        self.used[consumer as usize].load(Ordering::Relaxed)
    }

    /// Sets the bytes of a consumer that counts them itself.
    pub fn set(&self, consumer: Consumer, bytes: u64) {
        self.used[consumer as usize].store(bytes, Ordering::Relaxed);
    }

    /// The bytes that the others leave for the cache.
    pub fn left_for_cache(&self) -> u64 {
        let others = Consumer::ALL.into_iter().filter(|one| *one != Consumer::Cache);
        let taken: u64 = others.map(|one| self.used(one)).sum();
        self.total.saturating_sub(taken).max(self.total / LEAST_CACHE_DIVISOR)
    }

    /// Reserves bytes for as long as the reservation lives.
    pub fn reserve(self: &Arc<Self>, consumer: Consumer, bytes: usize) -> Reservation {
        self.used[consumer as usize].fetch_add(bytes as u64, Ordering::Relaxed);
        Reservation { budget: Arc::clone(self), consumer, bytes: bytes as u64 }
    }

    /// A value with a reservation that lives as long.
    pub fn reserved<T>(
        self: &Arc<Self>,
        consumer: Consumer,
        bytes: usize,
        value: T,
    ) -> Arc<Reserved<T>> {
        Arc::new(Reserved { value, _reservation: self.reserve(consumer, bytes) })
    }
}

/// Bytes of the budget, given back when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Budget>,
    consumer: Consumer,
    bytes: u64,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used[self.consumer as usize].fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

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
    fn the_cache_gives_way_to_reservations() {
        let budget = Arc::new(Budget::new(800));
        budget.set(Consumer::Cache, 700);
        assert_eq!(budget.left_for_cache(), 800);
        let reservation = budget.reserve(Consumer::Flights, 300);
        assert_eq!(budget.left_for_cache(), 500);
        let more = budget.reserved(Consumer::Connections, 900, ());
        assert_eq!(budget.left_for_cache(), 100);
        drop((reservation, more));
        assert_eq!(budget.left_for_cache(), 800);
        assert_eq!(budget.used(Consumer::Flights), 0);
    }
}

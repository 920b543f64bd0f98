//! Readiness: a set of latches. The process is ready while none of them is held.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The conditions that `/readyz` waits for, and how many latches hold each.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, usize>>>);

/// Keeps the process from being ready until it is dropped.
#[derive(Debug)]
pub struct Latch {
    readiness: Readiness,
    what: &'static str,
}

impl Readiness {
    /// Adds a condition; `/readyz` shows `what`.
    pub fn wait_for(&self, what: &'static str) -> Latch {
        self.with(|missing| *missing.entry(what).or_default() += 1);
        Latch { readiness: self.clone(), what }
    }

    /// The conditions that do not hold yet.
    pub fn missing(&self) -> Vec<&'static str> {
        self.with(|missing| missing.keys().copied().collect())
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<&'static str, usize>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Latch {
    fn drop(&mut self) {
        self.readiness.with(|missing| {
            if let Some(held) = missing.get_mut(self.what) {
                *held -= 1;
                if *held == 0 {
                    missing.remove(self.what);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_once_the_last_latch_is_dropped() {
        let readiness = Readiness::default();
        assert!(readiness.missing().is_empty());
        let (store, drain) = (readiness.wait_for("the store"), readiness.wait_for("the end"));
        assert_eq!(readiness.missing(), ["the end", "the store"]);
        drop(store);
        assert_eq!(readiness.missing(), ["the end"]);
        drop(drain);
        assert!(readiness.missing().is_empty());
    }

    #[test]
    fn latches_of_one_name_are_counted() {
        let readiness = Readiness::default();
        let (first, second) = (readiness.wait_for("accepting"), readiness.wait_for("accepting"));
        drop(first);
        assert_eq!(readiness.missing(), ["accepting"]);
        drop(second);
        assert!(readiness.missing().is_empty());
    }
}

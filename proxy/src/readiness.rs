//! Readiness: a set of latches. The process is ready while there is none.

use parking_lot::Mutex;
use std::sync::Arc;

/// The conditions that `/readyz` waits for, each as often as a latch holds it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<Vec<&'static str>>>);

/// Keeps the process from being ready until it is dropped.
#[derive(Debug)]
pub struct Latch {
    readiness: Readiness,
    what: &'static str,
}

impl Readiness {
    /// Adds a condition; `/readyz` shows `what`.
    pub fn wait_for(&self, what: &'static str) -> Latch {
        self.0.lock().push(what);
        Latch { readiness: self.clone(), what }
    }

    /// The conditions that do not hold yet.
    pub fn missing(&self) -> Vec<&'static str> {
        let mut missing = self.0.lock().clone();
        missing.sort_unstable();
        missing.dedup();
        missing
    }
}

impl Drop for Latch {
    fn drop(&mut self) {
        let mut missing = self.readiness.0.lock();
        if let Some(at) = missing.iter().position(|what| *what == self.what) {
            missing.swap_remove(at);
        }
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

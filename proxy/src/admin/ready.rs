//! Readiness: a set of latches, each dropped when what it stands for has come.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// What is still missing. Whoever waits for nothing is ready.
#[derive(Clone, Debug, Default)]
pub struct Ready(Arc<Mutex<BTreeSet<&'static str>>>);

/// Keeps a service from being ready until it is dropped.
#[derive(Debug)]
pub struct Latch {
    ready: Ready,
    what: &'static str,
}

impl Ready {
    /// Waits for something, in the words that `/readyz` shows.
    pub fn wait_for(&self, what: &'static str) -> Latch {
        self.with(|missing| missing.insert(what));
        Latch { ready: self.clone(), what }
    }

    /// What is still missing.
    pub fn missing(&self) -> Vec<&'static str> {
        self.with(|missing| missing.iter().copied().collect())
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeSet<&'static str>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Latch {
    fn drop(&mut self) {
        self.ready.with(|missing| missing.remove(self.what));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_when_the_last_latch_is_dropped() {
        let ready = Ready::default();
        assert!(ready.missing().is_empty());
        let (store, drain) = (ready.wait_for("the store"), ready.wait_for("the end"));
        assert_eq!(ready.missing(), ["the end", "the store"]);
        drop(store);
        assert_eq!(ready.missing(), ["the end"]);
        drop(drain);
        assert!(ready.missing().is_empty());
    }
}

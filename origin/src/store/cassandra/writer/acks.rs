//! Which lines of a file are written.

use std::collections::BTreeSet;

/// The lines of one file: given, and acknowledged in any order.
#[derive(Debug, Default)]
pub(super) struct Acks {
    /// Given and not yet acknowledged; one that failed stays here.
    pending: BTreeSet<u64>,
    last: u64,
    failure: Option<Failure>,
}

/// A line that can't be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) line: u64,
    pub(super) reason: String,
}

impl Acks {
    /// Begins a file of which so many lines need no writing.
    pub(super) fn after(lines: u64) -> Self {
        Self { last: lines, ..Self::default() }
    }

    pub(super) fn given(&mut self, line: u64) {
        self.pending.insert(line);
        self.last = self.last.max(line);
    }

    pub(super) fn acknowledged(&mut self, line: u64) {
        self.pending.remove(&line);
    }

    /// Keeps the failure of the earliest line.
    pub(super) fn failed(&mut self, line: u64, reason: String) {
        if self.failure.as_ref().is_none_or(|failure| line < failure.line) {
            self.failure = Some(Failure { line, reason });
        }
    }

    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Up to which line everything is written.
    pub(super) fn wholly(&self) -> u64 {
        self.pending.first().map_or(self.last, |line| line.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wholly_acknowledged_counts() {
        let mut acks = Acks::after(10);
        assert_eq!(acks.wholly(), 10);
        // Lines 11 and 14 hold no row.
        for line in [12, 13, 15] {
            acks.given(line);
        }
        assert_eq!(acks.wholly(), 11);
        acks.acknowledged(13);
        acks.acknowledged(15);
        assert_eq!(acks.wholly(), 11);
        acks.acknowledged(12);
        assert_eq!(acks.wholly(), 15);
    }

    #[test]
    fn a_line_that_failed_is_not_passed() {
        let mut acks = Acks::default();
        [1, 2, 3].into_iter().for_each(|line| acks.given(line));
        acks.acknowledged(1);
        acks.failed(3, "late".to_owned());
        acks.failed(2, "early".to_owned());
        acks.failed(3, "again".to_owned());
        assert_eq!(acks.wholly(), 1);
        assert_eq!(acks.failure(), Some(&Failure { line: 2, reason: "early".to_owned() }));
    }
}

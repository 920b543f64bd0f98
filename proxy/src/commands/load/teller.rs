//! Telling how far a load is.

use crate::commands::bar::Bar;
use aqs_origin::load::{Advance, BadRow, Progress};
use std::path::Path;
use std::time::{Duration, Instant};

/// How many bad rows are shown one by one.
const SHOWN: u64 = 20;
/// Over how long rows per second are counted, so that they can be read.
const BETWEEN_RATES: Duration = Duration::from_secs(1);

/// Tells how far a load is.
pub(super) struct Teller {
    bar: Bar,
    begun: Instant,
    bad: u64,
    rate: Rate,
}

impl Teller {
    pub(super) fn new() -> Self {
        let bar = Bar::new("{bar:30} {bytes}/{total_bytes} {msg}");
        let begun = Instant::now();
        let rate = Rate { since: begun, rows: 0, per_second: 0 };
        Self { bar, begun, bad: 0, rate }
    }

    /// Takes the bar away; how long it took.
    pub(super) fn finish(self) -> Duration {
        self.begun.elapsed()
    }

    pub(super) fn say(&self, line: &str) {
        self.bar.say(line);
    }
}

impl Progress for Teller {
    fn goes_on(&mut self) {
        self.say(
            "An earlier load of this directory was interrupted: going on where it was (--restart \
             loads all of it)",
        );
    }

    fn file(&mut self, path: &Path, table: &'static str) {
        self.say(&format!("{} → {table}", path.display()));
    }

    fn advanced(&mut self, at: Advance) {
        self.rate.advanced(at.rows, self.rate.since.elapsed());
        let rate = self.rate.per_second;
        let percent = at.bytes * 100 / at.total.max(1);
        let words = format!("{} rows, {rate} rows/s", at.rows);
        let line = || format!("  {percent} %, {words}");
        self.bar.advanced(at.bytes, at.total, words.clone(), line);
    }

    fn bad_row(&mut self, row: &BadRow) {
        self.bad += 1;
        match self.bad {
            ..=SHOWN => self.say(&format!("{row}")),
            count if count == SHOWN + 1 => self.say("more bad rows are only counted"),
            _ => {}
        }
    }
}

/// How many rows there were in the last second or so.
#[derive(Debug)]
struct Rate {
    since: Instant,
    rows: u64,
    per_second: u64,
}

impl Rate {
    fn advanced(&mut self, rows: u64, took: Duration) {
        if took < BETWEEN_RATES {
            return;
        }
        let new = u128::from(rows.saturating_sub(self.rows));
        let per_second = new * 1000 / took.as_millis().max(1);
        self.per_second = u64::try_from(per_second).unwrap_or(u64::MAX);
        (self.since, self.rows) = (Instant::now(), rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_the_rows_since_the_last_one() {
        let mut rate = Rate { since: Instant::now(), rows: 0, per_second: 0 };
        rate.advanced(5_000, Duration::from_millis(999));
        assert_eq!(rate.per_second, 0);
        rate.advanced(6_000, Duration::from_secs(2));
        assert_eq!(rate.per_second, 3_000);
        rate.advanced(7_000, Duration::from_millis(1_250));
        assert_eq!(rate.per_second, 800);
    }
}

//! Telling how far a load is.

use aqs_origin::load::{Advance, BadRow, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

/// How many bad rows are shown one by one.
const SHOWN: u64 = 20;
/// How often a line tells how far a load is, where no bar can be drawn.
const BETWEEN_LINES: Duration = Duration::from_secs(5);
/// Over how long rows per second are counted, so that they can be read.
const BETWEEN_RATES: Duration = Duration::from_secs(1);

/// Tells how far a load is: a bar on a terminal, now and then a line elsewhere.
pub(super) struct Teller {
    bar: ProgressBar,
    begun: Instant,
    told: Instant,
    lines: bool,
    bad: u64,
    rate: Rate,
}

impl Teller {
    pub(super) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target =
            if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {msg}") {
            bar.set_style(style);
        }
        let now = Instant::now();
        let rate = Rate { since: now, rows: 0, per_second: 0 };
        Self { bar, begun: now, told: now, lines: !terminal, bad: 0, rate }
    }

    /// Takes the bar away; how long it took.
    pub(super) fn finish(&self) -> Duration {
        self.bar.finish_and_clear();
        self.begun.elapsed()
    }

    pub(super) fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
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
        self.bar.set_length(at.total);
        self.bar.set_position(at.bytes);
        self.bar.set_message(format!("{} rows, {rate} rows/s", at.rows));
        if self.lines && self.told.elapsed() >= BETWEEN_LINES {
            self.told = Instant::now();
            let percent = at.bytes * 100 / at.total.max(1);
            self.say(&format!("  {percent} %, {} rows, {rate} rows/s", at.rows));
        }
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

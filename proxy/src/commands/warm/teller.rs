//! Telling how far a job is.

use crate::commands::words;
use aqs_warmers::build::Snapshot;
use aqs_warmers::jobs::JobId;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often a line tells how far a job is, where no bar can be drawn.
const BETWEEN_LINES: Duration = Duration::from_secs(5);
/// What is told of as long as it isn't known how much there is to do.
const BEFORE: &str = "finding out what is wanted";
/// What is told of when everything is read.
const AFTER: &str = "answers, which are checked and published";

/// Tells how far a job is: a bar on a terminal, now and then a line elsewhere. Takes the bar away
/// when it is dropped.
pub(super) struct Teller {
    bar: ProgressBar,
    told: Instant,
    lines: bool,
}

impl Teller {
    pub(super) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target =
            if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        Self { bar, told: Instant::now(), lines: !terminal }
    }

    pub(super) fn begun(&self, id: JobId, joined: bool) {
        let how = if joined { "is under way already, and is joined" } else { "is started" };
        if joined || self.lines {
            self.say(&format!("Job {id} {how}"));
        }
    }

    pub(super) fn say(&self, line: &str) {
        // Standard error may be closed, too.
        self.bar.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{line}");
        });
    }

    pub(super) fn advanced(&mut self, at: &Snapshot) {
        let words = progress(at);
        if at.total > 0 {
            self.bar.set_length(at.total);
            self.bar.set_position(at.done);
        }
        self.bar.set_message(words.clone());
        if self.lines && self.told.elapsed() >= BETWEEN_LINES {
            self.told = Instant::now();
            self.say(&format!("  {}/{} {words}", at.done, at.total));
        }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn progress(at: &Snapshot) -> String {
    if at.total == 0 {
        return BEFORE.to_owned();
    }
    if at.done >= at.total {
        return AFTER.to_owned();
    }
    let mut words = format!("answers, {:.0}/s", at.rate);
    let remaining = at.remaining_seconds.and_then(|left| Duration::try_from_secs_f64(left).ok());
    if let Some(left) = remaining {
        words.push_str(&format!(", {} left", words::span(Duration::from_secs(left.as_secs()))));
    }
    if at.errors > 0 {
        words.push_str(&format!(", {} errors", at.errors));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_rest_are_told() {
        let mut at = Snapshot::default();
        assert_eq!(progress(&at), BEFORE);
        (at.total, at.done, at.rate) = (100, 10, 2.4);
        assert_eq!(progress(&at), "answers, 2/s");
        (at.remaining_seconds, at.errors) = (Some(3700.4), 3);
        assert_eq!(progress(&at), "answers, 2/s, 1h 1m 40s left, 3 errors");
        at.remaining_seconds = Some(f64::INFINITY);
        assert_eq!(progress(&at), "answers, 2/s, 3 errors");
        at.done = 100;
        assert_eq!(progress(&at), AFTER);
    }
}

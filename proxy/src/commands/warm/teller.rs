//! Telling how far a job is.

use crate::commands::bar::Bar;
use crate::commands::words;
use aqs_warmers::build::Snapshot;
use aqs_warmers::jobs::JobId;
use std::time::Duration;

/// What is told of as long as it isn't known how much there is to do.
const BEFORE: &str = "finding out what is wanted";
/// What is told of when everything is read.
const AFTER: &str = "answers, which are checked and published";

/// Tells how far a job is.
pub(super) struct Teller(Bar);

impl Teller {
    pub(super) fn new() -> Self {
        Self(Bar::new("{bar:30} {pos}/{len} {msg}"))
    }

    pub(super) fn begun(&self, id: JobId, joined: bool) {
        let how = if joined { "is under way already, and is joined" } else { "is started" };
        if joined || self.0.is_lines() {
            self.say(&format!("Job {id} {how}"));
        }
    }

    pub(super) fn say(&self, line: &str) {
        self.0.say(line);
    }

    pub(super) fn advanced(&mut self, at: &Snapshot) {
        let words = progress(at);
        let line = || format!("  {}/{} {words}", at.done, at.total);
        self.0.advanced(at.done, at.total, words.clone(), line);
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

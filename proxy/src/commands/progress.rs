//! Progress on standard error: a bar on a terminal, else a line from time to time.

use super::output;
use crate::log;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// The time between two lines where no bar can be drawn.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows the progress of a load or a job. Dropping it removes the bar.
pub(super) struct ProgressReporter {
    /// Hidden unless standard error is a terminal.
    bar: ProgressBar,
    last_line: Instant,
}

impl ProgressReporter {
    /// An empty bar of an indicatif template.
    pub(super) fn new(template: &str) -> Self {
        let bar = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, last_line: Instant::now() }
    }

    pub(super) fn is_terminal(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// The seconds since the start.
    pub(super) fn seconds(&self) -> f64 {
        self.bar.elapsed().as_secs_f64()
    }

    /// Prints a line above the bar.
    pub(super) fn print(&self, line: &str) {
        self.bar.suspend(|| output::warn(&log::escape(line)));
    }

    /// Shows a position; a length of 0 is not known yet.
    pub(super) fn update(&mut self, position: u64, length: u64, message: String) {
        if length > 0 {
            self.bar.set_length(length);
            self.bar.set_position(position);
        }
        if !self.is_terminal() && self.last_line.elapsed() >= LINE_INTERVAL {
            self.last_line = Instant::now();
            self.print(&match (position * 100).checked_div(length) {
                Some(percent) => format!("  {percent} %, {message}"),
                None => format!("  {message}"),
            });
        }
        self.bar.set_message(message);
    }
}

impl Drop for ProgressReporter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

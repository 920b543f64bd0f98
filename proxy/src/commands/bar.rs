//! How far something is: a bar on a terminal, now and then a line elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often a line tells how far it is, where no bar can be drawn.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// A bar on standard error, if that is a terminal. It is taken away when this is dropped.
pub(super) struct Bar {
    bar: ProgressBar,
    told: Instant,
    lines: bool,
}

impl Bar {
    /// A bar of this template, which is empty.
    pub(super) fn new(template: &str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target =
            if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, told: Instant::now(), lines: !terminal }
    }

    /// Whether lines stand in for the bar.
    pub(super) fn is_lines(&self) -> bool {
        self.lines
    }

    /// Writes a line above the bar.
    pub(super) fn say(&self, line: &str) {
        // Standard error may be closed, too.
        self.bar.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{line}");
        });
    }

    /// Shows how far it is, and writes what `line` makes if it is time for a line.
    pub(super) fn advanced(
        &mut self,
        at: u64,
        of: u64,
        message: String,
        line: impl FnOnce() -> String,
    ) {
        if of > 0 {
            self.bar.set_length(of);
            self.bar.set_position(at);
        }
        self.bar.set_message(message);
        if self.lines && self.told.elapsed() >= BETWEEN_LINES {
            self.told = Instant::now();
            self.say(&line());
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

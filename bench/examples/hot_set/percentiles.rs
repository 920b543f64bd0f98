//! Distributions of durations.

use std::time::Duration;

/// Prints what the columns are.
pub(crate) fn head() {
    println!(
        "{:<16} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "", "count", "median", "p99", "p99.9", "longest"
    );
}

/// Prints a distribution, in microseconds.
pub(crate) fn row(what: &str, all: &[Duration]) {
    let mut sorted = all.to_vec();
    sorted.sort_unstable();
    let at = |part: f64| {
        let index = (sorted.len() as f64 * part) as usize;
        let found = sorted.get(index.min(sorted.len().saturating_sub(1)));
        found.map_or(0.0, |duration| duration.as_nanos() as f64 / 1000.0)
    };
    let [median, p99, p999, longest] = [0.5, 0.99, 0.999, 1.0].map(at);
    println!(
        "{what:<16} {:>10} {median:>8.2}µs {p99:>8.2}µs {p999:>8.2}µs {longest:>8.0}µs",
        sorted.len()
    );
}

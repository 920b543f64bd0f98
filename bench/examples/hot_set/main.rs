//! Measures the hot set: the speed of builds, the size of answers in memory and on disk, the latency
//! of hits during publications and builds, and the time until a restarted server is ready.
//!
//! `cargo run --release -p aqs-bench --example hot_set -- [PROJECTS]`
//!
//! Ten projects, the default, make about a hundred thousand answers.

mod latency;
mod lookup;
mod server;

use server::{Built, TestServer};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_millis(250);
/// Windows with the load that is measured. As many are without it, in between.
const WINDOWS: usize = 40;

#[derive(Default)]
struct Latencies {
    with: Vec<Duration>,
    without: Vec<Duration>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let projects = std::env::args().nth(1).map_or(Ok(10), |text| text.parse())?;
    let folder = tempfile::tempdir()?;

    let server = TestServer::start(folder.path(), projects)?;
    let Built { keys, reads, bytes, taken } = server.built()?;
    let file = server.artefact_bytes(folder.path())?;
    row("answers", format!("{keys}, of {projects} projects"));
    row("built in", format!("{:.1} s", taken.as_secs_f64()));
    row("answers per second", format!("{:.0}", keys as f64 / taken.as_secs_f64()));
    row("store reads per answer", format!("{:.3}", reads as f64 / keys as f64));
    row("bytes per answer in memory", format!("{:.0}", bytes as f64 / keys as f64));
    row("bytes per answer on disk", format!("{:.0}", file as f64 / keys as f64));

    let (latencies, publications) = lookup::measure(&server)?;
    println!("\na look-up, with and without {publications} publications in a row");
    percentiles("publications", &latencies);

    let (latencies, read) = latency::measure(&server)?;
    println!("\na hit over a socket, with and without a build of everything ({read} answers)");
    percentiles("a build", &latencies);

    server.crash();
    let started = Instant::now();
    let server = TestServer::start(folder.path(), projects)?;
    let ready = started.elapsed();
    let served = server.served();
    println!();
    row("answers after a restart", served.to_string());
    row("from start to ready", format!("{:.2} s", ready.as_secs_f64()));
    server.crash();
    if served == keys { Ok(()) } else { Err("the restart does not serve what was built".into()) }
}

fn row(name: &str, value: String) {
    println!("{name:<32} {value}");
}

fn percentiles(load: &str, latencies: &Latencies) {
    println!(
        "{:<16} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "", "count", "median", "p99", "p99.9", "longest"
    );
    for (name, latencies) in [(load, &latencies.with), ("none", &latencies.without)] {
        let mut sorted = latencies.clone();
        sorted.sort_unstable();
        let at = |part: f64| {
            let index = (sorted.len() as f64 * part) as usize;
            let found = sorted.get(index.min(sorted.len().saturating_sub(1)));
            found.map_or(0.0, |duration| duration.as_nanos() as f64 / 1000.0)
        };
        let [median, p99, p999, longest] = [0.5, 0.99, 0.999, 1.0].map(at);
        let count = sorted.len();
        println!(
            "{name:<16} {count:>10} {median:>8.2}µs {p99:>8.2}µs {p999:>8.2}µs {longest:>8.0}µs"
        );
    }
}

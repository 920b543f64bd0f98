//! What the hot set costs and gives, as a table: how fast plans are built, what an answer takes,
//! what clients notice of a publication and of a build, and how soon a start serves what was kept.
//!
//! `cargo run --release -p aqs-bench --example hot_set -- [PROJECTS]`
//!
//! Ten projects, which is the default, make a good hundred thousand answers.

mod latency;
mod pause;
mod percentiles;
mod subject;

use std::time::{Duration, Instant};
use subject::{Built, Subject};

/// How long one window of a measurement is.
const WINDOW: Duration = Duration::from_millis(250);
/// How many windows there are with what is measured; as many are without, in between.
const WINDOWS: usize = 40;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let projects = std::env::args().nth(1).map_or(Ok(10), |text| text.parse())?;
    let folder = tempfile::tempdir()?;

    let subject = Subject::start(folder.path(), projects)?;
    let Built { keys, reads, bytes, taken } = subject.built()?;
    let file = subject.kept_bytes(folder.path())?;
    row("answers", format!("{keys}, of {projects} projects"));
    row("built in", format!("{:.1} s", taken.as_secs_f64()));
    row("answers per second", format!("{:.0}", keys as f64 / taken.as_secs_f64()));
    row("store reads per answer", format!("{:.3}", reads as f64 / keys as f64));
    row("bytes per answer in memory", format!("{:.0}", bytes as f64 / keys as f64));
    row("bytes per answer on the disk", format!("{:.0}", file as f64 / keys as f64));

    let measured = pause::measure(&subject)?;
    println!("\na look-up on a thread of its own, while generations are published one after the");
    println!("other ({} of them, each a map of its own), and beside that", measured.swaps);
    percentiles::head();
    percentiles::row("publications", &measured.with);
    percentiles::row("none", &measured.without);

    let measured = latency::measure(&subject)?;
    println!("\na hit over a socket, while everything is read anew, and beside that");
    percentiles::head();
    percentiles::row("a build", &measured.with);
    percentiles::row("none", &measured.without);
    println!("{} answers were read meanwhile", measured.read);

    subject.crash();
    let begun = Instant::now();
    let subject = Subject::start(folder.path(), projects)?;
    let ready = begun.elapsed();
    let served = subject.served();
    println!();
    row("answers after a restart", served.to_string());
    row("from start to ready", format!("{:.2} s", ready.as_secs_f64()));
    subject.crash();
    if served == keys { Ok(()) } else { Err("the restart does not serve what was built".into()) }
}

fn row(what: &str, value: String) {
    println!("{what:<32} {value}");
}

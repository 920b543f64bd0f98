//! `aqs load`: a directory of NDJSON into an embedded store.

use super::Done;
use crate::cli::LoadArgs;
use aqs_api::Catalogue;
use aqs_origin::load::{self, Advance, BadRow, Options, Progress, Report};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How many bad rows are shown one by one.
const SHOWN: u64 = 20;
/// How often a line tells how far a load is, where no bar can be drawn.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// Loads, and tells what became of it; bad rows make the exit code 1.
pub fn run(args: &LoadArgs) -> Done {
    let catalogue = Catalogue::standard()?;
    let options = Options { strict: args.strict, ..Options::default() };
    let mut teller = Teller::new();
    let loaded = load::into_store(&args.directory, &args.store, &catalogue, options, &mut teller);
    teller.bar.finish_and_clear();
    let report = loaded?;
    tell(&report, teller.begun.elapsed(), &args.store);
    Ok(if report.bad() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(report: &Report, took: Duration, store: &Path) {
    for (table, counts) in &report.tables {
        println!("  {table:<32} {:>9} rows {:>6} bad", counts.rows, counts.bad);
    }
    let (rows, bad, seconds) = (report.rows(), report.bad(), took.as_secs_f64());
    let into = store.display();
    match (rows, bad) {
        (0, 1..) => println!("Nothing was loaded into {into}: every row was bad"),
        _ => println!("{rows} rows loaded into {into} in {seconds:.1} s, {bad} bad rows left out"),
    }
}

/// Tells how far a load is: a bar on a terminal, now and then a line elsewhere.
struct Teller {
    bar: ProgressBar,
    begun: Instant,
    told: Instant,
    lines: bool,
    bad: u64,
}

impl Teller {
    fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target =
            if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {msg}") {
            bar.set_style(style);
        }
        let now = Instant::now();
        Self { bar, begun: now, told: now, lines: !terminal, bad: 0 }
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }
}

impl Progress for Teller {
    fn file(&mut self, path: &Path, table: &'static str) {
        self.say(&format!("{} → {table}", path.display()));
    }

    fn advanced(&mut self, at: Advance) {
        self.bar.set_length(at.total);
        self.bar.set_position(at.bytes);
        self.bar.set_message(format!("{} rows", at.rows));
        if self.lines && self.told.elapsed() >= BETWEEN_LINES {
            self.told = Instant::now();
            let percent = at.bytes * 100 / at.total.max(1);
            self.say(&format!("  {percent} %, {} rows", at.rows));
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

//! `aqs load`: a directory of NDJSON into an embedded store or into Cassandra.

mod cluster;
mod teller;

use super::Done;
use crate::cli::{LoadArgs, Target};
use aqs_api::Catalogue;
use aqs_origin::load::{self, Options, Report};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use teller::Teller;

/// Loads, and tells what became of it; bad rows make the exit code 1.
pub fn run(args: &LoadArgs) -> Done {
    match (args.to.unwrap_or_default(), &args.store) {
        (Target::Embedded, Some(store)) => embedded(args, store),
        (Target::Embedded, None) => Err("name the embedded store with --store PATH".into()),
        (Target::Cassandra, None) => cluster::run(args),
        (Target::Cassandra, Some(_)) => {
            Err("--store is an embedded store's; where Cassandra is says --config FILE".into())
        }
    }
}

fn embedded(args: &LoadArgs, store: &Path) -> Done {
    let catalogue = Catalogue::standard()?;
    let mut teller = Teller::new();
    let loaded = load::into_store(&args.directory, store, &catalogue, options(args), &mut teller);
    let took = teller.finish();
    let report = loaded?;
    tell(&report, took, &store.display().to_string());
    Ok(code(&report))
}

fn options(args: &LoadArgs) -> Options {
    Options { strict: args.strict, ..Options::default() }
}

fn code(report: &Report) -> ExitCode {
    if report.bad() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell(report: &Report, took: Duration, into: &str) {
    for (table, counts) in &report.tables {
        println!("  {table:<32} {:>9} rows {:>6} bad", counts.rows, counts.bad);
    }
    let (rows, bad, seconds) = (report.rows(), report.bad(), took.as_secs_f64());
    match (rows, bad) {
        (0, 1..) => println!("Nothing was loaded into {into}: every row was bad"),
        _ => println!("{rows} rows loaded into {into} in {seconds:.1} s, {bad} bad rows left out"),
    }
}

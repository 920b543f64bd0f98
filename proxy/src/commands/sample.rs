//! `aqs sample`: writes the sample data as a directory for `aqs load`.

use super::Done;
use crate::cli::SampleArgs;
use aqs_origin::sample;
use std::process::ExitCode;

pub fn run(args: &SampleArgs) -> Done {
    let summary = sample::write_directory(&args.directory)?;
    println!("{} holds the sample data:", args.directory.display());
    for (table, rows) in &summary {
        println!("  {table:<32} {rows:>9} rows");
    }
    println!("Load it with: aqs load {} --store PATH", args.directory.display());
    Ok(ExitCode::SUCCESS)
}

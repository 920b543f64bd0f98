//! `aqs sample`: writes the sample data as a directory for `aqs load`.

use super::Done;
use aqs_origin::sample;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct SampleArgs {
    /// The directory; created if it doesn't exist
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

pub fn run(args: &SampleArgs) -> Done {
    let summary = sample::write_directory(&args.directory)?;
    println!("{} holds the sample data:", args.directory.display());
    for (table, rows) in &summary {
        println!("  {table:<32} {rows:>9} rows");
    }
    println!("Load it with: aqs load {} --store PATH", args.directory.display());
    Ok(ExitCode::SUCCESS)
}

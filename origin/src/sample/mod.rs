//! The bundled sample data: what the embedded store is filled with when nobody has anything else.
//!
//! Published figures (see `config/sample/PROVENANCE.md`), completed by a generator that has no
//! state: each figure follows from its own name and period (`noise`), in integers alone, so
//! that the output is the same on every machine. What is real, what is not and by which rules is
//! told in `config/sample/README.md`.
//!
//! ```text
//! bundled ─▶ real ──┬─▶ completion ─▶ per_article
//!                   │   articles ───▶ per_article, tops, per_country
//!                   ├─▶ projects ─▶ volumes ─▶ per_project
//!                   │      └──────▶ by_country
//!                   └─▶ devices, legacy
//! ```

mod articles;
mod bundled;
mod by_country;
#[cfg(test)]
mod checks;
mod completion;
mod counted;
mod counters;
mod days;
mod devices;
mod directory;
mod error;
mod estimates;
mod legacy;
mod list_json;
mod noise;
mod output;
mod per_article;
mod per_country;
mod per_project;
mod plan;
mod projects;
mod readers;
mod real;
mod season;
mod share;
mod tops;
mod views;
mod volumes;

pub use directory::NdjsonSink;
pub use error::SampleError;
pub use output::Summary;

use crate::load::row::Sink;
use jiff::civil::Date;
use output::Output;
use plan::Plan;
use std::path::Path;

/// The version of the output; a store that was filled with another one is not used.
pub const VERSION: u32 = 1;

/// The last day that the sample has.
pub const END: Date = Date::constant(2026, 10, 31);

/// Writes every row: table by table, keys ascending.
pub fn rows(sink: &mut dyn Sink) -> Result<Summary, SampleError> {
    let plan = Plan::read()?;
    let mut output = Output { sink, summary: Summary::default() };
    legacy::write(&plan, &mut output)?;
    per_article::write(&plan, &mut output)?;
    per_project::write(&plan, &mut output)?;
    by_country::write(&plan, &mut output)?;
    tops::write(&plan, &mut output)?;
    per_country::write(&plan, &mut output)?;
    devices::write(&plan, &mut output)?;
    Ok(output.summary)
}

/// Writes every row to a directory of NDJSON, a file for each table.
pub fn write_directory(directory: &Path) -> Result<Summary, SampleError> {
    let mut sink = NdjsonSink::new(directory)?;
    let summary = rows(&mut sink)?;
    sink.finish()?;
    Ok(summary)
}

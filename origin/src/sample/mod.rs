//! The bundled sample data, which the embedded store is filled with by default.
//!
//! Published figures (see `config/sample/PROVENANCE.md`) are taken over exactly; a generator
//! completes them. The generator is driven by one description per table (`tables`):
//!
//! ```text
//! bundled ─▶ world ──┐
//!    └─▶ published ──┴▶ numbers ──▶ lists ─┐
//!                          └──────────────┴▶ rows ─▶ Sink
//! ```
//!
//! To add a table, describe it in `tables`. A count that is split in another way needs a
//! `cube::Dimension`, a list of other things an arm in `lists`.

mod bundled;
mod cube;
mod directory;
mod error;
mod lists;
mod noise;
mod numbers;
mod rows;
mod store;
mod tables;
#[cfg(test)]
mod tests;

pub use directory::write_directory;
pub use error::SampleError;
pub use rows::{Summary, rows};
pub use store::SampleStore;

use jiff::civil::Date;

/// The version of the output. A store that was filled with another version is not used.
pub const VERSION: u32 = 2;

/// The last day of the sample.
pub const END: Date = Date::constant(2026, 10, 31);

//! The hot set: answers that are built ahead of requests, checked, and published as a whole.
//!
//! ```text
//!  plan ─ expand ─▶ queries ─ select ─▶ to be read ─ origin, by partition ─▶ entries
//!   ▲ catalogue, coverage, top lists  └▶ unchanged: carried over                │
//!  jobs: operators, intervals, data                                             ▼
//!                       served ◀─ hot set ◀─ publish ◀─ merge with the parent ◀─ checks
//!                                              └▶ artefact: survives a restart
//! ```
//!
//! Invariants:
//!
//! - **Serving never waits.** [`hot_set::HotSet::get`] takes no lock and allocates nothing.
//!   Merging, compressing, writing and dropping generations happen on blocking threads.
//! - **A generation is immutable and published as a whole.** Ids only rise, over rollbacks and
//!   restarts too.
//! - **Purges hold.** An entry keeps the epoch of its read, in memory and on disk, and
//!   [`aqs_origin::Epochs`] validate it at each look-up. Age alone makes it stale, not invalid.
//! - **Builds are atomic.** A build that fails, is refused or is cancelled changes nothing. A file
//!   is complete under its name, or absent.
//! - **Nothing is read or stored twice.** Unchanged answers are carried over, equal bodies are
//!   shared with the parent, and a partition is read once for all of its answers.
//! - **Clients come first.** No read begins while a client waits for the store.
//! - **Memory is accounted for.** The live and the previous generation are charged to the memory
//!   budget, as is a running build.
//!
//! Each module uses only modules that stand before it in this list: [`generation`] (with
//! `blocking`), [`hot_set`], [`plan`], [`artefact`], [`checks`], `settings`, [`metrics`],
//! [`build`], [`jobs`], [`view`].

pub mod artefact;
mod blocking;
pub mod build;
pub mod checks;
pub mod generation;
pub mod hot_set;
pub mod jobs;
pub mod metrics;
pub mod plan;
mod settings;
#[cfg(test)]
mod tests;
pub mod view;

pub use settings::Settings;

//! The hot set: answers that are built ahead of anybody who asks, checked, and swapped whole.
//!
//! ```text
//!  plan ─ expand ─▶ questions ─ select ─▶ to be read ─ origin, a partition at a time ─▶ entries
//!   ▲ catalogue, coverage, top lists   └▶ can't have changed: taken over                   │
//!  jobs: operators, intervals, data                                                        ▼
//!                        served ◀─ hot set ◀─ publish ◀─ merge with the parent ◀─ checks
//!                                                └▶ artefact: the same after a restart
//! ```
//!
//! What holds, whatever happens:
//!
//! - **Serving waits for nobody.** [`generation::HotSet::get`] is one load and one comparison of
//!   hashes: no lock, no allocation. Reading, shaping, coding, merging, writing and taking down
//!   old generations happen in tasks and on threads that may block, never where hits are served.
//! - **A generation is immutable and swapped whole.** One answer comes from one generation;
//!   numbers only rise, also when an older content is published again, also over restarts.
//! - **Stamps rule.** An entry keeps the epoch at which the store was asked, in memory and on the
//!   disk; [`aqs_origin::Epochs`] judge it at every look-up. Time alone makes it stale only beyond
//!   the age that a generation may have.
//! - **Nothing half done.** What fails, is refused or is cancelled leaves everything as it was. On
//!   the disk a generation is whole under its name, or not there.
//! - **Nothing twice.** What can't have changed is not read; what was read and is the same shares
//!   its bytes with the parent; a partition is read once however many answers come from it.
//! - **Clients first.** Nothing is read ahead while a client waits for a place at the store.
//! - **It counts.** The published generation and the one before are charged to the memory budget
//!   together, what they share once; a build is charged from its first answer on.
//!
//! It knows nothing of sockets.

pub mod artefact;
mod aside;
pub mod build;
pub mod checks;
pub mod generation;
pub mod jobs;
pub mod metrics;
pub mod plan;
#[cfg(test)]
mod testing;
pub mod view;

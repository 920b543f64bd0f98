//! Generations on disk, so that a restarted server serves at once what was served before, also
//! without its store.
//!
//! A file `gen-0000000007.aqs` is written under a temporary name, synced and renamed: under its
//! own name it is complete or absent. Files that are damaged, or of another store, state or
//! build, are renamed (`.damaged`, `.foreign`) and never read again. Purges hold: answers keep
//! their epochs, which are valid for a single state directory, so a file names its own.

mod directory;
mod error;
mod file;
mod identity;

pub use directory::{ArtefactDirectory, Quarantined};
pub use error::{ArtefactError, Foreign};
pub use file::{Header, RestoreContext};
pub use identity::Identity;

//! Generations on disk: so that a restart serves at once what was served before it, though the
//! store be gone.
//!
//! A file `gen-0000000007.aqs` is written under another name, synced and renamed, so that under
//! its own name it is whole or not there; a checksum over everything shows if it is not what was
//! written. What can't be used is set aside under a name that says why, and never asked again.
//! Purges hold: answers keep their epochs, which mean something to the epochs of one state
//! directory alone, and so a file names the one that it belongs to.

mod directory;
mod error;
mod format;
mod identity;
mod open;
mod read;
mod record;
mod write;

pub use directory::{ArtefactDirectory, Loaded, SetAside};
pub use error::{ArtefactError, Damage, Foreign};
pub use format::Header;
pub use identity::Identity;
pub use read::Context;

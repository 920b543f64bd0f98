//! What can be wrong with a generation's file.

use super::format::VERSION;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// A generation can't be kept, or what was kept can't be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArtefactError {
    /// Another process has the directory.
    #[error("the hot set's directory {0} is in use by another aqs")]
    Busy(PathBuf),
    /// A generation is not there.
    #[error("generation {id} is not kept any more (or never was): there is no {path}")]
    Missing {
        /// Which one.
        id: u64,
        /// Where it would be.
        path: PathBuf,
    },
    /// The system can't read or write.
    #[error("{doing} {path} failed: {source}")]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not what was written.
    #[error("{path} is damaged: {damage}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// A generation takes more memory than there is for it. Its file stays as it is.
    #[error(
        "{path} holds a generation of {bytes} bytes or more, and one may take {limit}; raise the \
         limit to use it"
    )]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// How many bytes it takes at least.
        bytes: u64,
        /// How many it may take.
        limit: u64,
    },
    /// A task ended without an outcome: the program is shutting down, or has a bug.
    #[error("the task that reads a generation ended without an outcome")]
    Lost,
    /// A file is whole, but of no use here.
    #[error("{path} can't be used here: {foreign}")]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// Why.
        foreign: Foreign,
    },
}

/// What is wrong with a file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Damage {
    /// It ends before it has begun.
    #[error("it is too short to be a generation")]
    Short,
    /// It begins with something else.
    #[error("it does not begin as a generation does")]
    Magic,
    /// It isn't what was written.
    #[error("its checksum is another than that of its content")]
    Checksum,
    /// Its header can't be read.
    #[error("its header makes no sense: {0}")]
    Header(serde_json::Error),
    /// Its records can't be unpacked or end too soon.
    #[error("its records can't be read: {0}")]
    Records(io::Error),
    /// A record says something that no program has written.
    #[error("record {number} makes no sense: {reason}")]
    Record {
        /// Which one.
        number: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// It has another generation's name.
    #[error("it says that it is generation {0}")]
    Number(u64),
    /// Its answers are not those that its header tells of.
    #[error("its header tells of other answers than it holds")]
    Content,
}

/// Why a whole file is of no use.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// Another version of this program wrote it.
    #[error("it has format version {0}, and this program knows version {VERSION}")]
    Version(u32),
    /// Its epochs are of other epochs, so nobody knows what of it was purged.
    #[error(
        "it belongs to another state directory (or its state was lost), so that nobody can tell \
         what of it was purged"
    )]
    State,
    /// Its answers come from another store.
    #[error("its answers come from another store: {0}")]
    Store(String),
    /// Another program wrote it, which may answer otherwise.
    #[error("another version of the program wrote it: {0}")]
    Program(String),
    /// The program that wrote it answers otherwise.
    #[error("the program that wrote it has other endpoints or rules")]
    Catalogue,
    /// It was written after now, as epochs count: the state was put back.
    #[error(
        "it was written at a later epoch than the state directory knows: an older state was put \
         back, so that nobody can tell what of it was purged"
    )]
    Future,
}

//! What can be wrong with a configuration.

use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// The configuration can't be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("the configuration {} can't be read: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file says something wrong.
    #[error("{}{place}: {message}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Where in it: `:LINE:COLUMN`, or nothing if that is not known.
        place: String,
        /// What, with the key.
        message: String,
    },
    /// A variable or a flag says something wrong.
    #[error("{name}: {message}")]
    Given {
        /// Which variable or flag.
        name: &'static str,
        /// What.
        message: String,
    },
    /// Keys contradict each other.
    #[error("{key}: {message}")]
    Contradiction {
        /// The key to change.
        key: &'static str,
        /// Why.
        message: String,
    },
}

//! The configuration: one file, the environment, flags.
//!
//! [`Config`] is the tree of all keys. Each key's name, type, meaning and default stand in one
//! place ([`tree`], [`sections`], [`upstream`]); reading, refusing, the page of
//! [`docs`] and what `check-config` prints all come from there. A later source wins: defaults,
//! file, environment, flags. Nothing is started before all of it is valid.

mod cassandra;
mod checks;
pub mod docs;
mod doubts;
mod environment;
mod error;
mod file;
mod hot_set;
mod key;
mod load;
mod scalar;
pub mod sections;
mod settings;
#[cfg(test)]
mod tests;
pub mod tree;
mod units;
pub mod upstream;
mod words;

pub use checks::check;
pub use environment::misspelled;
pub use error::ConfigError;
pub use file::from_bytes;
pub use hot_set::HotSet;
pub use key::{Described, Key, Kind};
pub use load::{Environment, Loaded, load, process_environment};
pub use tree::Config;
pub use units::{Count, OrOff, Size, Span};
pub use words::{
    Access, Compression, Consistency, Country, LogFormat, LogLevel, LoggedAddress, Network,
    Periods, Secret, Url,
};

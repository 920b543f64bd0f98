//! The embedded store: one file of SQLite, for machines that have no Cassandra.
//!
//! [`EmbeddedStore`] reads it and [`StoreWriter`] fills it, also at the same time and from
//! different processes. A load is one transaction: readers see all of it or nothing, and so does
//! whoever comes after a crash. What is loaded is summed up by dataset in the same transaction.

mod building;
mod connect;
mod error;
mod part;
mod pool;
mod read;
mod reader;
mod schema;
mod summary;
mod table_writer;
mod tally;
mod writer;

pub use connect::Access;
pub use error::{FileError, OpenError, WriteError};
pub use reader::{EmbeddedStore, MOST_FILES, Options};
pub use writer::{Committed, StoreWriter, WriterOptions};

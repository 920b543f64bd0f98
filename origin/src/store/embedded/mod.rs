//! The embedded store: one SQLite file, for machines without Cassandra.
//!
//! [`EmbeddedStore`] reads the file and [`StoreWriter`] fills it, also at the same time and from
//! different processes. A load is one transaction: readers see all of it or nothing, also after a
//! crash. The summary of each dataset is written in the same transaction.

mod connect;
mod error;
mod integrity;
mod opened;
mod pool;
mod projects;
mod read;
mod removal;
mod schema;
mod staging;
mod store;
mod summary;
mod table_writer;
mod writer;

pub use connect::Access;
pub use error::{FileError, OpenError, WriteError};
pub use removal::{Part, Selection, SelectionError};
pub use store::{EmbeddedStore, MAX_OPEN_FILES, Options};
pub use writer::{Committed, StoreWriter, WriterOptions};

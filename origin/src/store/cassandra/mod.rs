//! The store of production: the tables of contract §4.2 in a Cassandra cluster.
//!
//! [`CassandraStore`] answers at once whatever state the cluster is in. Its session is opened and
//! kept by [`Store::keep`](crate::store::Store::keep) in the background, which also looks which tables and columns
//! there are, and how far their data reach. So a program starts without Cassandra, and heals by
//! itself when the nodes, a table or a column come.

mod cells;
mod coverage;
pub mod cql;
mod decode;
mod error;
mod keeper;
mod options;
mod page;
mod policy;
mod present;
mod probe;
mod read;
pub mod replication;
pub mod schema;
mod session;
mod statements;
mod store;
mod tls;
mod writer;

pub use error::ConnectError;
pub use options::{Compression, Configured, Consistency, Credentials, Options};
pub use present::SchemaError;
pub use store::CassandraStore;
pub use tls::CaError;
pub use writer::{CassandraWriter, WriterError, Writing};

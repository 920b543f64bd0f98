//! The production store: the tables of contract §4.2 in a Cassandra cluster.
//!
//! [`CassandraStore`] answers at once whatever state the cluster is in. Its background task
//! ([`Store::run`](crate::store::Store::run)) connects, follows changes of the schema and probes
//! how far the data reach. So a server starts without Cassandra and recovers without a restart.

mod bind;
mod connect;
mod coverage;
pub mod cql;
mod decode;
mod error;
mod metadata;
mod options;
mod read;
pub mod replication;
pub mod schema;
mod store;
mod supervise;
mod tables;
mod tls;
mod writer;

pub use error::ConnectError;
pub use options::{
    Compression, ConfiguredExtent, Consistency, Credentials, Options, Tls, credentials,
    parse_consistency,
};
pub use store::CassandraStore;
pub use tls::CaError;
pub use writer::{CassandraWriter, WriteOptions, WriterError};

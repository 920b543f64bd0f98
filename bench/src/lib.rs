//! The basis of the benchmarks: a store of generated rows, a service over it, and targets.
//!
//! A [`Subject`] is built by the same [`Server`](aqs_proxy::server::Server) that the program starts,
//! without a listener, and its cache is filled by requests. See `README.md`.

pub mod server_under_test;
pub mod synthetic;
pub mod targets;

pub use server_under_test::Subject;
pub use synthetic::SyntheticStore;

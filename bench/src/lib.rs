//! What the benches stand on: a store of made-up rows, a service over it, and the targets that
//! are asked for.
//!
//! Nothing here is faster than what clients meet: a [`Subject`] is built by the same
//! [`Server`](aqs_proxy::server::Server) that the program starts, only without a listener, and its
//! cache is filled by the service's own way to origin. See `README.md`.

pub mod lists;
pub mod loaded;
pub mod server_under_test;
pub mod synthetic;
pub mod targets;

pub use loaded::LoadedStore;
pub use server_under_test::{Subject, SubjectError};
pub use synthetic::SyntheticStore;

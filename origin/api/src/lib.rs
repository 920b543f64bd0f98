//! What a request to the analytics API *means* and what its answer *looks like*.
//!
//! Everything here is pure: no sockets, no stores, no clocks. A request walks
//!
//! ```text
//! raw target ─ Target::parse ─ Catalogue::resolve ─▶ Query ─ lookup ─▶ Lookup
//!                                                                        │ a store
//! bytes ◀─ Representation ◀─ Answer::to_representation ◀─ shape ◀──────────── Rows
//! ```
//!
//! and one table, the [`Catalogue`], drives all of it: routing, validation, keys, shapes and
//! the labels of metrics. An endpoint is one row of it (see [`endpoints`]).

pub mod answer;
pub mod calendar;
pub mod catalogue;
pub mod countries;
pub mod coverage;
pub mod dataset;
pub mod dialect;
pub mod endpoint;
pub mod endpoints;
pub mod enumeration;
pub mod fingerprint;
pub mod freshness;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod granularity;
pub mod json;
pub mod key;
pub mod lookup;
pub mod param;
pub mod percent;
pub mod problem;
pub mod query;
pub mod representation;
pub mod response;
pub mod rows;
pub mod shapes;
pub mod table;
pub mod tables;
pub mod target;
pub mod text_list;

pub use answer::{Answer, NoDataReason};
pub use catalogue::{Catalogue, CatalogueError};
pub use coverage::{Coverage, Extent};
pub use dataset::{Dataset, DatasetId};
pub use dialect::Dialect;
pub use endpoint::{Endpoint, EndpointId};
pub use fingerprint::fingerprint;
pub use key::{Key, KeyRef};
pub use lookup::{Lookup, Read};
pub use problem::Problem;
pub use query::Query;
pub use representation::{Body, Representation};
pub use rows::Rows;
pub use table::Table;
pub use target::Target;

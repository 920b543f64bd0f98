//! What a request to the analytics API *means* and what its answer *looks like*.
//!
//! Everything here is pure: no sockets, no stores, no clocks.
//!
//! ```text
//! raw target ─ Target::parse ─ Catalogue::resolve ─▶ Query ─ Query::lookup ─▶ Lookup
//!                                                                               │ a store
//! bytes ◀─ Representation ◀─ render ◀─ Answer ◀─ shape ◀───────────────────── Rows
//! ```
//!
//! One table, the [`Catalogue`], drives all of it: routing, validation, keys, shapes and the labels
//! of metrics. An endpoint is one row of it (see [`endpoints`]): its rows have a [`source`], and its
//! [`body`] is described field by field.

pub mod answer;
pub mod body;
pub mod calendar;
pub mod catalogue;
pub mod countries;
pub mod coverage;
pub mod endpoint;
pub mod endpoints;
pub mod fault;
pub mod fingerprint;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod json;
pub mod key;
pub mod lifetimes;
pub mod lookup;
pub mod param;
pub mod percent;
pub mod render;
pub mod representation;
pub mod rows;
pub mod shape;
pub mod source;
pub mod table;
pub mod target;
pub mod text_list;
pub mod units;

pub use answer::Answer;
pub use catalogue::{Catalogue, CatalogueError};
pub use coverage::{Coverage, Extent};
pub use endpoint::{Endpoint, EndpointId, Query};
pub use endpoints::tables;
pub use fault::{Fault, NoData, NoDataReason};
pub use fingerprint::fingerprint;
pub use key::{Dialect, Key, KeyHasher, KeyRef};
pub use lookup::{Lookup, Read};
pub use render::render;
pub use representation::{EncodedBody, Representation};
pub use rows::Rows;
#[doc(hidden)]
pub use schemars;
pub use shape::{Rules, shape};
pub use table::{Dataset, DatasetId, Table};
pub use target::Target;

/// Compiles and runs the examples of CONTRIBUTING.md.
#[cfg(doctest)]
#[doc = include_str!("../../../CONTRIBUTING.md")]
struct Contributing;

//! Where an answer *comes from*: stores, lookups and the entries that are kept of them.
//!
//! [`Origin::answer`] is the one way from a [`aqs_api::Query`] to an [`Entry`]; proxy and
//! warmers share it. A [`store::Store`] answers lookups with rows; [`load`] fills the embedded
//! one, and [`sample`] is what it is filled with when nobody has anything else.

pub mod clock;
pub mod cx;
pub mod load;
pub mod sample;
pub mod store;

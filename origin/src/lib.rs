//! Where an answer *comes from*: stores, lookups and the entries that are kept of them.
//!
//! [`Origin::answer`] is the one way from a [`aqs_api::Query`] to an [`Entry`]; proxy and
//! warmers share it. A [`store::Store`] answers lookups with rows; [`load`] fills the embedded
//! one, and [`sample`] is what it is filled with when nobody has anything else.

pub mod answer;
pub mod backoff;
pub mod batch;
pub mod clock;
pub mod cx;
mod data_through;
pub mod declare;
pub mod entry;
pub mod epochs;
pub mod error;
pub mod flights;
pub mod gate;
pub mod gzip;
mod holdings;
pub mod load;
pub mod memory;
pub mod metrics;
mod question;
mod request_id;
pub mod sample;
pub mod sample_store;
pub mod store;
mod sync;
mod trace;

pub use answer::{Origin, Parts};
pub use clock::{Clock, Moment};
pub use cx::{Cx, Priority};
pub use entry::{Entry, Freshness};
pub use epochs::Epochs;
pub use error::OriginError;
pub use metrics::Metrics;
pub use question::Question;
pub use request_id::RequestId;
pub use trace::TraceParent;

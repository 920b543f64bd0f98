//! Where an answer *comes from*: stores, lookups and the entries that are kept of them.
//!
//! [`Origin::answer`] is the one way from a [`aqs_api::Query`] to an [`Entry`]; proxy and
//! warmers share it. A [`store::Store`] answers lookups with rows; [`load`] fills the embedded
//! one; [`sample`] generates the data that it holds by default.

pub mod answer;
pub mod backoff;
pub mod batch;
pub mod clock;
mod coverage_tracker;
mod data_through;
pub mod declare;
pub mod entry;
pub mod epochs;
pub mod error;
pub mod gzip;
pub mod limiter;
pub mod load;
pub mod memory;
pub mod metrics;
mod read_plan;
pub mod request_context;
mod request_id;
pub mod sample;
pub mod singleflight;
pub mod store;
mod sync;
mod trace;

pub use answer::{Origin, Parts};
pub use clock::{Clock, Moment};
pub use entry::{Entry, Freshness};
pub use epochs::Epochs;
pub use error::OriginError;
pub use metrics::Metrics;
pub use read_plan::ReadPlan;
pub use request_context::{Priority, RequestContext};
pub use request_id::RequestId;
pub use trace::TraceParent;

//! Where an answer *comes from*: stores, lookups and the entries that caches keep.
//!
//! [`Origin::answer`] makes an [`Entry`] of an [`aqs_api::Query`], for the proxy and the warmers. A
//! [`store::Store`] answers lookups with rows; [`load`] fills the embedded store, by default with
//! the data of [`sample`].

pub mod answer;
pub mod backoff;
pub mod batch;
pub mod clock;
mod coverage_tracker;
pub mod entry;
pub mod epochs;
pub mod error;
pub mod gzip;
pub mod limiter;
pub mod load;
pub mod memory_budget;
pub mod metric_declarations;
pub mod metrics;
mod period;
pub mod rate_limiter;
mod read_plan;
pub mod request_context;
pub mod row;
pub mod sample;
pub mod singleflight;
pub mod store;
pub mod stores;
mod suggest;
mod sync;
mod trace;
mod waiters;

pub use answer::{Origin, Parts};
pub use clock::{Clock, Moment};
pub use coverage_tracker::RefreshError;
pub use entry::{Entry, Freshness};
pub use epochs::Epochs;
pub use error::OriginError;
pub use metrics::Metrics;
pub use rate_limiter::RateLimiter;
pub use read_plan::ReadPlan;
pub use request_context::{Priority, RequestContext, RequestId};
pub use suggest::{suggest, suggest_project};
pub use trace::TraceParent;

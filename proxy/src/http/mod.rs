//! Plain HTTP types that serving and networking share.

mod accept_encoding;
mod cache_status;
mod headers;
mod reply;
mod request;
mod trace;

pub use accept_encoding::prefers_gzip;
pub use cache_status::{CacheResult, CacheStatus};
pub use reply::{Content, KeepAlive, Page, Reply};
pub use request::{Method, Negotiation, OwnedNegotiation, RequestHead};
pub use trace::{GeneratedId, OwnedRequestTrace, RequestTrace};

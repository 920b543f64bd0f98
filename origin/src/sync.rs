//! The primitives that the cache's correctness rests on, from one place, so that a model checker
//! can take the place of `std::sync` (feature `model`, `singleflight::model`).

#[cfg(feature = "model")]
pub(crate) use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};
pub(crate) use std::sync::PoisonError;
#[cfg(not(feature = "model"))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};

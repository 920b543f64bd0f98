//! zlib under the name of zlib-ng.

#![no_std]

pub use libz_sys::*;

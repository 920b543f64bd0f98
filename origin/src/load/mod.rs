//! Filling stores: rows, where they come from and where they go.

pub mod row;

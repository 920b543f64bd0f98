//! From rows to answers: a function for each way in which endpoints use their rows.

pub mod lists;
pub mod series;

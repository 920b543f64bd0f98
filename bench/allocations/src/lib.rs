//! Holds nothing: see `tests/hits.rs`.

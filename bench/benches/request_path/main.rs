//! Benchmarks of a request's steps: resolving its target, rendering rows, serving a hit.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench may end where it fails")]

mod hit;
mod render;
mod resolve;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    resolve::bench(&mut criterion);
    render::bench(&mut criterion);
    hit::bench(&mut criterion);
    criterion.final_summary();
}

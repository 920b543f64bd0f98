//! Whether a crawler evicts popular entries: the hit rate of a Zipf stream, alone and mixed with as many
//! requests for addresses that are requested once.
//!
//! `cargo run --release -p aqs-bench --example crawler -- 1000000`

use aqs_bench::{Subject, server_under_test};
use aqs_proxy::serve::Served;

/// How many addresses people ask for.
const POPULAR: usize = 50_000;
/// How much memory the answers may take: a good part of the popular ones does not fit.
const MEMORY: u64 = 64 << 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let requests: u64 = std::env::args().nth(1).ok_or("usage: crawler REQUESTS")?.parse()?;
    let alone = hit_rate(requests, false)?;
    let crawled = hit_rate(requests, true)?;
    println!("{requests} requests for {POPULAR} addresses (Zipf), {} MiB", MEMORY >> 20);
    println!("  alone:                 {:.2} % hits", alone * 100.0);
    println!("  with as many one-time: {:.2} % hits", crawled * 100.0);
    Ok(())
}

fn hit_rate(requests: u64, crawler: bool) -> Result<f64, Box<dyn std::error::Error>> {
    let subject = Subject::with_memory(MEMORY)?;
    let popularity = cumulative();
    let mut random = 42;
    let mut hits = 0;
    for request in 0..requests {
        let drawn = next(&mut random) as f64 / u64::MAX as f64;
        let rank = popularity.partition_point(|sum| *sum < drawn);
        hits += u64::from(hit(&subject, &target("Popular", rank as u64)));
        if crawler {
            hit(&subject, &target("Once", request));
        }
    }
    Ok(hits as f64 / requests as f64)
}

/// Asks as a client would; whether the cache had it.
fn hit(subject: &Subject, target: &str) -> bool {
    let hit =
        matches!(subject.service().serve(&server_under_test::head(target, None)), Served::Now(_));
    if !hit {
        subject.get(target);
    }
    hit
}

fn target(name: &str, number: u64) -> String {
    format!(
        "/metrics/pageviews/per-article/en.wikipedia/all-access/user/{name}_{number}/daily/20260901/20260930"
    )
}

/// The part of all requests that the ranks up to each take: rank k is asked for like 1/k.
fn cumulative() -> Vec<f64> {
    let total: f64 = (1..=POPULAR).map(|rank| 1.0 / rank as f64).sum();
    let part = |sum: &mut f64, rank: usize| {
        *sum += 1.0 / rank as f64 / total;
        Some(*sum)
    };
    (1..=POPULAR).scan(0.0, part).collect()
}

/// A random number (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

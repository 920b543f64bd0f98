//! A miss allocates little more than its store: counted from the parsed head to the reply that is
//! ready to be written.

use allocation_counter::measure;
use aqs_api::Target;
use aqs_bench::{Subject, SyntheticStore};
use aqs_proxy::http::CacheResult;
use std::hint::black_box;

const MISSES: u64 = 500;
/// The limit of a miss's allocations without its rows: names and negotiation, query, key and lookup,
/// a flight for each of the two, the answer's parts, and the growth of maps.
const MOST: u64 = 23;

/// Targets that were not requested before. Each has a row for every day of its month.
fn targets(from: u64) -> Vec<String> {
    let one = |number| {
        format!("/metrics/unique-devices/p{number}.wikipedia/all-sites/daily/20260101/20260131")
    };
    (from..from + MISSES).map(one).collect()
}

#[test]
fn a_miss_allocates_little_more_than_its_rows() {
    let subject = Subject::build().unwrap();
    let catalogue = subject.components().origin.catalogue();
    // The first requests grow what is reused by later ones.
    targets(0).iter().for_each(|target| assert_eq!(subject.get(target).status(), 200));

    let targets = targets(MISSES);
    let misses = measure(|| {
        for target in &targets {
            assert_eq!(subject.get(target).cache.result, CacheResult::Cold);
        }
    });
    let lookups: Vec<_> = targets
        .iter()
        .map(|target| catalogue.resolve(Target::parse(target).unwrap()).unwrap())
        .map(|query| query.lookup())
        .collect();
    let store = SyntheticStore::new(catalogue);
    let rows = measure(|| {
        for lookup in &lookups {
            assert_eq!(black_box(store.rows(lookup)).unwrap().len(), 31);
        }
    });
    let each = (misses.count_total - rows.count_total) / MISSES;
    println!("allocations of a miss: {each}, and {} of its rows", rows.count_total / MISSES);
    assert!(each <= MOST, "{each}");
    assert!(each > 0, "nothing was counted");
}

//! From a target to a query or a fault.

use aqs_api::{Catalogue, Target};
use aqs_bench::targets;
use criterion::Criterion;
use std::hint::black_box;

pub(crate) fn bench(criterion: &mut Criterion) {
    let catalogue = Catalogue::standard().unwrap();
    let mut group = criterion.benchmark_group("resolve");
    for (name, target, good) in [
        ("plain", targets::PLAIN, true),
        ("odd-title", targets::ODD_TITLE, true),
        ("refused", targets::REFUSED, false),
    ] {
        let resolve = |target| catalogue.resolve(Target::parse(target).unwrap());
        assert_eq!(resolve(target).is_ok(), good, "{target}");
        group.bench_function(name, |bencher| bencher.iter(|| resolve(black_box(target))));
    }
    group.finish();
}

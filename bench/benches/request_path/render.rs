//! From rows to an answer and its bytes.

use aqs_api::{Catalogue, Representation, Target};
use aqs_bench::{SyntheticStore, targets};
use criterion::{Criterion, Throughput};
use std::hint::black_box;

pub(crate) fn bench(criterion: &mut Criterion) {
    let catalogue = Catalogue::standard().unwrap();
    let store = SyntheticStore::new(&catalogue);
    let mut group = criterion.benchmark_group("render");
    for (name, target) in [
        ("devices-31-days", targets::DEVICES_MONTH),
        ("article-366-days", targets::ARTICLE_YEAR),
        ("article-60-months", targets::ARTICLE_MONTHS),
        ("top-1000", targets::TOP),
    ] {
        let query = catalogue.resolve(Target::parse(target).unwrap()).unwrap();
        let rows = store.rows(&query.lookup()).unwrap();
        let render = |rows| {
            let answer = aqs_api::shape(&query, rows, catalogue.rules()).unwrap();
            aqs_api::render(&query, &answer).unwrap()
        };
        let Representation::Body(body) = render(&rows) else { panic!("{target} has no data") };
        group.throughput(Throughput::Bytes(body.identity.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| render(black_box(&rows))));
    }
    group.finish();
}

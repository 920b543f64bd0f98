//! A hit, from a parsed head to the bytes that are written to a socket.

use aqs_bench::server_under_test::{Subject, head, validator};
use aqs_bench::targets;
use aqs_proxy::http::{GeneratedId, KeepAlive, RequestHead};
use aqs_proxy::serve::Served;
use criterion::Criterion;
use std::hint::black_box;

pub(crate) fn bench(criterion: &mut Criterion) {
    let subject = Subject::build().unwrap();
    let absent = targets::absent();
    let validator = validator(&subject.get(targets::DEVICES_MONTH)).unwrap();
    let mut group = criterion.benchmark_group("hit");
    for (name, target, if_none_match, status) in [
        ("devices-31-days", targets::DEVICES_MONTH, None, 200),
        ("top-1000", targets::TOP, None, 200),
        // Found by its key only after it was resolved.
        ("other-spelling", targets::ODD_TITLE, None, 200),
        ("not-modified", targets::DEVICES_MONTH, Some(validator.as_slice()), 304),
        ("no-data", absent.as_str(), None, 404),
    ] {
        subject.get(target);
        let request = head(target, if_none_match);
        let mut buffers = Buffers::default();
        assert_eq!(answer(&subject, &request, &mut buffers).0, status, "{target}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| answer(&subject, black_box(&request), &mut buffers));
        });
    }
    group.finish();
}

#[derive(Default)]
struct Buffers {
    head: Vec<u8>,
    scratch: Vec<u8>,
}

/// Serves and writes. Returns the status and the number of bytes to send.
fn answer(subject: &Subject, request: &RequestHead<'_>, buffers: &mut Buffers) -> (u16, usize) {
    let Served::Now(reply) = subject.service().serve(request) else {
        panic!("{} is no hit", request.target);
    };
    let Buffers { head, scratch } = buffers;
    let id = GeneratedId::random();
    let body = reply.write(request.target, id.as_str(), KeepAlive::Implicit, head, scratch);
    let sent = black_box(body).len() + black_box(&*head).len();
    (reply.status(), sent)
}

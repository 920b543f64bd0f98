//! Answers a number of hits without a socket, to count instructions:
//! `valgrind --tool=callgrind target/release/examples/hits 1000`, then with another number; the
//! difference by the difference of the numbers is what one hit takes.

use aqs_bench::server_under_test::head;
use aqs_bench::{Subject, targets};
use aqs_proxy::http::{GeneratedId, KeepAlive};
use aqs_proxy::serve::Served;
use std::hint::black_box;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: u64 = std::env::args().nth(1).ok_or("usage: hits COUNT")?.parse()?;
    let subject = Subject::build()?;
    let target = targets::DEVICES_MONTH;
    subject.get(target);
    let (mut out, mut scratch) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for _ in 0..count {
        if let Served::Now(reply) = subject.service().serve(black_box(&head(target, None))) {
            let id = GeneratedId::random();
            let keep = KeepAlive::Implicit;
            bytes += reply.write(target, id.as_str(), keep, &mut out, &mut scratch).len();
        }
    }
    println!("{count} hits, {bytes} bytes of bodies");
    Ok(())
}

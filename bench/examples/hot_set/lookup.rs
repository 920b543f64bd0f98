//! The latency of look-ups during publications.

use crate::server::TestServer;
use crate::{Latencies, WINDOW, WINDOWS};
use aqs_bench::server_under_test::head;
use aqs_proxy::http::CacheResult;
use aqs_proxy::serve::Served;
use aqs_warmers::generation::{Generation, Provenance};
use std::convert::Infallible;
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Looks up a twentieth of all answers again and again. Also returns the number of publications.
pub(crate) fn measure(server: &TestServer) -> Result<(Latencies, usize), Box<dyn Error>> {
    let live = server.components().service.lookup.hot_set.live().ok_or("nothing was published")?;
    let targets: Vec<String> =
        live.iter().step_by(20).map(|(key, _)| format!("/metrics{}", key.path())).collect();
    drop(live);
    let (mut latencies, mut publications) = (Latencies::default(), 0);
    let mut targets = targets.iter().cycle();
    for _ in 0..WINDOWS {
        window(server, &mut targets, &mut latencies.without)?;
        let ends = AtomicBool::new(false);
        publications += std::thread::scope(|scope| {
            let publishing = scope.spawn(|| publish(server, &ends));
            let looked_up = window(server, &mut targets, &mut latencies.with);
            ends.store(true, Ordering::Relaxed);
            let swaps = publishing.join().map_err(|_| "the publisher panicked")?;
            looked_up.map(|()| swaps)
        })?;
    }
    Ok((latencies, publications))
}

fn window<'a>(
    server: &TestServer,
    targets: &mut impl Iterator<Item = &'a String>,
    taken: &mut Vec<Duration>,
) -> Result<(), Box<dyn Error>> {
    let until = Instant::now() + WINDOW;
    let mut started = Instant::now();
    while started < until {
        let target = targets.next().ok_or("no targets")?;
        started = Instant::now();
        let served = server.components().service.serve(black_box(&head(target, None)));
        taken.push(started.elapsed());
        if !matches!(&served, Served::Now(reply) if reply.cache.result == CacheResult::Hot) {
            return Err(format!("{target} is not in the hot set").into());
        }
    }
    Ok(())
}

/// Publishes copies of the live generation, each with its own map, until `ends` is set. Each
/// publication drops the generation before the last.
fn publish(server: &TestServer, ends: &AtomicBool) -> usize {
    let hot_set = &server.components().service.lookup.hot_set;
    let mut swaps = 0;
    while !ends.load(Ordering::Relaxed) {
        let Some(live) = hot_set.live() else { break };
        let (plans, now) = (live.plans.clone(), server.components().origin.clock().now());
        let answers = live.iter().map(|(key, hot)| (key.clone(), hot.clone()));
        let copy = Generation::restored(0, Some(live.id), Provenance::Built, now, plans, answers);
        drop(live);
        let Ok(new) = hot_set.publish(|_, _| Ok::<_, Infallible>(copy));
        drop::<Arc<Generation>>(new);
        swaps += 1;
    }
    swaps
}

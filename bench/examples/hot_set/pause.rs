//! What a thread that serves notices of publications.

use crate::subject::Subject;
use crate::{WINDOW, WINDOWS};
use aqs_bench::subject::head;
use aqs_proxy::serve::{CacheResult, Served};
use aqs_warmers::generation::{Generation, Provenance};
use std::convert::Infallible;
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long look-ups took.
pub(crate) struct Measured {
    pub(crate) with: Vec<Duration>,
    pub(crate) without: Vec<Duration>,
    pub(crate) swaps: usize,
}

/// Asks for a twentieth of all answers, over and over, in windows with publications and without.
pub(crate) fn measure(subject: &Subject) -> Result<Measured, Box<dyn Error>> {
    let live = subject.service().hot_set.live().ok_or("nothing was published")?;
    let targets: Vec<String> =
        live.iter().step_by(20).map(|(key, _)| format!("/metrics{}", key.path())).collect();
    drop(live);
    let mut measured = Measured { with: Vec::new(), without: Vec::new(), swaps: 0 };
    let mut targets = targets.iter().cycle();
    for _ in 0..WINDOWS {
        window(subject, &mut targets, &mut measured.without)?;
        let ends = AtomicBool::new(false);
        measured.swaps += std::thread::scope(|scope| {
            let publishing = scope.spawn(|| publish(subject, &ends));
            let asked = window(subject, &mut targets, &mut measured.with);
            ends.store(true, Ordering::Relaxed);
            let swaps = publishing.join().map_err(|_| "the publisher panicked")?;
            asked.map(|()| swaps)
        })?;
    }
    Ok(measured)
}

fn window<'a>(
    subject: &Subject,
    targets: &mut impl Iterator<Item = &'a String>,
    taken: &mut Vec<Duration>,
) -> Result<(), Box<dyn Error>> {
    let until = Instant::now() + WINDOW;
    let mut begun = Instant::now();
    while begun < until {
        let target = targets.next().ok_or("no targets")?;
        begun = Instant::now();
        let served = subject.service().serve(black_box(&head(target, None)));
        taken.push(begun.elapsed());
        if !matches!(&served, Served::Now(reply) if reply.result == CacheResult::Hot) {
            return Err(format!("{target} is not in the hot set").into());
        }
    }
    Ok(())
}

/// Publishes copies of the live generation, each a map of its own, until it is told to end. The
/// one before the last is taken down each time.
fn publish(subject: &Subject, ends: &AtomicBool) -> usize {
    let hot_set = &subject.service().hot_set;
    let mut swaps = 0;
    while !ends.load(Ordering::Relaxed) {
        let Some(live) = hot_set.live() else { break };
        let (plans, now) = (live.plans.clone(), subject.service().clock.now());
        let answers = live.iter().map(|(key, held)| (key.clone(), held.clone()));
        let copy = Generation::restored(0, Some(live.id), Provenance::Built, now, plans, answers);
        drop(live);
        // It gets its own number.
        let Ok(new) = hot_set.publish(|_, _| Ok::<_, Infallible>(copy));
        drop::<Arc<Generation>>(new);
        swaps += 1;
    }
    swaps
}

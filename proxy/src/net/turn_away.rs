//! Turning connections away when all places are taken: bounded itself, and told of seldom.

use super::exchange::{Exchange, Refused};
use super::{Front, Next, linger};
use crate::socket::Socket;
use aqs_api::Problem;
use aqs_api::problem::Code;
use pingora_core::protocols::Stream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How many connections of a listener's purpose may be told at once why they are turned away.
/// Beyond it they are just closed.
///
/// One for so many that have a place: a crowd comes in proportion.
pub fn refusals(places: usize) -> usize {
    (places / SERVED_FOR_EACH).clamp(LEAST, MOST)
}

const SERVED_FOR_EACH: usize = 16;
const LEAST: usize = 64;
const MOST: usize = 1024;
/// How long telling one may take, since all others wait for its place: enough for a way around
/// the world.
const AT_MOST: Duration = Duration::from_millis(500);

/// Who is being turned away, and when that was told last.
pub(super) struct TurnAway {
    places: Arc<Semaphore>,
    begun: Instant,
    /// The minute in which it was told last, counted from 1.
    told: AtomicU64,
    untold: AtomicU64,
}

impl TurnAway {
    /// For a purpose that has so many places.
    pub(super) fn from_places(places: usize) -> Self {
        let (told, untold) = (AtomicU64::new(0), AtomicU64::new(0));
        let places = Arc::new(Semaphore::new(refusals(places)));
        Self { places, begun: Instant::now(), told, untold }
    }

    /// Notes one; in some minute the first gives how many there were since the last that did.
    fn note(&self, minute: u64) -> Option<u64> {
        self.untold.fetch_add(1, Ordering::Relaxed);
        let first = self.told.swap(minute, Ordering::Relaxed) != minute;
        first.then(|| self.untold.swap(0, Ordering::Relaxed))
    }
}

/// Tells a client that there are too many connections, if that is told to few others just now,
/// and gives its own up.
pub(super) fn turn_away(front: &Arc<Front>, socket: Socket, connections: &mut JoinSet<()>) {
    front.counts.turned_away.inc();
    let minute = front.turn_away.begun.elapsed().as_secs() / 60 + 1;
    if let Some(connections) = front.turn_away.note(minute) {
        tracing::warn!(connections, "turned away, since as many are open as may be");
    }
    let Ok(place) = Arc::clone(&front.turn_away.places).try_acquire_owned() else { return };
    let front = Arc::clone(front);
    connections.spawn(async move {
        let _place = place;
        let telling = tell(&front, Box::new(socket));
        // Whether it heard that or not, it is given up.
        let _ = tokio::time::timeout(AT_MOST.min(front.limits.linger), telling).await;
    });
}

async fn tell(front: &Arc<Front>, mut io: Stream) {
    let problem =
        Problem::new(503, Code::Unavailable, "Too many connections. Please try again later.");
    let next = Exchange::new(front).refuse(&mut io, Refused::Connection, problem).await;
    if let Next::Linger(_) = next {
        linger::close(io, AT_MOST).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_minute_tells_once_and_of_all() {
        let turn_away = TurnAway::from_places(1);
        let told: Vec<_> = [1, 1, 1, 2, 5, 5, 6].map(|minute| turn_away.note(minute)).to_vec();
        assert_eq!(told, [Some(1), None, None, Some(3), Some(1), None, Some(2)]);
    }
}

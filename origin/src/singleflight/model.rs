//! A model of one answer's way, for a checker that tries its interleavings: look-up begins,
//! purge, a second request joins or starts, look-up ends, key flight ends, insert, serve.
//!
//! InFlight, epochs and epochs are the real ones; tasks are the checker's threads. It runs with
//! `cargo test -p aqs-origin --features model --lib singleflight::model`.

use super::in_flight::{Boarding, InFlight};
use crate::epochs::{Epoch, Epochs, PurgeMode, PurgeTags, Scope, Validity};
use shuttle::sync::atomic::{AtomicU64, Ordering};
use shuttle::sync::{Arc, Condvar, Mutex};
use shuttle::thread;

/// What a flight brings: a value, and the epoch of who asked for it.
type Brought = (u64, Epoch);

#[derive(Clone)]
struct Flight(Arc<(Mutex<Option<Brought>>, Condvar)>, Epoch);

impl Flight {
    fn posted(epoch: Epoch) -> Self {
        Self(Arc::new((Mutex::new(None), Condvar::new())), epoch)
    }

    fn land(&self, brought: Brought) {
        *self.0.0.lock().unwrap() = Some(brought);
        self.0.1.notify_all();
    }

    fn wait(&self) -> Brought {
        let mut landed = self.0.0.lock().unwrap();
        loop {
            match *landed {
                Some(brought) => return brought,
                None => landed = self.0.1.wait(landed).unwrap(),
            }
        }
    }
}

/// Whose epoch an answer gets.
#[derive(Clone, Copy)]
enum Rule {
    /// That of whoever asked the store: as it is done.
    Leader,
    /// That of the moment when it answered.
    Arrival,
}

struct World {
    rule: Rule,
    epochs: Epochs,
    tags: PurgeTags,
    lookups: InFlight<u8, Flight>,
    keys: InFlight<u8, Flight>,
    cache: Mutex<Option<Brought>>,
    truth: AtomicU64,
    /// What whoever asks from now on must get at least.
    floor: AtomicU64,
}

impl World {
    fn new(rule: Rule) -> Self {
        Self {
            rule,
            epochs: Epochs::of_one_endpoint(),
            tags: PurgeTags::any(),
            lookups: InFlight::new(),
            keys: InFlight::new(),
            cache: Mutex::new(None),
            truth: AtomicU64::new(1),
            floor: AtomicU64::new(1),
        }
    }

    fn valid(&self, epoch: Epoch) -> bool {
        self.epochs.validity(epoch, &self.tags) != Validity::Invalid
    }

    /// As `Origin::answer` and `Origin::fetch`.
    fn answer(&self) -> Brought {
        let own = self.epochs.current();
        let boarded = self.lookups.board(&0, &self.epochs, &self.tags, 2, Flight::posted);
        let (value, epoch) = match boarded {
            Boarding::Joined(flight) => flight.wait(),
            Boarding::Posted(flight, number) => {
                let brought = (self.truth.load(Ordering::SeqCst), flight.1);
                flight.land(brought);
                self.lookups.remove(&0, number);
                brought
            }
            Boarding::Full => unreachable!("there is one key"),
        };
        match self.rule {
            Rule::Leader => (value, own.min(epoch)),
            // What the rule forbids: to epoch with the epoch at which the rows are there.
            Rule::Arrival => (value, self.epochs.current()),
        }
    }

    /// As `Service::ask` and `Service::keep`.
    fn ask(&self) -> Brought {
        match self.keys.board(&0, &self.epochs, &self.tags, 2, Flight::posted) {
            Boarding::Joined(flight) => flight.wait(),
            Boarding::Posted(flight, number) => {
                let brought = self.answer();
                let held = *self.cache.lock().unwrap();
                if self.valid(brought.1) && held.is_none_or(|held| held.1 <= brought.1) {
                    *self.cache.lock().unwrap() = Some(brought);
                }
                flight.land(brought);
                self.keys.remove(&0, number);
                brought
            }
            Boarding::Full => unreachable!("there is one key"),
        }
    }

    /// As `Service::serve` and `Service::fill`.
    fn request(&self) -> u64 {
        loop {
            let cached = *self.cache.lock().unwrap();
            if let Some((value, epoch)) = cached
                && self.valid(epoch)
            {
                return value;
            }
            let (value, epoch) = self.ask();
            if self.valid(epoch) {
                return value;
            }
        }
    }

    fn load_and_purge(&self) {
        let truth = self.truth.fetch_add(1, Ordering::SeqCst) + 1;
        self.epochs.purge(Scope::Everything, PurgeMode::Hard).unwrap();
        self.floor.store(truth, Ordering::SeqCst);
    }

    fn request_and_check(&self) {
        let least = self.floor.load(Ordering::SeqCst);
        let got = self.request();
        assert!(got >= least, "{got} was served, but {least} was purged before it was asked");
    }
}

/// Three who ask, twice each, and two purges.
fn interleave(rule: Rule) {
    let world = Arc::new(World::new(rule));
    let mut threads = Vec::new();
    for _ in 0..3 {
        let world = Arc::clone(&world);
        threads.push(thread::spawn(move || {
            world.request_and_check();
            world.request_and_check();
        }));
    }
    for _ in 0..2 {
        world.load_and_purge();
    }
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(world.request(), 3);
    assert_eq!((world.lookups.len(), world.keys.len()), (0, 0), "a flight was left on its board");
}

#[test]
fn nothing_purged_is_served_at_random() {
    shuttle::check_random(|| interleave(Rule::Leader), 20_000);
}

#[test]
fn nothing_purged_is_served_with_few_changes_of_thread() {
    shuttle::check_pct(|| interleave(Rule::Leader), 20_000, 4);
}

/// The model notices what it is there to notice.
#[test]
#[should_panic(expected = "was purged before it was asked")]
fn a_stamp_taken_when_the_rows_arrive_is_found_out() {
    shuttle::check_random(|| interleave(Rule::Arrival), 20_000);
}

//! A model of how an answer is made, for a checker that explores its interleavings: lookup starts,
//! purge, a second request joins or starts, lookup ends, key flight ends, insert, serve.
//!
//! `InFlight` and `Epochs` are the real ones; tasks are the checker's threads. It runs with
//! `cargo test -p aqs-origin --features model --lib singleflight::model`.

use super::in_flight::{InFlight, Join};
use crate::epochs::{Epoch, Epochs, PurgeMode, PurgeTags, Scope, Validity};
use shuttle::sync::atomic::{AtomicU64, Ordering};
use shuttle::sync::{Arc, Condvar, Mutex};
use shuttle::thread;

/// A flight's value, and the epoch at which it was read.
type Read = (u64, Epoch);

#[derive(Clone)]
struct Flight(Arc<(Mutex<Option<Read>>, Condvar)>, Epoch);

impl Flight {
    fn started(epoch: Epoch) -> Self {
        Self(Arc::new((Mutex::new(None), Condvar::new())), epoch)
    }

    fn finish(&self, read: Read) {
        *self.0.0.lock().unwrap() = Some(read);
        self.0.1.notify_all();
    }

    fn wait(&self) -> Read {
        let mut outcome = self.0.0.lock().unwrap();
        loop {
            match *outcome {
                Some(read) => return read,
                None => outcome = self.0.1.wait(outcome).unwrap(),
            }
        }
    }
}

/// Which epoch an answer gets.
#[derive(Clone, Copy)]
enum Rule {
    /// The one at which the store was read: as the program does.
    Leader,
    /// The one at which the rows arrived.
    Arrival,
}

struct World {
    rule: Rule,
    epochs: Epochs,
    tags: PurgeTags,
    lookups: InFlight<u8, Flight>,
    keys: InFlight<u8, Flight>,
    cache: Mutex<Option<Read>>,
    truth: AtomicU64,
    /// The least value that requests from now on may get.
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
    fn answer(&self) -> Read {
        let own = self.epochs.current();
        let joined = self.lookups.join(&0, &self.epochs, &self.tags, 2, Flight::started);
        let (value, epoch) = match joined {
            Join::Joined(flight) => flight.wait(),
            Join::Started(flight, id) => {
                let read = (self.truth.load(Ordering::SeqCst), flight.1);
                flight.finish(read);
                self.lookups.remove(&0, id);
                read
            }
            Join::Full => unreachable!("there is one key"),
        };
        match self.rule {
            Rule::Leader => (value, own.min(epoch)),
            // What must not be done.
            Rule::Arrival => (value, self.epochs.current()),
        }
    }

    /// As the proxy does on a miss: singleflight by key, then insert into the cache.
    fn miss(&self) -> Read {
        match self.keys.join(&0, &self.epochs, &self.tags, 2, Flight::started) {
            Join::Joined(flight) => flight.wait(),
            Join::Started(flight, id) => {
                let read = self.answer();
                let held = *self.cache.lock().unwrap();
                if self.valid(read.1) && held.is_none_or(|held| held.1 <= read.1) {
                    *self.cache.lock().unwrap() = Some(read);
                }
                flight.finish(read);
                self.keys.remove(&0, id);
                read
            }
            Join::Full => unreachable!("there is one key"),
        }
    }

    /// As the proxy serves: from the cache, else by a miss.
    fn request(&self) -> u64 {
        loop {
            let cached = *self.cache.lock().unwrap();
            if let Some((value, epoch)) = cached
                && self.valid(epoch)
            {
                return value;
            }
            let (value, epoch) = self.miss();
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
        assert!(got >= least, "{got} was served, but {least} was purged before the request");
    }
}

/// Three clients with two requests each, and two purges.
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
    assert_eq!((world.lookups.len(), world.keys.len()), (0, 0), "a flight was not removed");
}

#[test]
fn nothing_purged_is_served_at_random() {
    shuttle::check_random(|| interleave(Rule::Leader), 20_000);
}

#[test]
fn nothing_purged_is_served_with_few_changes_of_thread() {
    shuttle::check_pct(|| interleave(Rule::Leader), 20_000, 4);
}

/// The model detects the race that it is there to detect.
#[test]
#[should_panic(expected = "was purged before the request")]
fn an_epoch_taken_when_the_rows_arrive_is_detected() {
    shuttle::check_random(|| interleave(Rule::Arrival), 20_000);
}

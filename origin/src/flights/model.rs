//! A model of one answer's way, for a checker that tries its interleavings: look-up begins,
//! purge, a second request joins or starts, look-up ends, key flight ends, insert, serve.
//!
//! Board, epochs and stamps are the real ones; tasks are the checker's threads. It runs with
//! `cargo test -p aqs-origin --features model --lib flights::model`.

use super::board::{Board, Boarding};
use crate::epochs::{Depth, Epochs, Scope, Slots, Stamp, Validity};
use shuttle::sync::atomic::{AtomicU64, Ordering};
use shuttle::sync::{Arc, Condvar, Mutex};
use shuttle::thread;

/// What a flight brings: a value, and the stamp of who asked for it.
type Brought = (u64, Stamp);

#[derive(Clone)]
struct Flight(Arc<(Mutex<Option<Brought>>, Condvar)>, Stamp);

impl Flight {
    fn posted(stamp: Stamp) -> Self {
        Self(Arc::new((Mutex::new(None), Condvar::new())), stamp)
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

struct World {
    epochs: Epochs,
    slots: Slots,
    lookups: Board<u8, Flight>,
    keys: Board<u8, Flight>,
    cache: Mutex<Option<Brought>>,
    truth: AtomicU64,
    /// What whoever asks from now on must get at least.
    floor: AtomicU64,
}

impl World {
    fn new() -> Self {
        Self {
            epochs: Epochs::starting_at(1),
            slots: Slots::any(),
            lookups: Board::new(),
            keys: Board::new(),
            cache: Mutex::new(None),
            truth: AtomicU64::new(1),
            floor: AtomicU64::new(1),
        }
    }

    fn valid(&self, stamp: Stamp) -> bool {
        self.epochs.validity(stamp, &self.slots) != Validity::Invalid
    }

    /// As `Origin::answer` and `Origin::fetch`.
    fn answer(&self) -> Brought {
        let own = self.epochs.stamp();
        let boarded = self.lookups.board(&0, &self.epochs, &self.slots, Flight::posted);
        let (value, stamp) = match boarded {
            Boarding::Joined(flight) => flight.wait(),
            Boarding::Posted(flight, number) => {
                let brought = (self.truth.load(Ordering::SeqCst), flight.1);
                flight.land(brought);
                self.lookups.remove(&0, number);
                brought
            }
        };
        (value, own.min(stamp))
    }

    /// As `Service::ask` and `Service::keep`.
    fn ask(&self) -> Brought {
        match self.keys.board(&0, &self.epochs, &self.slots, Flight::posted) {
            Boarding::Joined(flight) => flight.wait(),
            Boarding::Posted(flight, number) => {
                let brought = self.answer();
                if self.valid(brought.1) {
                    let mut cache = self.cache.lock().unwrap();
                    if cache.is_none_or(|held| held.1 <= brought.1) {
                        *cache = Some(brought);
                    }
                }
                flight.land(brought);
                self.keys.remove(&0, number);
                brought
            }
        }
    }

    /// As `Service::serve` and `Service::fill`.
    fn request(&self) -> u64 {
        loop {
            let cached = *self.cache.lock().unwrap();
            if let Some((value, stamp)) = cached
                && self.valid(stamp)
            {
                return value;
            }
            let (value, stamp) = self.ask();
            if self.valid(stamp) {
                return value;
            }
        }
    }

    fn load_and_purge(&self) {
        let truth = self.truth.fetch_add(1, Ordering::SeqCst) + 1;
        self.epochs.purge(Scope::Everything, Depth::Hard).unwrap();
        self.floor.store(truth, Ordering::SeqCst);
    }

    fn request_and_check(&self) {
        let least = self.floor.load(Ordering::SeqCst);
        let got = self.request();
        assert!(got >= least, "{got} was served, but {least} was purged before it was asked");
    }
}

/// Three who ask, twice each, and two purges.
fn interleave() {
    let world = Arc::new(World::new());
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
    shuttle::check_random(interleave, 20_000);
}

#[test]
fn nothing_purged_is_served_with_few_changes_of_thread() {
    shuttle::check_pct(interleave, 20_000, 4);
}

//! How much is logged, and changing it while the program runs.

use super::writer::Unwritten;
use super::{fields, filter};
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing_appender::non_blocking::ErrorCounter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::reload;
use tracing_subscriber::{EnvFilter, Registry};

/// A log that runs, for whoever changes its level or asks how it fares.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    filter: reload::Handle<EnvFilter, Registry>,
    lost: ErrorCounter,
    unwritten: Unwritten,
    held: Mutex<Held>,
    /// When the filter falls back, if it is to.
    until: watch::Sender<Option<Instant>>,
}

struct Held {
    now: String,
    /// What holds if nothing else is wanted for a while.
    usual: String,
}

/// A change of the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What held before.
    pub old: String,
    /// What holds now.
    pub new: String,
}

/// The level can't be changed.
#[derive(Debug, Error)]
pub enum LevelError {
    /// What is wanted is no filter.
    #[error("`{filter}` is no filter: {source}")]
    Filter {
        /// What was wanted.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// A word in what is wanted is no level.
    #[error(
        "`{word}` is no level; there are off, error, warn, info, debug and trace{hint}; \
         a part of the program is given one as aqs_origin=debug"
    )]
    NoLevel {
        /// The word.
        word: String,
        /// What was perhaps meant, if that can be guessed.
        hint: String,
    },
    /// The log is gone.
    #[error("the log has ended")]
    CloseReason(#[from] reload::Error),
}

impl Handle {
    pub(super) fn new(
        filter: reload::Handle<EnvFilter, Registry>,
        text: &str,
        lost: ErrorCounter,
        unwritten: Unwritten,
    ) -> Self {
        let held = Mutex::new(Held { now: text.to_owned(), usual: text.to_owned() });
        Self(Arc::new(Inner { filter, lost, unwritten, held, until: watch::Sender::new(None) }))
    }

    /// The filter that holds, and the one that it falls back to if it is to.
    pub fn level(&self) -> (String, Option<String>) {
        let held = self.0.held.lock();
        let falls = self.0.until.borrow().is_some();
        (held.now.clone(), falls.then(|| held.usual.clone()))
    }

    /// Sets the filter, for a while or for good.
    ///
    /// # Errors
    ///
    /// If it is no filter, or nothing is logged any more; what held holds on.
    pub fn set(&self, text: &str, lasts: Option<Duration>) -> Result<Change, LevelError> {
        let mut held = self.0.held.lock();
        self.0.filter.reload(filter(text)?)?;
        if lasts.is_none() {
            held.usual = text.to_owned();
        }
        let old = std::mem::replace(&mut held.now, text.to_owned());
        self.0.until.send_replace(lasts.map(|lasts| Instant::now() + lasts));
        Ok(Change { old, new: text.to_owned() })
    }

    /// Lets the filter fall back whenever its time is over; never ends by itself.
    pub async fn keep_time(self) {
        let mut changes = self.0.until.subscribe();
        loop {
            let until = *changes.borrow_and_update();
            tokio::select! {
                _ = changes.changed() => {}
                () = over(until) => self.fall_back(until),
            }
        }
    }

    fn fall_back(&self, due: Option<Instant>) {
        let mut held = self.0.held.lock();
        // Set again in between: that has its own time.
        if *self.0.until.borrow() != due {
            return;
        }
        let usual = held.usual.clone();
        // What held before was a filter.
        let fell = filter(&usual).is_ok_and(|filter| self.0.filter.reload(filter).is_ok());
        // Whoever sees that its time is over finds the filter fallen; it is not tried again.
        self.0.until.send_replace(None);
        if fell {
            held.now.clone_from(&usual);
            drop(held);
            tracing::info!(target: fields::ADMIN, filter = usual, "the log level is again what it was");
        }
    }

    /// How many lines were lost, since nobody took them in time or they could not be written.
    pub fn lost(&self) -> u64 {
        self.0.lost.dropped_lines() as u64 + self.0.unwritten.get()
    }
}

async fn over(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.debug_tuple("Handle").field(&self.level().0).finish()
    }
}

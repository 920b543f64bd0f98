//! The filter of a running log, and its temporary changes.

use super::{fields, filter};
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing_appender::non_blocking::ErrorCounter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::reload;
use tracing_subscriber::{EnvFilter, Registry};

/// A running log.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    filter: reload::Handle<EnvFilter, Registry>,
    lost: ErrorCounter,
    unwritten: Arc<AtomicU64>,
    filters: Mutex<Filters>,
    /// When a temporary filter ends.
    until: watch::Sender<Option<Instant>>,
}

struct Filters {
    current: String,
    /// The filter to which a temporary one falls back.
    permanent: String,
}

/// A change of the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub old: String,
    pub new: String,
}

/// A filter is invalid, or cannot be set.
#[derive(Debug, Error)]
pub enum LevelError {
    #[error("`{filter}` is no filter: {source}")]
    Filter { filter: String, source: ParseError },
    #[error("no part of the program is called `{target}`; did you mean {nearest}?")]
    NoTarget { target: String, nearest: &'static str },
    #[error(
        "`{word}` is no level; there are off, error, warn, info, debug and trace{hint}; \
         a part of the program is given one as aqs_origin=debug"
    )]
    NoLevel {
        word: String,
        /// The nearest level, if one is near.
        hint: String,
    },
    #[error("the log has ended")]
    Ended(#[from] reload::Error),
}

impl Handle {
    pub(super) fn new(
        filter: reload::Handle<EnvFilter, Registry>,
        text: &str,
        lost: ErrorCounter,
        unwritten: Arc<AtomicU64>,
    ) -> Self {
        let filters = Mutex::new(Filters { current: text.to_owned(), permanent: text.to_owned() });
        Self(Arc::new(Inner { filter, lost, unwritten, filters, until: watch::Sender::new(None) }))
    }

    /// The current filter, and the one that follows if it is temporary.
    pub fn level(&self) -> (String, Option<String>) {
        let filters = self.0.filters.lock();
        let temporary = self.0.until.borrow().is_some();
        (filters.current.clone(), temporary.then(|| filters.permanent.clone()))
    }

    /// Sets the filter, for a duration or permanently.
    pub fn set(&self, text: &str, lasts: Option<Duration>) -> Result<Change, LevelError> {
        let mut filters = self.0.filters.lock();
        self.0.filter.reload(filter(text)?)?;
        if lasts.is_none() {
            filters.permanent = text.to_owned();
        }
        let old = std::mem::replace(&mut filters.current, text.to_owned());
        self.0.until.send_replace(lasts.map(|lasts| Instant::now() + lasts));
        Ok(Change { old, new: text.to_owned() })
    }

    /// Ends temporary filters in time; runs until it is dropped.
    pub async fn expire(self) {
        let mut changes = self.0.until.subscribe();
        loop {
            let until = *changes.borrow_and_update();
            tokio::select! {
                _ = changes.changed() => {}
                () = reached(until) => self.fall_back(until),
            }
        }
    }

    fn fall_back(&self, due: Option<Instant>) {
        let mut filters = self.0.filters.lock();
        // It was set again in between.
        if *self.0.until.borrow() != due {
            return;
        }
        let permanent = filters.permanent.clone();
        let reloaded = filter(&permanent).is_ok_and(|filter| self.0.filter.reload(filter).is_ok());
        self.0.until.send_replace(None);
        if reloaded {
            filters.current.clone_from(&permanent);
            drop(filters);
            tracing::info!(target: fields::ADMIN, filter = permanent, "the temporary log level has ended");
        }
    }

    /// The number of lines that did not fit into the queue or could not be written.
    pub fn lost(&self) -> u64 {
        self.0.lost.dropped_lines() as u64 + self.0.unwritten.load(Ordering::Relaxed)
    }
}

async fn reached(until: Option<Instant>) {
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

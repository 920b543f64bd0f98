//! Work on all answers: off the threads that serve.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use tokio::runtime::Handle;

thread_local! {
    static ASIDE: Cell<bool> = const { Cell::new(false) };
}

/// Does work that takes long on a thread that may block. `None` if it has panicked, or the program
/// is ending.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let work = move || {
        let _unmark = Unmark(ASIDE.replace(true));
        work()
    };
    tokio::task::spawn_blocking(work).await.ok()
}

/// The thread goes back to where others take it from.
struct Unmark(bool);

impl Drop for Unmark {
    fn drop(&mut self) {
        ASIDE.set(self.0);
    }
}

/// Whether nothing is served on this thread. One that belongs to no runtime serves nobody.
pub(crate) fn here() -> bool {
    ASIDE.get() || Handle::try_current().is_err()
}

/// What takes long to be taken down, which is done aside wherever it is let go of: where it is
/// used up, where that fails, and where whoever waits for it is cancelled.
#[derive(Debug, Default)]
pub(crate) struct Heavy<T: Default + Send + 'static>(T);

impl<T: Default + Send + 'static> Heavy<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    pub(crate) fn into_inner(mut self) -> T {
        std::mem::take(&mut self.0)
    }
}

impl<T: Default + Send + 'static> Deref for Heavy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Default + Send + 'static> DerefMut for Heavy<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Default + Send + 'static> Drop for Heavy<T> {
    fn drop(&mut self) {
        let value = std::mem::take(&mut self.0);
        if !here()
            && let Ok(runtime) = Handle::try_current()
        {
            // Nobody waits for it: it touches nothing, and ends by itself.
            runtime.spawn_blocking(move || drop(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread::{self, ThreadId};

    /// Tells where it is taken down.
    #[derive(Default)]
    struct Told(Option<mpsc::Sender<ThreadId>>);

    impl Drop for Told {
        fn drop(&mut self) {
            if let Some(tell) = &self.0 {
                tell.send(thread::current().id()).unwrap();
            }
        }
    }

    #[tokio::test]
    async fn what_is_heavy_is_neither_done_nor_dropped_where_it_is_awaited() {
        assert!(!here());
        assert_eq!(aside(here).await, Some(true));
        assert!(!tokio::task::spawn_blocking(here).await.unwrap(), "the mark is taken away");
        assert!(thread::spawn(here).join().unwrap());
        let (tell, told) = mpsc::channel();
        drop(Heavy::new(Told(Some(tell.clone()))));
        assert_ne!(told.recv().unwrap(), thread::current().id());
        // What was used up is left to whoever used it.
        drop(Heavy::new(Told(Some(tell))).into_inner());
        assert_eq!(told.recv().unwrap(), thread::current().id());
    }
}

//! Work that takes long runs on blocking threads, never on the async threads that serve clients.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use tokio::runtime::Handle;

thread_local! {
    static BLOCKING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on a blocking thread. Returns `None` if it panics or the runtime shuts down.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let work = move || {
        let _reset = Reset(BLOCKING.replace(true));
        work()
    };
    tokio::task::spawn_blocking(work).await.ok()
}

/// Resets the mark, since the runtime reuses the thread.
struct Reset(bool);

impl Drop for Reset {
    fn drop(&mut self) {
        BLOCKING.set(self.0);
    }
}

/// Whether this thread may block: it runs `work` of [`run`], or belongs to no runtime.
pub(crate) fn allowed() -> bool {
    BLOCKING.get() || Handle::try_current().is_err()
}

/// A value that takes long to drop, and is dropped on a blocking thread wherever it goes out of
/// scope: also after an error and when the future that holds it is cancelled.
#[derive(Debug, Default)]
pub(crate) struct DropOffThread<T: Default + Send + 'static>(T);

impl<T: Default + Send + 'static> DropOffThread<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    pub(crate) fn into_inner(mut self) -> T {
        std::mem::take(&mut self.0)
    }
}

impl<T: Default + Send + 'static> Deref for DropOffThread<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Default + Send + 'static> DerefMut for DropOffThread<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Default + Send + 'static> Drop for DropOffThread<T> {
    fn drop(&mut self) {
        let value = std::mem::take(&mut self.0);
        if !allowed()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn_blocking(move || drop(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread::{self, ThreadId};

    /// Reports the thread that drops it.
    #[derive(Default)]
    struct Probe(Option<mpsc::Sender<ThreadId>>);

    impl Drop for Probe {
        fn drop(&mut self) {
            if let Some(sender) = &self.0 {
                sender.send(thread::current().id()).unwrap();
            }
        }
    }

    #[tokio::test]
    async fn work_and_drops_leave_the_async_thread() {
        assert!(!allowed());
        assert_eq!(run(allowed).await, Some(true));
        assert!(!tokio::task::spawn_blocking(allowed).await.unwrap(), "the mark is reset");
        assert!(thread::spawn(allowed).join().unwrap());
        let (sender, dropped_on) = mpsc::channel();
        drop(DropOffThread::new(Probe(Some(sender.clone()))));
        assert_ne!(dropped_on.recv().unwrap(), thread::current().id());
        drop(DropOffThread::new(Probe(Some(sender))).into_inner());
        assert_eq!(dropped_on.recv().unwrap(), thread::current().id());
    }
}

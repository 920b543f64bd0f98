//! Work that takes long runs on blocking threads, never on the async threads that serve clients.

use scopeguard::ScopeGuard;
use tokio::runtime::Handle;

/// Runs `work` on a blocking thread. Returns `None` if it panics or the runtime shuts down.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

/// A value that takes long to drop, and is dropped on a blocking thread wherever it goes out of
/// scope: also after an error and when the future that holds it is cancelled.
pub(crate) type DropOffThread<T> = ScopeGuard<T, fn(T)>;

pub(crate) fn drop_off_thread<T: Send + 'static>(value: T) -> DropOffThread<T> {
    let drop_value: fn(T) = |value| {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn_blocking(move || drop(value));
        }
    };
    scopeguard::guard(value, drop_value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread::{self, ThreadId};

    /// Reports the thread that drops it.
    struct Probe(mpsc::Sender<ThreadId>);

    impl Drop for Probe {
        fn drop(&mut self) {
            self.0.send(thread::current().id()).unwrap();
        }
    }

    #[tokio::test]
    async fn values_are_dropped_on_blocking_threads() {
        let (sender, dropped_on) = mpsc::channel();
        drop(drop_off_thread(Probe(sender.clone())));
        assert_ne!(dropped_on.recv().unwrap(), thread::current().id());
        drop(ScopeGuard::into_inner(drop_off_thread(Probe(sender))));
        assert_eq!(dropped_on.recv().unwrap(), thread::current().id());
    }
}

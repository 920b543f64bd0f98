//! The signals that end the program, and the one that does not.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM, SIGINT and SIGQUIT, which end; SIGHUP, which elsewhere reloads or comes when a shell
/// is left: neither is a reason to end.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Takes the signals over from the system's default.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The signal to end in order.
    pub async fn first(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.quit.recv() => return,
                _ = self.hang_up.recv() => tracing::warn!(
                    "SIGHUP: nothing is read anew, and nothing ends; \
                     a changed configuration holds after a restart"
                ),
            }
        }
    }

    /// The signal to end at once.
    pub async fn second(&mut self) {
        self.first().await;
    }
}

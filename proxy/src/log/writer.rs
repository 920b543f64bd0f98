//! Where lines are written, and what becomes of those that can't be: a full disk must not silence
//! the log without a trace.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many lines could not be written.
#[derive(Clone, Debug, Default)]
pub(super) struct Unwritten(Arc<AtomicU64>);

impl Unwritten {
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Writes lines, and counts those that it can't write.
pub(super) struct Counting<W> {
    lines: W,
    unwritten: Unwritten,
    /// Where the first failure is told, if there is such a place.
    aside: Option<Box<dyn Write + Send>>,
}

impl<W: Write> Counting<W> {
    /// `aside` is another place than the one of the lines, which are what fails.
    pub(super) fn new(lines: W, aside: Option<Box<dyn Write + Send>>) -> Self {
        Self { lines, unwritten: Unwritten::default(), aside }
    }

    pub(super) fn unwritten(&self) -> Unwritten {
        self.unwritten.clone()
    }
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines.write(bytes)
    }

    /// What the log's thread calls, with a line.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        let written = self.lines.write_all(line);
        if let Err(error) = &written {
            self.unwritten.0.fetch_add(1, Ordering::Relaxed);
            if let Some(mut aside) = self.aside.take() {
                // Nobody is left to be told that this fails, too.
                let _ = writeln!(
                    aside,
                    "aqs: the log can't be written ({error}); aqs_log_lines_lost_total counts \
                     what is lost, and this is not said again"
                );
            }
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::Mutex;

    /// Takes a line, or fails.
    struct Scripted(VecDeque<bool>);

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.0.pop_front() {
                Some(true) => Ok(bytes.len()),
                _ => Err(io::ErrorKind::StorageFull.into()),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_can_not_be_written_is_counted_and_told_of_once() {
        let aside = Shared::default();
        let script = Scripted([true, false, true, false, false].into());
        let mut writer = Counting::new(script, Some(Box::new(aside.clone())));
        let unwritten = writer.unwritten();
        let lost: Vec<u64> = (0..5)
            .map(|_| {
                let _ = writer.write_all(b"a line\n");
                unwritten.get()
            })
            .collect();
        assert_eq!(lost, [0, 1, 1, 2, 3]);
        let said = String::from_utf8(aside.0.lock().unwrap().clone()).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("aqs: the log can't be written ("), "{said}");
    }
}

//! Writing of lines that counts failures: a full disk must not silence the log unnoticed.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Output = Box<dyn Write + Send>;

/// Writes lines, and counts those that it can't write.
pub(super) struct CountingWriter {
    lines: Output,
    unwritten: Arc<AtomicU64>,
    /// Where the first failure is reported.
    fallback: Option<Output>,
}

impl CountingWriter {
    /// Returns the writer and its count of lines that were not written.
    pub(super) fn new(lines: Output, fallback: Option<Output>) -> (Self, Arc<AtomicU64>) {
        let unwritten = Arc::new(AtomicU64::new(0));
        (Self { lines, unwritten: Arc::clone(&unwritten), fallback }, unwritten)
    }
}

impl Write for CountingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines.write(bytes)
    }

    /// The log's thread calls this once for a line.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        let written = self.lines.write_all(line);
        if let Err(error) = &written {
            self.unwritten.fetch_add(1, Ordering::Relaxed);
            if let Some(mut fallback) = self.fallback.take() {
                // Nothing is left to report that this fails too.
                let _ = writeln!(
                    fallback,
                    "aqs: the log can't be written ({error}); aqs_log_lines_lost_total counts \
                     lost lines, and this is not repeated"
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
    fn failed_lines_are_counted_and_reported_once() {
        let fallback = Shared::default();
        let script = Scripted([true, false, true, false, false].into());
        let (mut writer, unwritten) =
            CountingWriter::new(Box::new(script), Some(Box::new(fallback.clone())));
        let lost: Vec<u64> = (0..5)
            .map(|_| {
                let _ = writer.write_all(b"a line\n");
                unwritten.load(Ordering::Relaxed)
            })
            .collect();
        assert_eq!(lost, [0, 1, 1, 2, 3]);
        let said = String::from_utf8(fallback.0.lock().unwrap().clone()).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("aqs: the log can't be written ("), "{said}");
    }
}

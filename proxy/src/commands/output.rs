//! What commands write to the standard streams.
//!
//! Output is advisory: a reader that is gone, or a full disk, changes nothing of what a command does.
//! Only a command whose output is its result fails if it can't be written.

use crate::log::escape;
use std::io::{self, ErrorKind, Write};

/// Writes the result of a command to standard output. A reader that closes it has read enough.
pub fn result(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(printable(text).as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("failed to write to standard output: {error}");
            Err(io::Error::new(error.kind(), message))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes what a command has done to standard output, as far as that is possible.
pub fn note(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(printable(text).as_bytes()).and_then(|()| out.flush());
}

/// Writes lines to standard error, as far as that is possible.
pub fn warn(text: &str) {
    let _ = writeln!(io::stderr(), "{}", printable(text));
}

/// Escapes control characters in each line: text from files and the network may hold any.
fn printable(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(escape).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_and_control_characters_are_escaped() {
        assert_eq!(printable("a\nb\u{1b}[2J\r\n"), "a\nb\\u{1b}[2J\\r\n");
    }
}

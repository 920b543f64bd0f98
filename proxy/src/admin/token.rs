//! The admin token: a secret in a file that only its owner can read.

use rustix::fs::OFlags;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// Bytes of a token that is made; twice as many digits.
const BYTES: usize = 32;
/// The shortest token that is taken from a file.
const LEAST: usize = 16;
/// The largest file that is taken for a token's.
const MOST: u64 = 1024;

/// What every write has to bring.
#[derive(Clone)]
pub struct Token(String);

/// The token can't be had.
#[derive(Debug, Error)]
pub enum TokenError {
    /// Others than its owner can get at it.
    #[error(
        "{path} can be read or written by others (mode {mode:03o}): chmod 600 it, or remove it to have a new one made"
    )]
    Loose {
        /// Which file.
        path: PathBuf,
        /// Its rights.
        mode: u32,
    },
    /// It holds no token.
    #[error(
        "{0} holds no token: it needs {LEAST} to {MOST} characters without blanks; remove it to have a new one made"
    )]
    Useless(PathBuf),
    /// It can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system has no randomness.
    #[error("no token can be made: {0}")]
    Random(getrandom::Error),
}

impl Token {
    /// Reads the token of a file, or makes one there if there is none.
    pub fn read_or_make(path: &Path) -> Result<Self, TokenError> {
        match Self::read(path) {
            Err(TokenError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::make(path)
            }
            read => read,
        }
    }

    /// Reads the token of a file.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::File { path: path.to_owned(), source };
        // Whatever is there, opening it waits for nobody.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        if !found.is_file() {
            return Err(TokenError::Useless(path.to_owned()));
        }
        let mode = found.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TokenError::Loose { path: path.to_owned(), mode });
        }
        let mut bytes = Vec::new();
        file.take(MOST + 1).read_to_end(&mut bytes).map_err(failed)?;
        let token = bytes.trim_ascii();
        let proper = bytes.len() as u64 <= MOST
            && token.len() >= LEAST
            && token.iter().all(u8::is_ascii_graphic);
        match String::from_utf8(token.to_vec()) {
            Ok(token) if proper => Ok(Self(token)),
            Ok(_) | Err(_) => Err(TokenError::Useless(path.to_owned())),
        }
    }

    fn make(path: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::File { path: path.to_owned(), source };
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(TokenError::Random)?;
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        match write(path, folder, &token) {
            Ok(()) => Ok(Self(token)),
            // Somebody else made one meanwhile: that one counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::read(path),
            Err(error) => Err(failed(error)),
        }
    }

    /// Whether this is it. How long that takes tells nothing about it.
    pub fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }

    /// The token, to be sent.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

/// Writes a token beside its place and moves it there: never with other rights and never in part,
/// not even after a crash.
fn write(path: &Path, folder: &Path, token: &str) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    writeln!(file, "{token}")?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map(drop).map_err(|error| error.error)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/admin-token");
        let made = Token::read_or_make(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let read = Token::read_or_make(&path).unwrap();
        assert!(read.is(made.secret().as_bytes()) && made.secret().len() == 2 * BYTES);
        for wrong in ["", "x", &made.secret()[1..], &format!("{}x", made.secret())] {
            assert!(!made.is(wrong.as_bytes()), "{wrong}");
        }
        assert_eq!(format!("{made:?}"), "Token(***)");
    }

    #[test]
    fn loose_rights_and_empty_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin-token");
        Token::read_or_make(&path).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(Token::read(&path), Err(TokenError::Loose { .. })), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let long = "x".repeat(1025);
        for text in ["", "short\n", "sixteen letters but blanks\n", "sixteen-letters-\u{e9}", &long]
        {
            fs::write(&path, text).unwrap();
            assert!(matches!(Token::read(&path), Err(TokenError::Useless(_))), "{text}");
        }
        fs::write(&path, &long[1..]).unwrap();
        assert!(Token::read(&path).is_ok());
    }

    #[test]
    fn what_is_no_file_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, endless) = (folder.path().join("pipe"), folder.path().join("endless"));
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &endless).unwrap();
        for path in [&pipe, &endless, folder.path()] {
            assert!(matches!(Token::read(path), Err(TokenError::Useless(_))), "{path:?}");
        }
    }

    #[test]
    fn of_two_that_make_one_the_first_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin-token");
        let first = Token::make(&path).unwrap();
        let second = Token::make(&path).unwrap();
        assert_eq!(first.secret(), second.secret());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

//! The admin token: a secret in a file that only its owner can read.

use rustix::fs::OFlags;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// Random bytes of a created token, which has two digits for each.
const BYTES: usize = 32;
/// The shortest token.
const MIN_LENGTH: usize = 16;
/// The largest token file.
const MAX_BYTES: u64 = 1024;

/// The secret of an admin listener.
#[derive(Clone)]
pub struct Token(String);

#[derive(Debug, Error)]
pub enum TokenError {
    #[error(
        "{path} can be read or written by others (mode {mode:03o}): chmod 600 it, or remove it, and the next start creates a new one"
    )]
    Permissions { path: PathBuf, mode: u32 },
    #[error(
        "{0} has no valid token: it needs {MIN_LENGTH} to {MAX_BYTES} characters without blanks; remove it, and the next start creates a new one"
    )]
    Invalid(PathBuf),
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("failed to create a token: {0}")]
    Random(getrandom::Error),
}

impl Token {
    /// Reads the token of a file, or creates both.
    pub fn read_or_create(path: &Path) -> Result<Self, TokenError> {
        match Self::read(path) {
            Err(TokenError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::create(path)
            }
            read => read,
        }
    }

    /// Reads the token of a file.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::File { path: path.to_owned(), source };
        // Opening a named pipe doesn't wait for a writer.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        if !found.is_file() {
            return Err(TokenError::Invalid(path.to_owned()));
        }
        let mode = found.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TokenError::Permissions { path: path.to_owned(), mode });
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        let token = bytes.trim_ascii();
        let proper = bytes.len() as u64 <= MAX_BYTES
            && token.len() >= MIN_LENGTH
            && token.iter().all(u8::is_ascii_graphic);
        match String::from_utf8(token.to_vec()) {
            Ok(token) if proper => Ok(Self(token)),
            Ok(_) | Err(_) => Err(TokenError::Invalid(path.to_owned())),
        }
    }

    fn create(path: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::File { path: path.to_owned(), source };
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(TokenError::Random)?;
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        // Renamed when complete: the file never has other permissions, not even after a crash.
        let owner_only = fs::Permissions::from_mode(0o600);
        let mut builder = tempfile::Builder::new();
        let mut file = builder.permissions(owner_only).tempfile_in(folder).map_err(failed)?;
        writeln!(file, "{token}").and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(Self(token)),
            // Another process has created it meanwhile.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Self::read(path),
            Err(error) => Err(failed(error.error)),
        }
    }

    /// Compares in constant time.
    pub fn matches(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }

    pub fn secret(&self) -> &str {
        &self.0
    }
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
    fn a_token_is_created_once_and_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/admin-token");
        let created = Token::read_or_create(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let read = Token::read_or_create(&path).unwrap();
        assert!(read.matches(created.secret().as_bytes()) && created.secret().len() == 2 * BYTES);
        for wrong in ["", "x", &created.secret()[1..], &format!("{}x", created.secret())] {
            assert!(!created.matches(wrong.as_bytes()), "{wrong}");
        }
        assert_eq!(format!("{created:?}"), "Token(***)");
    }

    #[test]
    fn wide_permissions_and_bad_content_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin-token");
        Token::read_or_create(&path).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(Token::read(&path), Err(TokenError::Permissions { .. })), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let long = "x".repeat(1025);
        for text in ["", "short\n", "sixteen letters but blanks\n", "sixteen-letters-\u{e9}", &long]
        {
            fs::write(&path, text).unwrap();
            assert!(matches!(Token::read(&path), Err(TokenError::Invalid(_))), "{text}");
        }
        fs::write(&path, &long[1..]).unwrap();
        assert!(Token::read(&path).is_ok());
    }

    #[test]
    fn pipes_and_devices_are_refused_without_blocking() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, endless) = (folder.path().join("pipe"), folder.path().join("endless"));
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &endless).unwrap();
        for path in [&pipe, &endless, folder.path()] {
            assert!(matches!(Token::read(path), Err(TokenError::Invalid(_))), "{path:?}");
        }
    }

    #[test]
    fn the_first_of_two_creations_wins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin-token");
        let first = Token::create(&path).unwrap();
        let second = Token::create(&path).unwrap();
        assert_eq!(first.secret(), second.secret());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

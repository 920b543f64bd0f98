//! The admin token: a secret in a file that only its owner can read.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// Bytes of a token that is made; twice as many digits.
const BYTES: usize = 32;
/// The shortest token that is taken from a file.
const LEAST: usize = 16;

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
        "{0} holds no token: it needs at least {LEAST} characters without blanks; remove it to have a new one made"
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
        let mut file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TokenError::Loose { path: path.to_owned(), mode });
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let token = text.trim();
        let proper = token.len() >= LEAST && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !proper {
            return Err(TokenError::Useless(path.to_owned()));
        }
        Ok(Self(token.to_owned()))
    }

    fn make(path: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::File { path: path.to_owned(), source };
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(TokenError::Random)?;
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        // Never there with other rights, not even for a moment.
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        file.and_then(|mut file| writeln!(file, "{token}")).map_err(failed)?;
        Ok(Self(token))
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
        for text in ["", "short\n", "sixteen letters but blanks\n"] {
            fs::write(&path, text).unwrap();
            assert!(matches!(Token::read(&path), Err(TokenError::Useless(_))), "{text}");
        }
    }
}

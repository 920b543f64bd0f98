//! The state directory of a server: epochs, the admin token, the address of the admin listener.

use super::StartError;
use crate::admin::Token;
use crate::config::{Config, StateDir};
use crate::listen::ListenAddr;
use aqs_api::Catalogue;
use aqs_origin::epochs::{StateDirectory, StateStatus};
use aqs_origin::{Clock, Epochs};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The name of the `AddressFile` in the state directory.
pub const ADDRESS_FILE: &str = "admin-address";
/// The name of the admin token's file in the state directory.
pub const TOKEN_FILE: &str = "admin-token";

/// Tells commands on this machine where the admin listener is. The file is removed when this is
/// dropped: a stale one could lead the admin token to another server.
#[derive(Debug)]
pub(super) struct AddressFile(PathBuf);

impl AddressFile {
    /// Writes the file into a state directory that this process owns.
    pub(super) fn write(config: &Config, addr: &ListenAddr) -> Option<Self> {
        let folder = config.state.path()?;
        let path = folder.join(ADDRESS_FILE);
        match replace(folder, &path, &addr.reachable()) {
            Ok(()) => Some(Self(path)),
            Err(error) => {
                tracing::warn!(%error, "failed to write the address of the admin listener: commands need --admin");
                None
            }
        }
    }
}

impl Drop for AddressFile {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// Replaces the file atomically; only its owner may read it.
fn replace(folder: &Path, path: &Path, addr: &ListenAddr) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{addr}")?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, file = %path.display(), "failed to remove the address of the admin listener");
        }
        Ok(()) | Err(_) => {}
    }
}

/// Opens the epochs and the admin token, in the state directory if there is one.
pub(super) fn open(
    config: &Config,
    catalogue: &Catalogue,
    clock: &Clock,
) -> Result<(Epochs, Option<Token>), StartError> {
    let now = clock.now();
    let in_memory = || (Epochs::starting_at(now.0, catalogue), None);
    let (path, opened) = match &config.state {
        StateDir::Nowhere => return Ok(in_memory()),
        StateDir::At(path) => (path, StateDirectory::open(path)?),
        StateDir::IfPossible(path) => match StateDirectory::open(path) {
            Ok(opened) => (path, opened),
            Err(error) => {
                tracing::warn!(%error, "purges do not survive a restart, and admin writes are refused");
                return Ok(in_memory());
            }
        },
    };
    let (state, found) = opened;
    // A process that crashed leaves it.
    remove(&path.join(ADDRESS_FILE));
    match &found {
        StateStatus::Damaged(moved) => tracing::warn!(
            aside = %moved.display(),
            "the state was damaged and is moved; entries from before now are not trusted"
        ),
        StateStatus::OtherFormat { format, moved } => tracing::warn!(
            format,
            aside = %moved.display(),
            "the state was written by another version of aqs; entries from before now are not trusted"
        ),
        StateStatus::Lost => {
            tracing::warn!("the state is lost; entries from before now are not trusted");
        }
        StateStatus::New | StateStatus::Restored => {}
    }
    let token = Token::read_or_create(&path.join(TOKEN_FILE))?;
    Ok((Epochs::remembered(state, &found, now, catalogue)?, Some(token)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_stale_address_file_is_removed() {
        let catalogue = Catalogue::standard().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let config = Config { state: StateDir::At(path.clone()), ..Config::default() };
        drop(open(&config, &catalogue, &Clock::System).unwrap());
        std::fs::write(path.join(ADDRESS_FILE), "127.0.0.1:1\n").unwrap();
        let held = open(&config, &catalogue, &Clock::System).unwrap();
        assert!(!path.join(ADDRESS_FILE).exists());
        // A process that can't own the directory leaves its files alone.
        let _file = AddressFile::write(&config, &"127.0.0.1:2".parse().unwrap());
        let state = StateDir::IfPossible(path.clone());
        open(&Config { state, ..Config::default() }, &catalogue, &Clock::System).unwrap();
        assert!(path.join(ADDRESS_FILE).exists());
        drop(held);
    }

    #[test]
    fn the_address_file_names_loopback_for_unspecified_addresses() {
        for (bound, written) in [
            ("0.0.0.0:8081", "127.0.0.1:8081"),
            ("[::]:8081", "[::1]:8081"),
            ("10.0.0.5:8081", "10.0.0.5:8081"),
            ("unix:/run/admin", "unix:/run/admin"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let state = StateDir::At(folder.path().to_owned());
            let config = Config { state, ..Config::default() };
            let path = folder.path().join(ADDRESS_FILE);
            let file = AddressFile::write(&config, &bound.parse().unwrap());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{written}\n"));
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            drop(file);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}

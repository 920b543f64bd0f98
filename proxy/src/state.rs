//! What a server keeps in its state directory: epochs, the admin token, where it listens.

use crate::admin::Token;
use crate::config::{Config, StateDir};
use crate::listen_addr::ListenAddr;
use crate::server::StartError;
use aqs_api::Catalogue;
use aqs_origin::epochs::{Found, StateDirectory};
use aqs_origin::{Clock, Epochs};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file in the state directory that tells where the admin listener is.
pub const ADDRESS_FILE: &str = "admin-address";
/// The admin token's file in the state directory.
pub const TOKEN_FILE: &str = "admin-token";

/// Word of where the admin listener is, taken back when this is dropped.
#[derive(Debug)]
pub(crate) struct PlaceTold(PathBuf);

impl Drop for PlaceTold {
    fn drop(&mut self) {
        forget_place(&self.0);
    }
}

/// Leaves the admin listener's place for `aqs purge` on the same machine, in a state directory
/// that is ours.
pub(crate) fn tell_place(config: &Config, place: &ListenAddr) -> Option<PlaceTold> {
    let path = config.state.path()?;
    let file = path.join(ADDRESS_FILE);
    match leave_word(path, &file, &place.reached()) {
        Ok(()) => Some(PlaceTold(file)),
        Err(error) => {
            tracing::warn!(%error, "`aqs purge` will have to be told the address");
            None
        }
    }
}

/// Whoever reads it reads all of it; and it is its owner's alone, as what it leads to.
fn leave_word(folder: &Path, file: &Path, place: &ListenAddr) -> io::Result<()> {
    let mut word = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(word, "{place}")?;
    word.persist(file).map(drop).map_err(|error| error.error)
}

/// Whoever would follow it might find somebody else there, and show them the token.
fn forget_place(file: &Path) {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, file = %file.display(), "where operators were served is still told");
        }
        Ok(()) | Err(_) => {}
    }
}

/// The epochs and the admin token, from the state directory if there is one.
pub(crate) fn remember(
    config: &Config,
    catalogue: &Catalogue,
    clock: &Clock,
) -> Result<(Epochs, Option<Token>), StartError> {
    let now = clock.now();
    let forgetful = || (Epochs::starting_at(now.0, catalogue), None);
    let (path, opened) = match &config.state {
        StateDir::Nowhere => return Ok(forgetful()),
        StateDir::At(path) => (path, StateDirectory::open(path)?),
        StateDir::IfPossible(path) => match StateDirectory::open(path) {
            Ok(opened) => (path, opened),
            Err(error) => {
                tracing::warn!(%error, "purges will be forgotten at the end, and operators can't write");
                return Ok(forgetful());
            }
        },
    };
    let (state, found) = opened;
    // One that crashed left it.
    forget_place(&path.join(ADDRESS_FILE));
    match &found {
        Found::Damaged(aside) => tracing::warn!(
            aside = %aside.display(),
            "the state was damaged and is set aside; nothing from before now is trusted"
        ),
        Found::Lost => tracing::warn!("the state is gone; nothing from before now is trusted"),
        Found::OtherFormat { format, moved } => tracing::warn!(
            format,
            moved = %moved.display(),
            "the state was written by another version of aqs; nothing from before now is trusted"
        ),
        Found::New | Found::Kept => {}
    }
    let token = Token::read_or_create(&path.join(TOKEN_FILE))?;
    Ok((Epochs::remembered(state, &found, now, catalogue)?, Some(token)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_a_crash_left_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let catalogue = Catalogue::standard().unwrap();
        let settings = Config { state: StateDir::At(path.clone()), ..Config::default() };
        drop(remember(&settings, &catalogue, &Clock::System).unwrap());
        std::fs::write(path.join(ADDRESS_FILE), "127.0.0.1:1\n").unwrap();
        let held = remember(&settings, &catalogue, &Clock::System).unwrap();
        assert!(!path.join(ADDRESS_FILE).exists());
        // Whoever can't have the directory leaves alone what is in it.
        let _word = tell_place(&settings, &"127.0.0.1:2".parse().unwrap());
        let state = StateDir::IfPossible(path.clone());
        remember(&Config { state, ..Config::default() }, &catalogue, &Clock::System).unwrap();
        assert!(path.join(ADDRESS_FILE).exists());
        drop(held);
    }

    #[test]
    fn a_listener_on_any_address_is_reached_by_loopback() {
        for (bound, told) in [
            ("0.0.0.0:8081", "127.0.0.1:8081"),
            ("[::]:8081", "[::1]:8081"),
            ("10.0.0.5:8081", "10.0.0.5:8081"),
            ("unix:/run/admin", "unix:/run/admin"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let state = StateDir::At(folder.path().to_owned());
            let settings = Config { state, ..Config::default() };
            let file = folder.path().join(ADDRESS_FILE);
            let word = tell_place(&settings, &bound.parse().unwrap());
            assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{told}\n"));
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            drop(word);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}

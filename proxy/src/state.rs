//! What a house keeps in its state directory: epochs, the admin token, where it listens.

use crate::admin::Token;
use crate::house::StartError;
use crate::settings::{Settings, StatePlace};
use aqs_origin::Epochs;
use aqs_origin::epochs::{Found, StateDirectory};
use std::net::SocketAddr;

/// The file in the state directory that tells where the admin listener is.
pub const ADDRESS_FILE: &str = "admin-address";
/// The admin token's file in the state directory.
pub const TOKEN_FILE: &str = "admin-token";

/// Leaves the admin listener's address for `aqs purge` on the same machine.
pub(crate) fn tell_address(settings: &Settings, address: SocketAddr) {
    let Some(path) = settings.state.path() else { return };
    if let Err(error) = std::fs::write(path.join(ADDRESS_FILE), format!("{address}\n")) {
        tracing::warn!(%error, "`aqs purge` will have to be told the address");
    }
}

/// The epochs and the admin token, from the state directory if there is one.
pub(crate) fn remember(settings: &Settings) -> Result<(Epochs, Option<Token>), StartError> {
    let now = settings.clock.now();
    let forgetful = || (Epochs::starting_at(now.0), None);
    let (path, opened) = match &settings.state {
        StatePlace::Nowhere => return Ok(forgetful()),
        StatePlace::At(path) => (path, StateDirectory::open(path)?),
        StatePlace::IfPossible(path) => match StateDirectory::open(path) {
            Ok(opened) => (path, opened),
            Err(error) => {
                tracing::warn!(%error, "purges will be forgotten at the end, and operators can't write");
                return Ok(forgetful());
            }
        },
    };
    let (state, found) = opened;
    match &found {
        Found::Damaged(aside) => tracing::warn!(
            aside = %aside.display(),
            "the state was damaged and is set aside; nothing from before now is trusted"
        ),
        Found::Lost => tracing::warn!("the state is gone; nothing from before now is trusted"),
        Found::New | Found::Kept => {}
    }
    let token = Token::read_or_make(&path.join(TOKEN_FILE))?;
    Ok((Epochs::remembered(state, &found, now)?, Some(token)))
}

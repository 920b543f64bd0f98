//! What a house keeps in its state directory: epochs, the admin token, where it listens.

use crate::admin::Token;
use crate::house::StartError;
use crate::place::Place;
use crate::settings::{Settings, StatePlace};
use aqs_origin::Epochs;
use aqs_origin::epochs::{Found, StateDirectory};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The file in the state directory that tells where the admin listener is.
pub const ADDRESS_FILE: &str = "admin-address";
/// The admin token's file in the state directory.
pub const TOKEN_FILE: &str = "admin-token";

/// Leaves the admin listener's place for `aqs purge` on the same machine.
pub(crate) fn tell_place(settings: &Settings, place: &Place) {
    let Some(path) = settings.state.path() else { return };
    let place = match place {
        Place::Tcp(address) => Place::Tcp(reachable(*address)),
        Place::Unix(_) => place.clone(),
    };
    if let Err(error) = std::fs::write(path.join(ADDRESS_FILE), format!("{place}\n")) {
        tracing::warn!(%error, "`aqs purge` will have to be told the address");
    }
}

/// Where this machine reaches a listener on any address: on loopback, whose name writes may use.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_any_address_is_reached_by_loopback() {
        for (bound, told) in [
            ("0.0.0.0:8081", "127.0.0.1:8081"),
            ("[::]:8081", "[::1]:8081"),
            ("10.0.0.5:8081", "10.0.0.5:8081"),
            ("unix:/run/admin", "unix:/run/admin"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let state = StatePlace::At(folder.path().to_owned());
            let settings = Settings { state, ..Settings::default() };
            tell_place(&settings, &bound.parse().unwrap());
            let held = std::fs::read_to_string(folder.path().join(ADDRESS_FILE)).unwrap();
            assert_eq!(held, format!("{told}\n"));
        }
    }
}
